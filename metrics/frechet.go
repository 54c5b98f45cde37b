package metrics

import (
	"errors"
	"math"
	"runtime"
	"sync"

	"prabench/metrics/stat"

	"gonum.org/v1/gonum/mat"
)

// Frechet is the squared Fréchet (Wasserstein-2) distance between the Gaussians
// fitted to the two sets (Dowson and Landau 1982; Heusel et al. 2017 for
// generated images, there on Inception features):
//
//	‖μ₁−μ₂‖² + tr C₁ + tr C₂ − 2·tr (C₁C₂)^½
//
// with unbiased covariances C = FᵀF. The last trace is the nuclear norm of
// F₁F₂ᵀ, the sum of its singular values, so no covariance is formed, none is
// inverted or rooted, and sets with fewer images than features are exact too.
// Its unit is that of the features squared.
func Frechet(a, b Features) (float64, error) {
	if err := pair(a, b); err != nil {
		return 0, err
	}
	centre := columnMean(a)
	return frechet(gather(a, all(a.N), centre).gaussian(), gather(b, all(b.N), centre).gaussian())
}

// FrechetEstimate is Frechet with an interval over both finite samples. The
// value keeps the upward bias of finite samples; compare it with the floor at
// the same counts.
func FrechetEstimate(real, gen Features) (stat.Estimate, error) {
	value, left, err := frechetLeft(real, gen)
	if err != nil {
		return stat.Estimate{}, err
	}
	return stat.DeleteGroup(value, gen.N, left[:]...).Within(0, math.Inf(1)), nil
}

// frechetLeft is the distance, and the distances without each block of either
// side.
func frechetLeft(real, gen Features) (value float64, left [2][]float64, err error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return 0, left, err
	}
	centre := columnMean(real)
	var whole [2]gaussian
	var without [2][]gaussian
	for side, f := range []Features{real, gen} {
		whole[side], without[side] = leaveOut(f, centre)
	}
	if value, err = frechet(whole[0], whole[1]); err != nil {
		return 0, left, err
	}
	left = [2][]float64{make([]float64, len(without[0])), make([]float64, len(without[1]))}
	failed := make([]error, len(left[0])+len(left[1]))
	parallel(len(failed), func(i int) {
		if b := i - len(left[0]); b < 0 {
			left[0][i], failed[i] = frechet(without[0][i], whole[1])
		} else {
			left[1][b], failed[i] = frechet(whole[0], without[1][b])
		}
	})
	return value, left, errors.Join(failed...)
}

// leaveOut fits the set and the set without each of its blocks.
func leaveOut(f Features, centre []float64) (whole gaussian, without []gaussian) {
	all, rest := joinedWithout(blocksOf(f, centre), f.D)
	without = make([]gaussian, len(rest))
	parallel(len(rest), func(b int) { without[b] = rest[b].gaussian() })
	return all.gaussian(), without
}

// blocksOf is the scatter of each block.
func blocksOf(f Features, centre []float64) []scatter {
	block, g := deal(f)
	parts := make([]scatter, g)
	at := members(block, g)
	parallel(g, func(b int) { parts[b] = gather(f, at[b], centre) })
	return parts
}

// joinedWithout is the scatter of all blocks together and of all but each one, by
// joining the blocks before and after the one that is left out.
func joinedWithout(parts []scatter, d int) (all scatter, without []scatter) {
	g := len(parts)
	before, after := make([]scatter, g+1), make([]scatter, g+1)
	before[0], after[g] = scatter{cols: d + 1}, scatter{cols: d + 1}
	for b := range g {
		before[b+1] = join(before[b], parts[b])
		after[g-1-b] = join(parts[g-1-b], after[g-b])
	}
	without = make([]scatter, g)
	parallel(g, func(b int) { without[b] = join(before[b], after[b+1]) })
	return before[g], without
}

func frechet(a, b gaussian) (float64, error) {
	var shift float64
	for j, v := range a.mean {
		shift += (v - b.mean[j]) * (v - b.mean[j])
	}
	m := cross(a.factor, b.factor)
	if m.Rows == 0 || m.Cols == 0 {
		return shift + a.trace + b.trace, nil
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(m.Rows, m.Cols, m.Data), mat.SVDNone) {
		return 0, errors.New("fréchet distance: the singular values did not converge; the features are probably far out of range")
	}
	var nuclear float64
	for _, v := range svd.Values(nil) {
		nuclear += v
	}
	return max(shift+a.trace+b.trace-2*nuclear, 0), nil
}

func columnMean(f Features) []float64 {
	m := make([]float64, f.D)
	for i := range f.N {
		for j, v := range f.row(i) {
			m[j] += v
		}
	}
	for j := range m {
		m[j] /= float64(f.N)
	}
	return m
}

func all(n int) []int {
	at := make([]int, n)
	for i := range at {
		at[i] = i
	}
	return at
}

// parallel runs n independent pieces on the Go threads of the process. Every
// piece writes its own result, so the outcome does not depend on their number.
func parallel(n int, piece func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				piece(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
