package plots

import (
	"math"
	"strconv"
)

// digitsOf writes v with n significant digits and no exponent where it can.
func digitsOf(v float64, n int) string {
	if v == 0 {
		return "0"
	}
	e := int(math.Floor(math.Log10(math.Abs(v)) + 1e-12))
	if e >= 6 || e < -4 {
		return strconv.FormatFloat(v, 'e', n-1, 64)
	}
	return strconv.FormatFloat(v, 'f', max(0, n-1-e), 64)
}
