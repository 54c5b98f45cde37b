package stat

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Power fits y = a·xᵇ by least squares on the logarithms and gives b with
// Student's interval of n − 2 degrees of freedom; two points, and points that lie
// on the curve exactly, have none. Points without a logarithm are left out. ok is
// false where fewer than two different x are left.
func Power(x, y []float64) (b Estimate, ok bool) {
	var lx, ly []float64
	for i := range x {
		if x[i] > 0 && y[i] > 0 && !math.IsInf(x[i], 0) && !math.IsInf(y[i], 0) {
			lx, ly = append(lx, math.Log(x[i])), append(ly, math.Log(y[i]))
		}
	}
	n := len(lx)
	if n < 2 || constant(lx) {
		return Point(0, n), false
	}
	offset, slope := stat.LinearRegression(lx, ly, nil, false)
	b = Point(slope, n)
	centre, sxx, rest := mean(lx), 0.0, 0.0
	for i := range lx {
		sxx += (lx[i] - centre) * (lx[i] - centre)
		e := ly[i] - offset - slope*lx[i]
		rest += e * e
	}
	if n == 2 || rest == 0 {
		return b, true
	}
	se := math.Sqrt(rest / float64(n-2) / sxx)
	half := quantile(float64(n-2)) * se
	return b.with(slope-half, slope+half, se, Points), true
}
