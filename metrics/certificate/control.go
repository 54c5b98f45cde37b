package certificate

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// The sets that must score worse than real images.
const (
	constantImage = "grey image"
	MeanImage     = "mean image" // the mean of real images, many times
	colouredNoise = "coloured noise"
)

// most is how many multiplications the noise may take; of large images it is mixed of
// fewer.
const most = 2e10

// controlPixels are n images of a control, made from real images [m, per]. Coloured
// noise has their mean and the covariance of their pixels, and none of their shapes:
// sums of their differences from the mean, by random weights. Pixels are cut at black
// and white.
func controlPixels(kind string, real []uint8, m, per, n int) []uint8 {
	mean := make([]float64, per)
	for i, v := range real[:m*per] {
		mean[i%per] += float64(v) / float64(m)
	}
	out := make([]uint8, n*per)
	switch kind {
	case constantImage:
		for i := range out {
			out[i] = 127
		}
	case MeanImage:
		for i := range out {
			out[i] = byteOf(mean[i%per])
		}
	case colouredNoise:
		m = min(m, max(50, int(most/float64(n)/float64(per))))
		centred := make([]float64, m*per)
		for i := range centred {
			centred[i] = float64(real[i]) - mean[i%per]
		}
		r := rand.New(rand.NewPCG(7, 11))
		const together = 100
		weights, mixed := make([]float64, together*m), make([]float64, together*per)
		for at := 0; at < n; at += together {
			k := min(together, n-at)
			for i := range weights[:k*m] {
				weights[i] = r.NormFloat64() / math.Sqrt(float64(m))
			}
			blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, blas64.General{Rows: k, Cols: m, Stride: m, Data: weights},
				blas64.General{Rows: m, Cols: per, Stride: per, Data: centred}, 0, blas64.General{Rows: k, Cols: per, Stride: per, Data: mixed})
			for i, v := range mixed[:k*per] {
				out[at*per+i] = byteOf(v + mean[i%per])
			}
		}
	}
	return out
}
