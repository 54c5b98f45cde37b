package stage

import (
	"fmt"
	"math"
)

// Images is how many real images a data set has; less than 0 is not known.
type Images struct{ Train, Test int }

// Splits are the images of the split that scores compare with, and the held-out
// ones. Where a number is not known it is larger than any.
func (n Images) Splits(s *Settings) (reference, heldOut int) {
	train, test := known(n.Train), known(n.Test)
	if s.Reference == "test" {
		return test, train
	}
	return train, test
}

// AtMost is at most that many of the images there are; 0 is all.
func AtMost(wanted, there int) int {
	if wanted <= 0 {
		return there
	}
	return min(wanted, there)
}

// HeldOut refuses a measurement on held-out images that are too few for an interval:
// key asks for it, of wanted images, and can be 0.
func HeldOut(key string, wanted, there, least int) error {
	if n := min(wanted, known(there)); n < least {
		return fmt.Errorf("%s: %d of %d images can be used, and at least %d are needed: ask for more or hold out more, or set %s = 0", key, n,
			there, least, key)
	}
	return nil
}

func known(n int) int {
	if n < 0 {
		return math.MaxInt
	}
	return n
}
