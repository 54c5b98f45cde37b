package plots

import (
	"testing"

	"prabench/plots/figure"
)

// Every kind in the table of figures has a plotter, a picture's or a text's as
// the table says, and a figure among the goldens; no plotter is of no kind.
func TestEveryKindIsDrawn(t *testing.T) {
	drawn := map[string]bool{figure.Table: true} // in TestTables
	for _, g := range goldens {
		drawn[g.fig.Kind] = true
	}
	for _, k := range figure.Kinds() {
		p := plotters[k.Name]
		if (p.plot != nil) == k.Text || (p.write != nil) != k.Text {
			t.Errorf("%s (text: %v) has the plotter %+v", k.Name, k.Text, p)
		}
		if !drawn[k.Name] {
			t.Errorf("no golden picture of kind %s", k.Name)
		}
	}
	if len(plotters) != len(figure.Kinds()) {
		t.Errorf("%d plotters for %d kinds", len(plotters), len(figure.Kinds()))
	}
}
