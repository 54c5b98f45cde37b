package stat

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Student is the mean of values, with Student's interval where there are at
// least two that are not all the same. It assumes that they scatter normally,
// which means of seeds and of rounds nearly do.
func Student(values []float64, over Method) Estimate {
	switch {
	case len(values) == 0:
		return Estimate{}
	case constant(values):
		return Point(values[0], len(values)) // a mean rounds
	}
	n := float64(len(values))
	mean, deviation := stat.MeanStdDev(values, nil)
	half := quantile(n-1) * deviation / math.Sqrt(n)
	return Point(mean, len(values)).with(mean-half, mean+half, deviation/math.Sqrt(n), over)
}

// Geometric is the geometric mean of positive values, with Student's interval of their
// logarithms where there are at least two that are not all the same: neither end is
// below zero, and a rate has the same interval as the time that it is the inverse of.
// Values of which one is not positive have [Student]'s.
func Geometric(values []float64, over Method) Estimate {
	logs := make([]float64, len(values))
	for i, v := range values {
		if !(v > 0) {
			return Student(values, over)
		}
		logs[i] = math.Log(v)
	}
	if len(values) == 0 || constant(values) {
		return Student(values, over)
	}
	e := Student(logs, over)
	if !e.HasInterval() { // they differ by less than their logarithms can
		return Student(values, over)
	}
	mean := math.Exp(e.Value)
	return Point(mean, e.N).with(math.Exp(e.Lo), math.Exp(e.Hi), e.SE*mean, over)
}

// Welch is the difference of the means, b − a, of independent values whose
// spreads may differ (Welch and Satterthwaite). Each side needs two values, and
// one side some spread, for an interval and a test.
func Welch(a, b []float64, over Method) Difference {
	d := Difference{Estimate: Point(mean(b)-mean(a), len(a)+len(b)), P: math.NaN()}
	if len(a) < 2 || len(b) < 2 || constant(a) && constant(b) {
		return d
	}
	na, nb := float64(len(a)), float64(len(b))
	va, vb := stat.Variance(a, nil)/na, stat.Variance(b, nil)/nb
	d.test((va+vb)*(va+vb)/(va*va/(na-1)+vb*vb/(nb-1)), math.Sqrt(va+vb), over)
	return d
}

// Paired is the mean of the differences b[i] − a[i], where what makes both
// values of a pair alike, such as a common seed, cancels. The correlation says
// how much it does: Welch's interval is wider by about 1/√(1−R). It panics
// where a value has no partner.
func Paired(a, b []float64, over Method) Difference {
	if len(a) != len(b) {
		panic(fmt.Sprintf("stat: %d values in pairs with %d", len(a), len(b)))
	}
	of := make([]float64, len(a))
	for i := range a {
		of[i] = b[i] - a[i]
	}
	d := Difference{Estimate: Student(of, over), P: math.NaN()}
	if d.HasInterval() {
		d.test(float64(len(of)-1), d.SE, over)
	}
	if len(a) > 1 && !constant(a) && !constant(b) {
		d.R = correlation(a, b)
	}
	return d
}

// test fills in Student's interval and test of a difference with df degrees of
// freedom.
func (d *Difference) test(df, se float64, over Method) {
	half := quantile(df) * se
	d.Estimate = d.with(d.Value-half, d.Value+half, se, over)
	d.P = 2 * distuv.StudentsT{Sigma: 1, Nu: df}.Survival(math.Abs(d.Value)/se)
}

// quantile is how many standard errors Student's interval reaches.
func quantile(df float64) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(1 - (1-Confidence)/2)
}

// constant says that all values are the same. A variance would not: it rounds.
func constant(values []float64) bool {
	for _, v := range values {
		if v != values[0] {
			return false
		}
	}
	return true
}

func mean(values []float64) float64 { return stat.Mean(values, nil) }

func correlation(a, b []float64) float64 { return stat.Correlation(a, b, nil) }
