package metrics

import (
	"errors"
	"math"
	"slices"

	"prabench/metrics/stat"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Slices is the number of directions of [SlicedWasserstein], as in the paper.
const Slices = 1000

// SlicedWasserstein is the distance of MIND (Berthet et al. 2026,
// arXiv 2605.06797; there on Inception features, and only there it has that
// name): 3·D times the mean, over directions drawn evenly from the unit sphere, of
// the squared Wasserstein distance of the two sets projected on a direction,
// which sorting gives. It sees all of a distribution, not its mean and covariance
// alone. A larger reference is cut to as many images as were generated. The value
// keeps an upward bias of finite samples, about 1/n: compare equal counts.
//
// The paper draws directions from a generator that differs between libraries;
// here they are fixed, see [direction]. The interval leaves out blocks of images;
// the directions are taken as they are.
func SlicedWasserstein(real, gen Features) (stat.Estimate, error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return stat.Estimate{}, err
	}
	real, err := atMost(real, gen.N)
	if err != nil {
		return stat.Estimate{}, err
	}
	sides := [2]Features{real, gen}
	var block [2][]int
	var blocks [2]int
	for s, f := range sides {
		block[s], blocks[s] = deal(f)
	}
	// What each direction adds: the distance of all, and without each block.
	each := make([][]float64, Slices)
	const height = 50 // directions projected at a time
	parallel(Slices/height, func(t int) {
		u := make([]float64, 0, height*real.D)
		for k := range height {
			u = append(u, direction(t*height+k, real.D)...)
		}
		var on [2]blas64.General
		for s, f := range sides {
			on[s] = project(u, f)
		}
		for k := range height {
			var line [2][]placed
			for s := range sides {
				line[s] = sorted(on[s].Data[k*on[s].Stride:(k+1)*on[s].Stride], block[s])
			}
			values := []float64{transport(line[0], line[1], -1, -1)}
			for b := range blocks[0] {
				values = append(values, transport(line[0], line[1], b, -1))
			}
			for b := range blocks[1] {
				values = append(values, transport(line[0], line[1], -1, b))
			}
			each[t*height+k] = values
		}
	})
	sum := make([]float64, len(each[0]))
	for _, values := range each {
		for i, v := range values {
			sum[i] += 3 * float64(real.D) / Slices * v
		}
	}
	left := [2][]float64{sum[1 : 1+blocks[0]], sum[1+blocks[0]:]}
	return stat.DeleteGroup(sum[0], gen.N, left[:]...).Within(0, math.Inf(1)), nil
}

// atMost is the set, or n of its images.
func atMost(f Features, n int) (Features, error) {
	if f.N <= n {
		return f, nil
	}
	return f.Take(n)
}

// direction number k in d dimensions: normal numbers by Box and Muller, of two
// SplitMix64 values each, at length 1.
func direction(k, d int) []float64 {
	u := make([]float64, d)
	var length float64
	for j := range u {
		at := 2 * (uint64(k)<<32 + uint64(j))
		r := math.Sqrt(-2 * math.Log(uniform(at)))
		u[j] = r * math.Cos(2*math.Pi*uniform(at+1))
		length += u[j] * u[j]
	}
	length = math.Sqrt(length)
	for j := range u {
		u[j] /= length
	}
	return u
}

// uniform lies between 0 and 1, neither of them included.
func uniform(at uint64) float64 { return (float64(mix(at)>>12) + 0.5) / (1 << 52) }

// project is [directions, N]: where each image lies on each direction.
func project(u []float64, f Features) blas64.General {
	rows := len(u) / f.D
	out := blas64.General{Rows: rows, Cols: f.N, Stride: f.N, Data: make([]float64, rows*f.N)}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, blas64.General{Rows: rows, Cols: f.D, Stride: f.D, Data: u},
		blas64.General{Rows: f.N, Cols: f.D, Stride: f.D, Data: f.X}, 0, out)
	return out
}

// placed is an image on a line.
type placed struct {
	x     float64
	block int
}

func sorted(x []float64, block []int) []placed {
	line := make([]placed, len(x))
	for i, v := range x {
		line[i] = placed{v, block[i]}
	}
	slices.SortFunc(line, func(a, b placed) int {
		switch {
		case a.x < b.x:
			return -1
		case a.x > b.x:
			return 1
		}
		return 0
	})
	return line
}

// transport is the squared Wasserstein distance of two sorted sets on a line,
// without a block of each (−1: none). The i-th of n images holds the mass from
// i/n to (i+1)/n; in whole numbers, i·m to (i+1)·m of n·m.
func transport(a, b []placed, withoutA, withoutB int) float64 {
	n, m := kept(a, withoutA), kept(b, withoutB)
	var sum float64
	i, j := next(a, 0, withoutA), next(b, 0, withoutB)
	restA, restB := m, n // mass of the current images that is not yet moved
	for i < len(a) && j < len(b) {
		mass := min(restA, restB)
		d := a[i].x - b[j].x
		sum += float64(mass) * d * d
		if restA -= mass; restA == 0 {
			i, restA = next(a, i+1, withoutA), m
		}
		if restB -= mass; restB == 0 {
			j, restB = next(b, j+1, withoutB), n
		}
	}
	return sum / (float64(n) * float64(m))
}

func kept(line []placed, without int) int {
	if without < 0 {
		return len(line)
	}
	n := 0
	for _, p := range line {
		if p.block != without {
			n++
		}
	}
	return n
}

// next is the first place from at on that is not left out.
func next(line []placed, at, without int) int {
	for at < len(line) && line[at].block == without {
		at++
	}
	return at
}
