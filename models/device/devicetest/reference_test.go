package devicetest

import (
	"strings"
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
)

// The reference passes its own suite: what this shows is that the suite asks
// for nothing impossible, and the reference panics where others must.
func TestReference(t *testing.T) {
	Run(t, func(*testing.T, int) device.Backend { return reference.New() }, Float32())
}

// Law 6: every backward pass equals central finite differences of its forward.
func TestGradients(t *testing.T) { Gradients(t) }

// Every operation has trials, and every backward pass a gradient check.
func TestEveryOperationIsTried(t *testing.T) {
	for _, k := range device.Kinds() {
		ts := trials(k)
		if len(ts) == 0 {
			t.Errorf("%v has no trial", k)
		}
		checked := false
		for _, tr := range ts {
			checked = checked || tr.gradient != nil && tr.differentiable()
		}
		if strings.HasSuffix(k.String(), "Backward") && !checked {
			t.Errorf("no gradient of %v is checked", k)
		}
	}
}
