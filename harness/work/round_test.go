package work

import (
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
)

// recorder is a backend that records.
type recorder struct{ device.Backend }

func (recorder) Record(func()) (device.Recording, bool) { return nil, false }

// A device that records does so in its second call: no reading may hold that.
func TestWarmed(t *testing.T) {
	plain := reference.New()
	for _, c := range []struct {
		be           device.Backend
		warmup, want int
	}{{plain, 0, 0}, {plain, 1, 1}, {recorder{plain}, 0, 2}, {recorder{plain}, 1, 2}, {recorder{plain}, 5, 5}} {
		if got := warmed(c.be, c.warmup); got != c.want {
			t.Errorf("%T, %d asked for: %d calls before the first reading, want %d", c.be, c.warmup, got, c.want)
		}
	}
}
