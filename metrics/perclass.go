package metrics

import (
	"errors"
	"fmt"
	"slices"

	"prabench/metrics/stat"
)

// KIDByClass is [KID] of the images of each class against the real ones of the
// same class: the mean over the classes that both sets have, and the largest. A
// model that draws good images of wrong classes has a good KID and a bad mean
// here. The largest of many is biased upwards: compare it with its floor at the
// same counts. Every class needs 4 images on each side; classes of the one set
// alone are an error, because nothing can be said of them.
//
// The intervals leave out blocks of images of all classes at once.
func KIDByClass(real, gen Features) (mean, largest stat.Estimate, err error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return mean, largest, err
	}
	if real.Labels == nil || gen.Labels == nil {
		return mean, largest, errors.New("kid_class: the images have no classes")
	}
	classes := classesOf(real)
	if other := classesOf(gen); !slices.Equal(classes, other) {
		return mean, largest, fmt.Errorf("kid_class: real images are of the classes %v, generated ones of %v", classes, other)
	}
	var block [2][]int
	var blocks [2]int
	sides := [2]Features{real, gen}
	for s, f := range sides {
		block[s], blocks[s] = deal(f)
	}
	pairs := make([]kidPairs, len(classes))
	for k, class := range classes {
		var of [2]blocked
		for s, f := range sides {
			var at []int
			for i, l := range f.Labels {
				if l == class {
					at = append(at, i)
				}
			}
			if len(at) < 4 {
				return mean, largest, fmt.Errorf("kid_class: class %d has %d %s images; each class needs 4 on each side", class, len(at),
					[]string{"real", "generated"}[s])
			}
			of[s] = byBlock(f, at, block[s], blocks[s])
		}
		pairs[k] = newKIDPairs(of[0], of[1])
	}
	of := func(r, g int) (sum, most float64) {
		for k, p := range pairs {
			d := p.value(r, g)
			sum += d / float64(len(classes))
			if k == 0 || d > most {
				most = d
			}
		}
		return sum, most
	}
	var left [2][2][]float64 // [mean, largest][side]
	for s := range sides {
		for m := range left {
			left[m][s] = make([]float64, blocks[s])
		}
		for b := range blocks[s] {
			out := [2]int{-1, -1}
			out[s] = b
			left[0][s][b], left[1][s][b] = of(out[0], out[1])
		}
	}
	value, most := of(-1, -1)
	return stat.DeleteGroup(value, gen.N, left[0][:]...), stat.DeleteGroup(most, gen.N, left[1][:]...), nil
}

func classesOf(f Features) []int32 {
	classes := slices.Clone(f.Labels)
	slices.Sort(classes)
	return slices.Compact(classes)
}
