package where

import (
	"fmt"
	"slices"
	"strings"
)

// Cell is what a cell is called where it is printed.
type Cell struct {
	ID    string
	Label string // the whole one
	Step  string // what an axis calls it, where that is another name
	Seed  uint64
}

// leastID is how much of an id names a cell: less is more often a word or a number.
const leastID = 4

// Full is the label with the seed, as `run` prints it.
func (c Cell) Full() string { return fmt.Sprintf("%s, seed %d", c.Label, c.Seed) }

// called says whether text is a name of the cell, but for the beginning of its id.
func (c Cell) called(text string) bool {
	return text != "" && (c.ID == text || SameLabel(c.Label, text) || SameLabel(c.Step, text) || SameLabel(c.Full(), text))
}

// AmbiguousCell says that a beginning of an id is that of several cells.
type AmbiguousCell struct {
	Text string
	IDs  []string
}

func (e *AmbiguousCell) Error() string {
	ids := e.IDs
	if len(ids) > 5 {
		ids = append(slices.Clone(ids[:5]), "…")
	}
	return fmt.Sprintf("%q is the beginning of %d ids: %s; type more of the one you mean", e.Text, len(e.IDs), strings.Join(ids, ", "))
}

// Named gives the places of the cells that a text names as one is printed: by its
// label, with or without the seed, by its id, or by a beginning of at least four
// letters of one id alone. None is named where the result is empty.
func Named(text string, n int, cell func(int) Cell) ([]int, error) {
	text = Bare(text)
	var called, begun []int
	var ids []string
	for i := range n {
		c := cell(i)
		switch {
		case c.called(text):
			called = append(called, i)
		case len(text) >= leastID && strings.HasPrefix(c.ID, text):
			begun = append(begun, i)
			if !slices.Contains(ids, c.ID) {
				ids = append(ids, c.ID)
			}
		}
	}
	switch {
	case len(called) > 0:
		return called, nil
	case len(ids) > 1:
		return nil, &AmbiguousCell{text, ids}
	}
	return begun, nil
}
