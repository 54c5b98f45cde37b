package where

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestNamed(t *testing.T) {
	cells := []Cell{
		{ID: "9fad00000001", Label: "patch=7 block=1", Seed: 1}, {ID: "9fad00000002", Label: "patch=7 block=1", Seed: 2},
		{ID: "abcd00000003", Label: "PRA width=32", Step: "PRA", Seed: 1}, {ID: "abce00000004", Label: "PRA width=64", Step: "PRA", Seed: 1},
		{ID: "beef", Label: "a, b", Seed: 0}, {ID: "0123456789ab", Label: "beef", Seed: 3},
	}
	for _, c := range []struct {
		text string
		want []int
		many string // ids that an ambiguous beginning is of
	}{
		{"patch=7 block=1", []int{0, 1}, ""}, {"patch=7 block=1, seed 2", []int{1}, ""}, {`"patch=7 block=1"`, []int{0, 1}, ""},
		{"patch=7", nil, ""}, {"PRA", []int{2, 3}, ""}, {"PRA width=64", []int{3}, ""}, {"PRA width=64, seed 2", nil, ""},
		{"9fad00000001", []int{0}, ""}, {"9fad", nil, "9fad00000001, 9fad00000002"}, {"9fad0000000", nil, "9fad00000001, 9fad00000002"},
		{"abcd", []int{2}, ""}, {"abc", nil, ""}, {"a, b", []int{4}, ""}, {"beef", []int{4, 5}, ""}, {"0123", []int{5}, ""}, {"", nil, ""},
		{"ABCD", nil, ""},
	} {
		got, err := Named(c.text, len(cells), func(i int) Cell { return cells[i] })
		many := (*AmbiguousCell)(nil)
		if !slices.Equal(got, c.want) || errors.As(err, &many) != (c.many != "") || many != nil && strings.Join(many.IDs, ", ") != c.many {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
	}
}
