package report

import (
	"strconv"

	"prabench/internal/numeral"
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
		return numeral.Fixed(value, numeral.Decimals(value, 4)), ""
	}
	half := (*hi - *lo) / 2 * factor
	if half == 0 && value == *lo*factor {
		return numeral.Fixed(value, numeral.Decimals(value, 4)), "±0"
	}
	if d < 0 {
		if d = numeral.Decimals(half, 2); value != 0 {
			d = min(d, numeral.Decimals(value, 6))
		}
	}
	if numeral.Uneven(value, *lo*factor, *hi*factor) {
		return numeral.Signless(value, d), "[" + numeral.Signless(*lo*factor, d) + ", " + numeral.Signless(*hi*factor, d) + "]"
	}
	return numeral.Signless(value, d), "±" + numeral.Signless(half, d)
}

// raw writes a number for the script: nine significant digits.
func raw(x float64) string { return strconv.FormatFloat(x, 'g', 9, 64) }
