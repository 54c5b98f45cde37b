package plots

import (
	"math"

	"prabench/metrics/quantity"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Difference is that of two means over training seeds, a − b, with what can be
// said about it.
type Difference struct {
	Value  float64
	Lo, Hi float64 // 95 % interval by Welch's t; NaN when there is none
	P      float64 // two-sided, of no difference; NaN when there is none
	Why    string  // why there is no interval; empty when there is one
}

// Separated says that the interval leaves out zero.
func (d Difference) Separated() bool { return d.Lo > 0 || d.Hi < 0 }

// Compare gives the difference of two values. Seeds are taken as independent:
// the same number in two settings starts two different trainings.
func Compare(a, b MetricValue) Difference {
	d := Difference{Value: a.Value - b.Value, Lo: math.NaN(), Hi: math.NaN(), P: math.NaN()}
	if len(a.Values) < 2 || len(b.Values) < 2 {
		d.Why = "one training seed has no interval over seeds"
		return d
	}
	na, nb := float64(len(a.Values)), float64(len(b.Values))
	va, vb := stat.Variance(a.Values, nil)/na, stat.Variance(b.Values, nil)/nb
	se := math.Sqrt(va + vb)
	if se == 0 { // what is counted is the same for every seed
		d.Lo, d.Hi, d.P = d.Value, d.Value, 0
		if d.Value == 0 {
			d.P = 1
		}
		return d
	}
	// Welch and Satterthwaite
	df := (va + vb) * (va + vb) / (va*va/(na-1) + vb*vb/(nb-1))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
	half := t.Quantile(0.975) * se
	d.Lo, d.Hi = d.Value-half, d.Value+half
	d.P = 2 * t.Survival(math.Abs(d.Value)/se)
	return d
}

// Holm corrects p-values for their number (Holm 1979): each is the smallest level
// at which its comparison would be rejected with all comparisons considered. NaN
// stays and does not count.
func Holm(p []float64) []float64 {
	out := make([]float64, len(p))
	done := make([]bool, len(p))
	left := 0
	for i, v := range p {
		out[i] = v
		if math.IsNaN(v) {
			done[i] = true
		} else {
			left++
		}
	}
	reached := 0.0
	for ; left > 0; left-- {
		least := -1
		for i := range p {
			if !done[i] && (least < 0 || p[i] < p[least]) {
				least = i
			}
		}
		reached = math.Max(reached, math.Min(1, p[least]*float64(left)))
		out[least], done[least] = reached, true
	}
	return out
}

// apart says that the difference of two values is more than their noise: by the
// seeds where there are several; by their own intervals, which must not meet,
// where there is one; for what is counted, that they differ.
func apart(metric string, a, b MetricValue) bool {
	switch {
	case a.Value == b.Value:
		return false
	case len(a.Values) > 1 && len(b.Values) > 1:
		return Compare(a, b).Separated()
	case a.Lo != nil && a.Hi != nil && b.Lo != nil && b.Hi != nil:
		return *a.Hi < *b.Lo || *b.Hi < *a.Lo
	}
	return isCounted(metric)
}

// isCounted tells the metrics that follow from the configuration alone.
func isCounted(metric string) bool {
	m := quantity.Find(metric)
	return m != nil && m.Nature == quantity.Counted
}
