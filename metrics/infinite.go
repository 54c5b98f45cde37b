package metrics

import (
	"errors"
	"fmt"

	"prabench/metrics/stat"
)

// FrechetInfinite is the Fréchet distance at infinitely many images. The bias of
// finite samples falls as 1/n on each side (Chong and Forsyth 2020, who fit a line
// through subsets of the generated images alone, so that their value for real
// images against real ones is not 0). Halving both sides doubles the bias of both,
// so twice the distance of all images less that of the halves has none of that
// order, and real images against real ones lie around 0, below it as often as
// above. The distance of the halves is the mean of two: first half against first,
// second against second.
//
// The rule needs covariances that are not singular: halves of more images than
// there are features. The interval leaves out blocks of both sets, of the whole
// and of the half that they lie in.
func FrechetInfinite(real, gen Features) (stat.Estimate, error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return stat.Estimate{}, err
	}
	if n := min(real.N, gen.N); n < leastInfinite(real.D) {
		return stat.Estimate{}, fmt.Errorf("fd_inf: halves of %d images do not have more images than the %d features; at least %d images are "+
			"needed on each side", n, real.D, leastInfinite(real.D))
	}
	centre := columnMean(real)
	var whole, rest [2][]gaussian // of a side: all and without each block
	var half [2][2]gaussian       // [side][half]
	for s, f := range []Features{real, gen} {
		parts := blocksOf(f, centre)
		whole[s], rest[s] = make([]gaussian, len(parts)+1), make([]gaussian, len(parts))
		var ends [2]scatter      // the halves: even blocks and odd ones
		var without [2][]scatter // each half without each of its blocks
		for h := range ends {
			var own []scatter
			for b := h; b < len(parts); b += 2 {
				own = append(own, parts[b])
			}
			ends[h], without[h] = joinedWithout(own, f.D)
			half[s][h] = ends[h].gaussian()
		}
		whole[s][len(parts)] = join(ends[0], ends[1]).gaussian()
		parallel(len(parts), func(b int) {
			h := b % 2
			rest[s][b] = without[h][b/2].gaussian()
			whole[s][b] = join(without[h][b/2], ends[1-h]).gaussian()
		})
	}
	all := func(s int) gaussian { return whole[s][len(whole[s])-1] }
	// d[0] of all, d[1] and d[2] of the halves.
	extrapolated := func(d [3]float64) float64 { return 2*d[0] - (d[1]+d[2])/2 }
	var d [3]float64
	var err [3]error
	d[0], err[0] = frechet(all(0), all(1))
	for h := range 2 {
		d[1+h], err[1+h] = frechet(half[0][h], half[1][h])
	}
	if err := errors.Join(err[:]...); err != nil {
		return stat.Estimate{}, err
	}
	left := [2][]float64{make([]float64, len(rest[0])), make([]float64, len(rest[1]))}
	failed := make([]error, len(left[0])+len(left[1]))
	parallel(len(failed), func(i int) {
		s, b := 0, i
		if b >= len(left[0]) {
			s, b = 1, b-len(left[0])
		}
		h := b % 2
		these, those := [2]gaussian{all(0), all(1)}, [2]gaussian{half[0][h], half[1][h]}
		these[s], those[s] = whole[s][b], rest[s][b]
		at := d
		var e0, e1 error
		at[0], e0 = frechet(these[0], these[1])
		at[1+h], e1 = frechet(those[0], those[1])
		left[s][b], failed[i] = extrapolated(at), errors.Join(e0, e1)
	})
	if err := errors.Join(failed...); err != nil {
		return stat.Estimate{}, err
	}
	return stat.DeleteGroup(extrapolated(d), gen.N, left[:]...), nil
}

// leastInfinite is the number of images whose halves have covariances that are not
// singular. Up to a ninth more images a half without one of its blocks has a singular one all the
// same: the value is as good as with more, the interval only approximate.
func leastInfinite(features int) int { return max(8, 2*(features+2)) }
