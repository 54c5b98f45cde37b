package plots

import (
	"math"
	"testing"
)

// NIST's Norris data (StRD, linear regression): slope 1.00211681802045 with a
// standard deviation of 0.000429796848199937 over 36 points; here the points'
// exponentials, so that the power law has that exponent.
func TestPowerAgainstPublishedValues(t *testing.T) {
	y := []float64{0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3, 448.9, 10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4, 449.2, 0.2}
	x := []float64{0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0, 447.5, 11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1, 448.9, 0.5}
	var points []Point
	for i := range x { // halved, since e^999 is no float64
		points = append(points, Point{X: math.Exp(x[i] / 2), Y: math.Exp(y[i] / 2)})
	}
	b, half, n, ok := power(points)
	const slope, deviation, quantile = 1.00211681802045, 0.000429796848199937, 2.0322445 // t(34, 0.975)
	if !ok || n != 36 || math.Abs(b-slope) > 1e-10 || math.Abs(half-quantile*deviation) > 1e-9 {
		t.Errorf("power: %v ± %v over %d, %v; want %v ± %v", b, half, n, ok, slope, quantile*deviation)
	}
}

func TestPowerNeedsTwoPlaces(t *testing.T) {
	for _, points := range [][]Point{nil, {{X: 2, Y: 3}}, {{X: 2, Y: 3}, {X: 2, Y: 4}}, {{X: 2, Y: 3}, {X: 3, Y: -1}}} {
		if _, _, _, ok := power(points); ok {
			t.Errorf("an exponent from %v", points)
		}
	}
	if b, half, _, ok := power([]Point{{X: 1, Y: 5}, {X: 10, Y: 500}}); !ok || math.Abs(b-2) > 1e-12 || !math.IsInf(half, 1) {
		t.Errorf("two points: %v ± %v, %v", b, half, ok)
	}
}
