package report

import (
	"math"
	"strconv"
)

// shown writes a value and half of its interval: the interval with two
// significant digits and the value with as many decimals, or with four digits
// where there is no interval.
func shown(value float64, lo, hi *float64, factor float64) (text, interval string) {
	return shownWith(value, lo, hi, factor, -1)
}

// shownWith is the same with a given number of decimals where there is an
// interval; negative ones are chosen.
func shownWith(value float64, lo, hi *float64, factor float64, d int) (text, interval string) {
	value *= factor
	if lo == nil || hi == nil {
		return fixed(value, decimals(value, 4)), ""
	}
	half := (*hi - *lo) / 2 * factor
	if half == 0 {
		return fixed(value, decimals(value, 4)), "0"
	}
	if d < 0 {
		d = min(decimals(half, 2), decimals(value, 6))
	}
	return signless(value, d), signless(half, d)
}

// decimals are those that show a number with so many significant digits.
func decimals(x float64, digits int) int {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return max(0, min(9, digits-1-int(math.Floor(math.Log10(math.Abs(x))))))
}

// fixed writes a number without an exponent; whole numbers have no decimals.
func fixed(x float64, decimals int) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e7 {
		decimals = 0
	}
	return signless(x, decimals)
}

// signless writes a number without an exponent, and without a sign when it is
// rounded to zero.
func signless(x float64, decimals int) string {
	text := strconv.FormatFloat(x, 'f', decimals, 64)
	if v, err := strconv.ParseFloat(text, 64); err == nil && v == 0 {
		return strconv.FormatFloat(0, 'f', decimals, 64)
	}
	return text
}

// raw writes a number for the script: nine significant digits.
func raw(x float64) string { return strconv.FormatFloat(x, 'g', 9, 64) }
