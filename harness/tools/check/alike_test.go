package check

import (
	"strings"
	"testing"

	"prabench/harness/stage"
	"prabench/metrics/quantity"
	"prabench/models/pra"
)

// A baseline that was saved before a key came is still its cell's: the key is
// not in what is compared, unless the cell sets it.
func TestABaselineOutlivesLaterKeys(t *testing.T) {
	untimed := alike{Model: pra.DefaultConfig()}
	quantity.AssumeAbsent(&untimed.Train)
	timed := alike{Model: pra.DefaultConfig(), Train: pra.DefaultTrain()}
	other := timed
	other.Train.Beta2 = 0.9
	for _, c := range []struct {
		a    alike
		want bool
	}{{untimed, false}, {timed, false}, {other, true}} {
		raw, err := stage.Canonical(c.a)
		if err != nil || strings.Contains(string(raw), "beta2") != c.want {
			t.Errorf("%s, %v", raw, err)
		}
	}
}
