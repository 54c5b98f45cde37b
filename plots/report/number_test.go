package report

import "testing"

func TestShownNumbers(t *testing.T) {
	p := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		value          float64
		lo, hi         *float64
		factor         float64
		text, interval string
	}{
		{15.234567, p(14.834567), p(15.634567), 1, "15.23", "±0.40"},
		{2510.4, p(949.9), p(4070.9), 1, "2510", "±1560"},
		{0.0010668, p(0.0010560), p(0.0010776), 1000, "1.067", "±0.011"},
		{274441, nil, nil, 1e-3, "274.4", ""},
		{2, nil, nil, 1, "2", ""},
		{0, nil, nil, 1, "0", ""},
		{0.5, p(0.5), p(0.5), 1, "0.5000", "±0"},
		{-0.0004, p(-0.05), p(0.05), 1, "0.000", "±0.050"},
		{2390, p(956.5), p(5973), 1, "2390", "[956, 5973]"},
		{0, p(0), p(0.037), 100, "0.0", "[0.0, 3.7]"},
		{1e-7, nil, nil, 1, "0.000000100", ""},
	} {
		text, interval := shown(c.value, c.lo, c.hi, c.factor)
		if text != c.text || interval != c.interval {
			t.Errorf("%g: %s %s, want %s %s", c.value, text, interval, c.text, c.interval)
		}
	}
}
