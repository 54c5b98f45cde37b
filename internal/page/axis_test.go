package page

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		log       bool
		n         int
		want      string
	}{
		{0, 1000, false, 5, "[0 200 400 600 800 1000]"},
		{-0.3, 0.4, false, 4, "[-0.2 0 0.2 0.4]"},
		{7, 7, false, 4, "[7]"},
		{0.3, 40, true, 4, "[0.5 1 2 5 10 20]"},
		{0.001, 1000, true, 4, "[0.001 0.01 0.1 1 10 100 1000]"},
		{11, 13, true, 4, "[11 11.5 12 12.5 13]"},
	} {
		a := NewAxis(c.low, c.high, 0, 0, 100, c.log)
		var got []float64
		for _, x := range a.Ticks(c.n) {
			got = append(got, math.Round(x*1e6)/1e6+0)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%g to %g, log %v: %v, want %s", c.low, c.high, c.log, got, c.want)
		}
	}
}

// Values keep their order and stay between the ends, whichever end is where.
func TestAxisKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(1e-6, 1e6).Draw(t, "low")
		high := low * rapid.Float64Range(1, 1e6).Draw(t, "ratio")
		a := NewAxis(low, high, 0.05, 300, 20, rapid.Bool().Draw(t, "log"))
		if x, y := a.At(low), a.At(high); x < y || x > 300 || y < 20 {
			t.Fatalf("%g at %g, %g at %g", low, x, high, y)
		}
	})
}

// However large, small or near each other the ends are, an axis has few ticks, all of them
// numbers between its ends, and finding them ends.
func TestTicksOfExtremes(t *testing.T) {
	next := math.Nextafter
	for _, c := range []struct {
		low, high float64
		log       bool
	}{
		{1e300, 2e300, false}, {-1e300, 1e300, false}, {1e-300, 2e-300, false}, {1e300, next(1e300, math.Inf(1)), false},
		{1, next(1, 2), false}, {-5e-324, 5e-324, false}, {0, 1e300, false},
		{1e-300, 1e300, true}, {1e300, 1.1e300, true}, {1e-5, 1e40, true}, {2e-308, 1e308, true}, {1e299, 1e300, true},
	} {
		a := NewAxis(c.low, c.high, 0.05, 0, 100, c.log)
		ticks := a.Ticks(6)
		if len(ticks) > 40 {
			t.Errorf("%g to %g, log %v: %d ticks", c.low, c.high, c.log, len(ticks))
		}
		for _, v := range ticks {
			if at := a.At(v); math.IsNaN(at) || math.IsInf(at, 0) {
				t.Errorf("%g to %g, log %v: the tick %g lies at %g", c.low, c.high, c.log, v, at)
			}
		}
	}
}
