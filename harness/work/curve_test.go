package work

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// The rise of a curve is that of NumPy: testdata/rise.py made the curves and the values.
func TestRiseIsThatOfNumPy(t *testing.T) {
	raw, err := os.ReadFile("testdata/rise.json")
	if err != nil {
		t.Fatal(err)
	}
	var curves map[string]struct {
		Losses []float64
		Rise   float64
		Of     int
	}
	if err := json.Unmarshal(raw, &curves); err != nil {
		t.Fatal(err)
	}
	if len(curves) < 6 {
		t.Fatalf("%d curves", len(curves))
	}
	for name, want := range curves {
		var text []byte
		for i, l := range want.Losses {
			text = fmt.Appendf(text, "{\"step\": %d, \"total\": %v}\n", i+1, l)
		}
		c, err := ReadCurve(text)
		if err != nil {
			t.Fatal(err)
		}
		rise, of, ok := c.rise()
		if ok != (want.Of > 0) || of != want.Of && ok || ok && math.Abs(rise-want.Rise) > 1e-12*want.Rise {
			t.Errorf("%s: %v of %d (%v), NumPy says %v of %d", name, rise, of, ok, want.Rise, want.Of)
		}
	}
}

// A tokenizer's losses are no part of the rise of the training that builds on it: these
// fall from 3 to 2 after others of a tenth.
func TestTheRiseIsOfOneLoss(t *testing.T) {
	var text []byte
	for i := range 40 {
		text = fmt.Appendf(text, "{\"step\": %d, \"rec\": 0.3, \"total\": 0.3}\n", i+1)
	}
	for i := range 60 {
		text = fmt.Appendf(text, "{\"step\": %d, \"entropy\": %g, \"total\": %[2]g}\n", i+41, 3-float64(i)/59)
	}
	c, err := ReadCurve(text)
	if err != nil {
		t.Fatal(err)
	}
	if rise, of, ok := c.rise(); !ok || of != 6 || rise != 1 {
		t.Errorf("%g of %d (%v), want 1 of 6", rise, of, ok)
	}
	if rise, of, ok := c[:85].rise(); ok {
		t.Errorf("%g of %d of 45 points", rise, of)
	}
}
