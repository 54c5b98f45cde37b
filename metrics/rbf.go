package metrics

import (
	"errors"
	"fmt"
	"math"

	"prabench/metrics/stat"
)

// RBF is the distance of CMMD (Jayasumana et al. 2024, arXiv 2401.09603; there on
// CLIP features, and only there it has that name): 1000 times the squared maximum
// mean discrepancy with the kernel exp(−‖x−y‖²/(2·10²)) of features at length 1,
// as the authors' program computes it: means over all pairs, those of an image
// with itself included. So it is never negative and two samples of one
// distribution lie above 0 by about 1/n: a larger reference is cut to as many
// images as were generated. An image without any feature has no direction and is
// refused.
//
// The interval leaves out blocks of both sets.
func RBF(real, gen Features) (stat.Estimate, error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return stat.Estimate{}, err
	}
	real, err := atMost(real, gen.N)
	if err != nil {
		return stat.Estimate{}, err
	}
	var sides [2]blocked
	for s, f := range []Features{real, gen} {
		f, err := unitLength(f)
		if err != nil {
			return stat.Estimate{}, fmt.Errorf("%w of the %s images", err, []string{"real", "generated"}[s])
		}
		block, g := deal(f)
		sides[s] = byBlock(f, all(f.N), block, g)
	}
	const bandwidth = 10
	kernel := func(product float64) float64 { return math.Exp((product - 1) / (bandwidth * bandwidth)) } // ‖x−y‖² = 2 − 2·x·y
	within := [2]pairSums{sumPairs(sides[0], sides[0], kernel), sumPairs(sides[1], sides[1], kernel)}
	between := sumPairs(sides[0], sides[1], kernel)
	distance := func(r, g int) float64 {
		n, m := sides[0].n(r), sides[1].n(g)
		return 1000 * (within[0].without(r, r)/(n*n) + within[1].without(g, g)/(m*m) - 2*between.without(r, g)/(n*m))
	}
	var left [2][]float64
	for b := range sides[0].blocks() {
		left[0] = append(left[0], distance(b, -1))
	}
	for b := range sides[1].blocks() {
		left[1] = append(left[1], distance(-1, b))
	}
	value := max(distance(-1, -1), 0) // below 0 by rounding alone
	return stat.DeleteGroup(value, gen.N, left[:]...).Within(0, math.Inf(1)), nil
}

// unitLength is the set with features at length 1.
func unitLength(f Features) (Features, error) {
	x := make([]float64, 0, len(f.X))
	for i := range f.N {
		row := f.row(i)
		length := math.Sqrt(dot(row, row))
		if length == 0 {
			return f, fmt.Errorf("mmd_rbf: all features are 0, so that they have no direction, in image %d", i)
		}
		for _, v := range row {
			x = append(x, v/length)
		}
	}
	f.X = x
	return f, nil
}
