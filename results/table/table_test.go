package table

import "testing"

func TestBrief(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1234567: "1234567", 15.2345678: "15.235", 0.001: "0.001", -0.5: "-0.5",
		99999.6: "100000", 9.999999: "10", 1e-7: "1e-07", 2.5e20: "2.5e+20"} {
		if got := brief(x); got != want {
			t.Errorf("brief(%v) = %s, want %s", x, got, want)
		}
	}
}
