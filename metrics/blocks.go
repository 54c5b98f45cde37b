package metrics

import (
	"fmt"
	"slices"

	"prabench/metrics/quantity"
)

// Blocks is the number of blocks that an interval deletes, one at a time.
const Blocks = 20

// blockCount is Blocks, or fewer for a set too small to fill them with two
// images each; below 4 images there is no interval.
func blockCount(n int) int { return min(Blocks, n/2) }

// Least is the fewest images of a set that an interval is made of.
const Least = 4

// neighboursFit says whether each of n images has k neighbours in its set when the
// largest block of the interval is left out.
func neighboursFit(n, k int) error {
	fits := func(n int) bool {
		g := blockCount(n)
		return n >= Least && n-(n+g-1)/g >= k+1
	}
	if k >= 1 && fits(n) {
		return nil
	}
	least := Least
	for !fits(least) && least < 100*(k+1) {
		least++
	}
	return fmt.Errorf("k=%d neighbours do not fit %d images: at least %d are needed", k, n, least)
}

// CheckScore says what [Score] could not do with so many images on each side, or nil.
func CheckScore(real, gen int) error {
	if err := enoughOf(real, gen); err != nil {
		return err
	}
	for _, n := range []int{min(real, gen), gen} {
		if err := neighboursFit(n, Neighbours); err != nil {
			return fmt.Errorf("precision and recall: %w", err)
		}
	}
	return nil
}

// CheckScoreBy is [CheckScore] for [ScoreBy].
func CheckScoreBy(metric string, real, gen int) error {
	if metric == quantity.FIDProxy.Name || metric == quantity.KID.Name {
		return enoughOf(real, gen)
	}
	return CheckScore(real, gen)
}

// classOrder lists the indices of n images class by class. Without labels it is
// a fixed shuffle, because a generated set often cycles through its classes,
// and any period shared with the number of blocks would put one class in each
// block.
func classOrder(n int, labels []int32) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		ka, kb := mix(uint64(a)), mix(uint64(b))
		switch {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
	if labels != nil {
		slices.SortStableFunc(order, func(a, b int) int { return int(labels[a]) - int(labels[b]) })
	}
	return order
}

// deal returns the block of every image and the number of blocks: class by
// class, one image to each block in turn, so that block sizes differ by at most
// one, and class counts within blocks by at most one.
func deal(f Features) (block []int, blocks int) {
	blocks = blockCount(f.N)
	block = make([]int, f.N)
	for k, at := range classOrder(f.N, f.Labels) {
		block[at] = k % blocks
	}
	return block, blocks
}

// members turns deal's answer around: the images of each block.
func members(block []int, blocks int) [][]int {
	in := make([][]int, blocks)
	for i, b := range block {
		in[b] = append(in[b], i)
	}
	return in
}

// mix is the finaliser of SplitMix64, used as a fixed shuffle.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
