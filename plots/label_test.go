package plots

import (
	"fmt"
	"strings"
	"testing"

	"prabench/plots/figure"
)

// crossed is two named methods × three widths: several cells share a name.
func crossed() Data {
	d := Data{Experiment: "crossed"}
	for i, name := range []string{"PRA", "teacher forcing"} {
		for _, width := range []int64{32, 64, 96} {
			d.Cells = append(d.Cells, CellData{Label: fmt.Sprintf("%s width=%d", name, width), Outcome: "ok", Seeds: 1,
				Params: map[string]any{"label": name, "model.width": width, "model.state": int64(12 * (1 - i))},
				Metrics: map[string]MetricValue{"fid_proxy": fid(float64(10*(i+1))-float64(width)/32, 0.5),
					"params": {Value: float64(width * 1000), Unit: "1"}}})
		}
	}
	return d
}

// TestNamedSteps: a label that an axis gives its steps is one series over the
// other axes, chooses all cells of that name, and never makes two cells one.
func TestNamedSteps(t *testing.T) {
	c, _, err := newChart(Figure{Kind: figure.Line, X: "params", Y: "fid_proxy", Series: "label"}, crossed())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.groups(), ", "); got != "PRA, teacher forcing" {
		t.Errorf("series %s", got)
	}
	cells, err := Selected(Figure{Where: map[string]any{"label": "PRA"}}, crossed())
	if err != nil || len(cells) != 3 || cells[0].Label != "PRA width=32" || cells[0].Text("label") != "PRA" {
		t.Errorf("%+v, %v", cells, err)
	}
	if !cells[0].Has(map[string]any{"label": "PRA", "model.width": 32}) || cells[0].Has(map[string]any{"label": "PRA width=32"}) {
		t.Error("a cell has the name of its step, not another one")
	}
	s, err := sheetOf(Figure{Kind: figure.Bars, X: "label", Y: "fid_proxy"}, crossed())
	if err != nil || len(s.X.Names) != 6 {
		t.Errorf("bars of six cells: %v", err)
	}
	if _, err := sheetOf(Figure{Kind: figure.Line, X: "label", Y: "fid_proxy"}, crossed()); err == nil ||
		!strings.Contains(err.Error(), "model.width (32 and 64)") {
		t.Errorf("three values at one name: %v", err)
	}
	md, _, err := Tables(Figure{Kind: figure.Table, Rows: []string{"label", "model.width"}, Columns: []string{"fid_proxy"}}, crossed())
	if err != nil || !strings.Contains(md, "| teacher forcing | 96 |") {
		t.Errorf("%s %v", md, err)
	}
}

// A curve of the training loss shows no metric, also where cells have one of
// that name.
func TestShownOfACurve(t *testing.T) {
	d := methods()
	for i := range d.Cells {
		d.Cells[i].Metrics["train_loss"] = MetricValue{Value: 1}
	}
	if got := Shown(Figure{Kind: figure.Curve, Y: "train_loss"}, d); len(got) > 0 {
		t.Errorf("a curve shows %v", got)
	}
	if got := Shown(Figure{Kind: figure.Line, X: "method", Y: "train_loss"}, d); len(got) != 1 {
		t.Errorf("a line of the loss shows %v", got)
	}
}
