package check

import (
	"strings"
	"testing"

	"prabench/harness/stage"
	"prabench/models/pra"
)

// A baseline that was saved before a key came is still its cell's: the key is
// not in what is compared, unless the cell sets it.
func TestABaselineOutlivesLaterKeys(t *testing.T) {
	usual := pra.Params{Model: pra.DefaultConfig(), Train: pra.DefaultTrain(), Sample: pra.DefaultSample()}
	other := usual
	other.Train.Beta2 = 0.9
	for _, c := range []struct {
		params pra.Params
		timed  bool
		want   bool
	}{{usual, false, false}, {other, false, false}, {usual, true, false}, {other, true, true}} {
		a, err := stage.AlikeOf(&stage.Settings{Params: c.params}, c.timed)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := stage.Canonical(a)
		if err != nil || strings.Contains(string(raw), "beta2") != c.want {
			t.Errorf("%s, %v", raw, err)
		}
	}
}
