package devicetest

import (
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
)

// The reference passes its own suite: what this shows is that the suite asks
// for nothing impossible, and the reference panics where others must.
func TestReference(t *testing.T) {
	Run(t, func(*testing.T, int) device.Backend { return reference.New() }, Float32())
}
