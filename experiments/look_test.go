package experiments

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"prabench/plots/figure"
)

// Every key of a figure's looks is read as it is written.
func TestLooksOfFigures(t *testing.T) {
	e, err := Parse("e.toml", []byte(`
[sweep]
"model.patch" = [4, 7]
[[figure]]
kind = "line"
x = "patch"
height = 2
x_range = [0, 8.5]
y_range = [1, 30]
x_label = "pixels"
y_label = "distance"
legend = "below"
font = "serif"
font_size = 9.5
footer = false
order = [7, "4"]
names = { "7" = "seven", "4" = "four" }
labels = true
reference = [{ y = 3.2, label = "published" }, { x = 5, y = 2, label = "a point" }]
[[figure]]
kind = "curve"
smooth = 21
`), fake())
	if err != nil {
		t.Fatal(err)
	}
	off, on := false, true
	want := figure.Look{Height: 2, XRange: []float64{0, 8.5}, YRange: []float64{1, 30}, XLabel: "pixels", YLabel: "distance",
		Legend: "below", Font: "serif", FontSize: 9.5, Footer: &off, Order: []string{"7", "4"},
		Called: map[string]string{"7": "seven", "4": "four"}, Labels: &on,
		References: []figure.Reference{{X: math.NaN(), Y: 3.2, Label: "published"}, {X: 5, Y: 2, Label: "a point"}}}
	if d := cmp.Diff(want, e.Figures[0].Look, cmpopts.EquateNaNs()); d != "" {
		t.Error(d)
	}
	if e.Figures[1].Smooth != 21 {
		t.Errorf("%+v", e.Figures[1].Look)
	}
}
