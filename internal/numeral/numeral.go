// Package numeral writes numbers for people.
//
// Its principle is that a reader wants the digits that mean something and no others:
// a value has as many as its interval, or four without one, and never an
// exponent. Units are chosen so that a number has few digits before its point.
// Only what prints uses it; numbers travel as numbers.
package numeral

import (
	"math"
	"strconv"
)

// Digits writes a number with n significant digits and no exponent.
func Digits(x float64, n int) string {
	if x == 0 {
		return "0"
	}
	return strconv.FormatFloat(x, 'f', Decimals(x, n), 64)
}

// Decimals are those that show a number with n significant digits, nine at most.
func Decimals(x float64, n int) int {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return max(0, min(9, n-1-int(math.Floor(math.Log10(math.Abs(x))))))
}

// Compact writes a number with n significant digits, with an exponent from a
// million on and below a ten-thousandth: where there is little room.
func Compact(x float64, n int) string {
	if x == 0 {
		return "0"
	}
	e := int(math.Floor(math.Log10(math.Abs(x)) + 1e-12))
	if e >= 6 || e < -4 {
		return strconv.FormatFloat(x, 'e', n-1, 64)
	}
	return strconv.FormatFloat(x, 'f', max(0, n-1-e), 64)
}

// Fixed writes a number without an exponent; whole numbers have no decimals.
func Fixed(x float64, decimals int) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e7 {
		decimals = 0
	}
	return Signless(x, decimals)
}

// Signless writes a number without an exponent, and without a sign when it is
// rounded to zero.
func Signless(x float64, decimals int) string {
	text := strconv.FormatFloat(x, 'f', decimals, 64)
	if v, err := strconv.ParseFloat(text, 64); err == nil && v == 0 {
		return strconv.FormatFloat(0, 'f', decimals, 64)
	}
	return text
}

// Count writes 1.23 M.
func Count(n int64) string {
	for _, s := range []struct {
		size float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if float64(n) >= s.size {
			return Digits(float64(n)/s.size, 3) + s.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// Bytes writes 1.23 GiB.
func Bytes(n int64) string {
	switch {
	case n >= 1<<30:
		return Digits(float64(n)/(1<<30), 3) + " GiB"
	case n >= 1<<20:
		return Digits(float64(n)/(1<<20), 3) + " MiB"
	}
	return Digits(float64(n)/(1<<10), 3) + " KiB"
}

// WithInterval writes a value and its interval, both times a factor: half of it after a
// ±, its ends in brackets where they lie unequally far away ([Uneven]), and nothing
// without one.
func WithInterval(value float64, lo, hi *float64, factor float64) (text, interval string) {
	text = Digits(value*factor, 4)
	switch {
	case lo == nil || hi == nil:
	case Uneven(value, *lo, *hi):
		interval = "[" + Digits(*lo*factor, 3) + ", " + Digits(*hi*factor, 3) + "]"
	default:
		interval = "±" + Digits((*hi-*lo)/2*factor, 2)
	}
	return text, interval
}

// Uneven says that the ends of an interval lie so unequally far from the value that a ±
// would mislead, as those of shares near 0 and of times on a log scale.
func Uneven(value, lo, hi float64) bool {
	below, above := value-lo, hi-value
	return below < 0 || above < 0 || math.Abs(below-above) > 0.15*math.Max(below, above)
}
