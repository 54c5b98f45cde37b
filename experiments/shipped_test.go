package experiments

import (
	"path/filepath"
	"slices"
	"testing"

	"prabench/plots/figure"
)

// TestShippedFiles holds that every file of the project is valid.
func TestShippedFiles(t *testing.T) {
	files, _ := filepath.Glob("*.toml")
	presets, _ := filepath.Glob("presets/*.toml")
	paper, _ := filepath.Glob("paper/*.toml")
	large, _ := filepath.Glob("paper/large/*.toml")
	for _, file := range slices.Concat(files, presets, paper, large) {
		e, err := Load(file, Options{})
		if err != nil {
			t.Errorf("%s:\n%v", file, err)
			continue
		}
		for _, w := range e.Warnings {
			t.Logf("%v", w)
		}
		t.Logf("%s: %d cells", file, len(e.Cells))
	}
}

// TestTheGridIsLarge holds that grid.toml is what its figures are tried on: 36 recipes
// at two sizes, and the kinds of figure that a large grid is drawn in.
func TestTheGridIsLarge(t *testing.T) {
	e, err := Load("grid.toml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	of := map[any]int{}
	for i := range e.Cells {
		width, _ := e.Cells[i].Get("model.width")
		of[width]++
	}
	if len(of) != 2 || of[int64(32)]+of[32] != 36 || len(e.Cells) != 72 {
		t.Errorf("%d cells, by width %v; want 36 at each of two", len(e.Cells), of)
	}
	for _, kind := range []string{"heatmap", "table", "grid", "pareto"} {
		if !slices.ContainsFunc(e.Figures, func(f figure.Figure) bool { return f.Kind == kind }) {
			t.Errorf("no figure is a %s", kind)
		}
	}
}
