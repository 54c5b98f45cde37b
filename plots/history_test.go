package plots

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/vg/recorder"

	"prabench/plots/layout"
)

func historyExample() HistoryFigure {
	h := HistoryFigure{Name: "history", Title: "check over revisions", Metric: "throughput",
		Notes:  []string{"left out: 2 values measured on cpu Example 8000 (the newest on cpu Example 9000)"},
		Source: "check · cpu Example 9000 · protocol 1a2b3c4d · steps: Pettitt's test, p corrected for 6 series, changes of at least 3 %"}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 14 {
		h.Revisions = append(h.Revisions, string("0123456789abcdef"[i])+"f3a91c")
	}
	for k, label := range []string{"patch 14", "patch 7, two sweeps"} {
		c := HistoryCell{Label: label}
		for i := range 14 {
			v := 900.0 / float64(k+1)
			if k == 0 && i >= 6 {
				v *= 0.93
			}
			if k == 0 && i >= 11 || k == 1 && i >= 9 {
				v *= 1.11
			}
			for range 1 + i%2 {
				x := v * (1 + 0.01*rng.NormFloat64())
				lo, hi := x*0.985, x*1.012
				c.Points = append(c.Points, HistoryPoint{Revision: i, Value: x, Lo: &lo, Hi: &hi})
			}
		}
		h.Cells = append(h.Cells, c)
	}
	h.Cells[0].Steps = []HistoryStep{{At: 9, Worse: true, Text: "−7.0 %"}, {At: 16, Text: "+11.0 %"}}
	h.Cells[1].Steps = []HistoryStep{{At: 13, Text: "+11.2 %"}}
	return h
}

func TestHistoryGolden(t *testing.T) {
	cmpimg.CheckPlotApprox(func() {
		if _, err := DrawHistory(historyExample(), "testdata", []string{"png"}); err != nil {
			t.Fatal(err)
		}
	}, t, 0.05, "history.png")
	os.Remove(filepath.Join("testdata", "history.png"))
}

// A history names the characters that no font has.
func TestHistoryNamesBoxes(t *testing.T) {
	h := historyExample()
	h.Cells[0].Label = "日本"
	pg, err := h.page()
	if err != nil {
		t.Fatal(err)
	}
	p := layout.NewPainter(new(recorder.Canvas))
	pg.Paint(p)
	var text []string
	for _, x := range p.Texts {
		text = append(text, x.Text)
	}
	if all := strings.Join(text, " "); !strings.Contains(all, "No font here has □ (U+65E5), □ (U+672C): a box") {
		t.Errorf("the history says %q", all)
	}
}

// Drawn twice, every file has the same bytes; no text meets another.
func TestHistoryIsStableAndLegible(t *testing.T) {
	var files [2][]string
	for i := range files {
		var err error
		if files[i], err = DrawHistory(historyExample(), t.TempDir(), nil); err != nil || len(files[i]) != 3 {
			t.Fatal(files[i], err)
		}
	}
	for i, f := range files[0] {
		a, _ := os.ReadFile(f)
		b, _ := os.ReadFile(files[1][i])
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s differs when it is drawn again", f)
		}
	}
	pg, err := historyExample().page()
	if err != nil {
		t.Fatal(err)
	}
	p := layout.NewPainter(new(recorder.Canvas))
	pg.Paint(p)
	for i, a := range p.Texts {
		for _, b := range p.Texts[:i] {
			if a.Box.Grow(-0.3).Meets(b.Box.Grow(-0.3)) {
				t.Errorf("%q and %q overlap", a.Text, b.Text)
			}
		}
	}
}

func TestHistoryWithoutValuesIsRefused(t *testing.T) {
	h := historyExample()
	h.Cells = nil
	if _, err := DrawHistory(h, t.TempDir(), nil); err == nil {
		t.Error("an empty figure was drawn")
	}
	if !math.IsNaN(middleOf(nil)) {
		t.Error("nothing has a median")
	}
}
