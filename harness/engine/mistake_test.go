package engine

import (
	"errors"
	"fmt"
	"testing"

	"prabench/experiments"
	"prabench/results"
)

// What the user can mend is told from what failed, however deep it lies; where
// both happened, something failed.
func TestMistakesAndFailures(t *testing.T) {
	mistake, failure := Mistakef("--only %s", "x"), &Failure{Err: errors.New("disk")}
	for _, c := range []struct {
		err             error
		mistake, failed bool
	}{
		{mistake, true, false},
		{fmt.Errorf("reading: %w", mistake), true, false},
		{&experiments.Error{}, true, false},
		{fmt.Errorf("a: %w", results.ErrMissing), true, false},
		{failure, false, true},
		{errors.Join(mistake, failure), false, true},
		{errors.Join(mistake, &results.Error{}), false, true},
		{errors.New("anything"), false, false},
	} {
		if IsMistake(c.err) != c.mistake || IsFailure(c.err) != c.failed {
			t.Errorf("%T %v: a mistake %v, failed %v", c.err, c.err, IsMistake(c.err), IsFailure(c.err))
		}
	}
}
