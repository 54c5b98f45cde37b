package jit

import (
	"testing"

	"prabench/models/golden"
	"prabench/models/ranks/rankstest"
)

// A training is the same at any number of ranks up to the order of sums.
func TestRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("trains 11 times 50 steps")
	}
	p := small()
	p.Train.Batch, p.Train.Steps, p.Train.Threads = 16, rankstest.Steps, 1
	rankstest.LawOn(t, opener, p, golden.Pictures(p.Shape(), 40))
}
