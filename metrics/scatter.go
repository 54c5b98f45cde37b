package metrics

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// scatter is a set of feature rows reduced by orthogonal transformations: rows
// holds R with RᵀR = AᵀA for A = [1, X−centre], at most D+1 rows of D+1 numbers.
// Stacking two scatters and reducing again is the scatter of the union, so
// leaving a block out needs no subtraction, which would cancel digits.
type scatter struct {
	n    int       // images
	cols int       // D+1
	rows []float64 // [≤ D+1, D+1] after reduce
}

// gather makes the scatter of the images at the given indices.
func gather(f Features, at []int, centre []float64) scatter {
	s := scatter{n: len(at), cols: f.D + 1}
	const chunk = 1024 // images reduced at a time: bounds memory, stays in cache
	for lo := 0; lo < len(at); lo += chunk {
		part := at[lo:min(lo+chunk, len(at))]
		for _, i := range part {
			s.rows = append(s.rows, 1)
			for j, v := range f.row(i) {
				s.rows = append(s.rows, v-centre[j])
			}
		}
		s.reduce()
	}
	return s
}

// join is the scatter of two disjoint sets.
func join(a, b scatter) scatter {
	s := scatter{n: a.n + b.n, cols: max(a.cols, b.cols)}
	s.rows = make([]float64, 0, len(a.rows)+len(b.rows))
	s.rows = append(append(s.rows, a.rows...), b.rows...)
	s.reduce()
	return s
}

// reduce replaces the rows by the triangular factor of their QR decomposition.
func (s *scatter) reduce() {
	m := len(s.rows) / s.cols
	if m == 0 {
		return
	}
	a := blas64.General{Rows: m, Cols: s.cols, Stride: s.cols, Data: s.rows}
	k := min(m, s.cols)
	tau, size := make([]float64, k), make([]float64, 1)
	lapack64.Geqrf(a, tau, size, -1)
	lapack64.Geqrf(a, tau, make([]float64, int(size[0])), int(size[0]))
	for i := range k { // below the diagonal lie the reflectors
		clear(s.rows[i*s.cols : i*s.cols+min(i, s.cols)])
	}
	s.rows = s.rows[:k*s.cols]
}

// mean returns the mean row, relative to the centre. The scatter is reduced:
// its first row is (±√n, ±√n·mean).
func (s scatter) mean() []float64 {
	m := make([]float64, s.cols-1)
	for j := range m {
		m[j] = s.rows[1+j] / s.rows[0]
	}
	return m
}

// factor returns F with FᵀF the covariance (divisor n−1): the rows under the
// first one, at most min(n−1, D) of them.
func (s scatter) factor() blas64.General {
	d, r := s.cols-1, len(s.rows)/s.cols-1
	f := blas64.General{Rows: r, Cols: d, Stride: d, Data: make([]float64, r*d)}
	scale := 1 / math.Sqrt(float64(s.n-1))
	for i := range r {
		for j := range d {
			f.Data[i*d+j] = s.rows[(i+1)*s.cols+1+j] * scale
		}
	}
	return f
}

// gaussian is what the Fréchet distance reads of a set.
type gaussian struct {
	mean   []float64
	factor blas64.General
	trace  float64 // of the covariance
}

func (s scatter) gaussian() gaussian {
	g := gaussian{mean: s.mean(), factor: s.factor()}
	for _, v := range g.factor.Data {
		g.trace += v * v
	}
	return g
}

// cross is F₁F₂ᵀ.
func cross(f1, f2 blas64.General) blas64.General {
	m := blas64.General{Rows: f1.Rows, Cols: f2.Rows, Stride: f2.Rows, Data: make([]float64, f1.Rows*f2.Rows)}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, f1, f2, 0, m)
	return m
}
