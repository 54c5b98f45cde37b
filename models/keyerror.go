package models

import (
	"fmt"
	"math"
	"slices"
)

// KeyError is a configuration error at one key, written as table.key.
type KeyError struct {
	Key     string // "model.patch"
	Problem string // a sentence: what is wrong and what is allowed
}

func (e *KeyError) Error() string { return e.Key + ": " + e.Problem }

// BadKey is a [KeyError] of a text.
func BadKey(key, format string, args ...any) error {
	return &KeyError{Key: key, Problem: fmt.Sprintf(format, args...)}
}

// Positive reports a number below 1.
func Positive(key string, v int) error {
	if v < 1 {
		return BadKey(key, "must be 1 or more, not %d", v)
	}
	return nil
}

// Parts reports a number that does not divide a whole; 0 stands for the whole.
func Parts(key string, v, whole int) error {
	if v < 0 || v > whole || v > 0 && whole%v != 0 {
		return BadKey(key, "%d does not divide %d; allowed: 0 for all, or %v", v, whole, Divisors(whole))
	}
	return nil
}

// OneOf reports a word that is not one of those allowed.
func OneOf(key, v string, allowed ...string) error {
	if !slices.Contains(allowed, v) {
		return BadKey(key, "must be one of %q, not %q", allowed, v)
	}
	return nil
}

// Within reports a number outside [lo, hi].
func Within(key string, v, lo, hi float64) error {
	if math.IsNaN(v) || v < lo || v > hi {
		return BadKey(key, "must lie in [%g, %g], not %g", lo, hi, v)
	}
	return nil
}

// First is the first error that is one.
func First(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Divisors lists the divisors of n in ascending order: what many keys allow.
func Divisors(n int) []int {
	var out []int
	for i := 1; i <= n; i++ {
		if n%i == 0 {
			out = append(out, i)
		}
	}
	return out
}
