package numeral

import (
	"math"
	"testing"
)

func TestDigits(t *testing.T) {
	for _, c := range []struct {
		x    float64
		n    int
		want string
	}{
		{0, 4, "0"}, {12.345, 4, "12.35"}, {12.345, 2, "12"}, {-12.345, 4, "-12.35"}, {123456, 3, "123456"}, {0.00012345, 3, "0.000123"},
		{1e-12, 3, "0.000000000"}, {math.NaN(), 3, "NaN"}, {math.Inf(1), 3, "+Inf"}, {1, 4, "1.000"},
	} {
		if got := Digits(c.x, c.n); got != c.want {
			t.Errorf("%v with %d digits: %q, want %q", c.x, c.n, got, c.want)
		}
	}
}

func TestLittleRoom(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 12.345: "12.35", 999_999: "999999", 1_234_567: "1.235e+06", 0.0001: "0.0001000",
		0.00001234: "1.234e-05", -1000: "-1000"} {
		if got := Compact(x, 4); got != want {
			t.Errorf("Compact(%v) = %q, want %q", x, got, want)
		}
	}
	for _, c := range []struct {
		x        float64
		decimals int
		want     string
	}{{2, 3, "2"}, {2.5, 3, "2.500"}, {-0.0004, 3, "0.000"}, {-0.0004, 4, "-0.0004"}, {2e7, 1, "20000000.0"}} {
		if got := Fixed(c.x, c.decimals); got != c.want {
			t.Errorf("Fixed(%v, %d) = %q, want %q", c.x, c.decimals, got, c.want)
		}
	}
	if got := Signless(2, 2); got != "2.00" {
		t.Error(got)
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{999: "999", 1500: "1.50 k", 2_340_000: "2.34 M", 7_000_000_000: "7.00 G"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 KiB", 1536: "1.50 KiB", 3 << 20: "3.00 MiB", 5 << 30: "5.00 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestValueWithItsInterval(t *testing.T) {
	lo, hi := 0.0119, 0.0127
	for factor, want := range map[float64][2]string{1e3: {"12.30", "±0.40"}, 1: {"0.01230", "±0.00040"}, 100: {"1.230", "±0.040"}} {
		text, interval := WithInterval(0.0123, &lo, &hi, factor)
		if got := [2]string{text, interval}; got != want {
			t.Errorf("times %g: %q, want %q", factor, got, want)
		}
		if text, interval = WithInterval(0.0123, &lo, nil, factor); text != want[0] || interval != "" {
			t.Errorf("times %g without an interval: %q, %q", factor, text, interval)
		}
	}
	// No ± says that a throughput could be negative, or a share.
	for _, c := range []struct {
		value, lo, hi float64
		want          string
	}{
		{2390, 956.5, 5973, "[956, 5973]"}, {0, 0, 0.037, "[0, 0.0370]"}, {1, 0.9, 0.95, "[0.900, 0.950]"},
		{-3, -4, -2, "±1.0"}, {5, 5, 5, "±0"}, {10, 8.9, 11.1, "±1.1"},
	} {
		if _, got := WithInterval(c.value, &c.lo, &c.hi, 1); got != c.want {
			t.Errorf("%g [%g, %g]: %q, want %q", c.value, c.lo, c.hi, got, c.want)
		}
	}
}
