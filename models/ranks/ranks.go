// Package ranks is what processes need that compute one thing together: the sum of
// an array over all of them, each with a part of the batch.
//
// Its principle is that a sum must not depend on who came first: numbers are added in
// the order of the ranks, so that all ranks get the same bits, today and tomorrow.
// And it believes that any of them may die at any moment, in any way, and that the
// others must then hear of it rather than wait.
package ranks

import (
	"errors"
	"fmt"
)

// Group is the processes that compute together, as one of them sees it. All of them
// make the same calls in the same order. It serves one goroutine at a time.
type Group interface {
	Rank() int // 0 to Size()−1
	Size() int
	// Sum adds up n numbers over all ranks. load and store are called for pieces of
	// the array in turn: load writes this rank's numbers from one on, store gets the
	// sums. After an error, which is a [*Lost] where another rank is gone, nothing
	// more can be done together.
	Sum(n int, load func(dst []float32, at int), store func(sums []float32, at int)) error
	// SumWide replaces numbers by their sums over all ranks.
	SumWide(x []float64) error
	// Gone tells the others that a rank's process has ended. It may be called beside a
	// sum.
	Gone(rank int)
	// Missing is a [*Lost] where a rank is not there any more, without waiting. It may be
	// called beside a sum.
	Missing() error
	// Close leaves the group: ranks that wait for this one hear of it.
	Close()
}

// Lost says that a rank is not there any more.
type Lost struct {
	Rank int
	Left bool // it left by itself
}

func (e *Lost) Error() string {
	if e.Left {
		return fmt.Sprintf("rank %d has stopped", e.Rank)
	}
	return fmt.Sprintf("rank %d has died", e.Rank)
}

// IsLost is the rank whose loss an error is for.
func IsLost(err error) (rank int, is bool) {
	var lost *Lost
	if errors.As(err, &lost) {
		return lost.Rank, true
	}
	return 0, false
}

// Alone is a process that computes by itself.
type Alone struct{}

// Rank is 0.
func (Alone) Rank() int { return 0 }

// Size is 1.
func (Alone) Size() int { return 1 }

// Sum leaves the numbers as they are.
func (Alone) Sum(int, func([]float32, int), func([]float32, int)) error { return nil }

// SumWide leaves the numbers as they are.
func (Alone) SumWide([]float64) error { return nil }

// Gone does nothing.
func (Alone) Gone(int) {}

// Missing is nil.
func (Alone) Missing() error { return nil }

// Close does nothing.
func (Alone) Close() {}

// Sum replaces numbers by their sums over all ranks.
func Sum(g Group, x []float32) error {
	return g.Sum(len(x), func(dst []float32, at int) { copy(dst, x[at:]) }, func(sums []float32, at int) { copy(x[at:], sums) })
}

// Part is the images [lo, hi) of n that a rank computes.
func Part(g Group, n int) (lo, hi int) {
	return n * g.Rank() / g.Size(), n * (g.Rank() + 1) / g.Size()
}

// Agree is an error where a number, of which what says what it is, is not the same on
// all ranks. All wait for each other in it.
func Agree(g Group, what string, v float64) error {
	said := make([]float64, g.Size())
	said[g.Rank()] = v
	if err := g.SumWide(said); err != nil {
		return err
	}
	for r, other := range said {
		if g.Size() > 1 && other != v {
			return fmt.Errorf("%s is %g of rank %d and %g of rank %d", what, v, g.Rank(), other, r)
		}
	}
	return nil
}
