package experiments

import (
	"slices"
	"testing"

	"prabench/models/pra"
)

// Arms are the cells of the zip that names every value, crossed with other axes, in the
// order of the file.
func TestArmsAreAZip(t *testing.T) {
	const before = "[model]\nwidth = 64\n[train]\nlr = 2e-3\n[sweep]\n\"model.patch\" = [4, 7]\n"
	arms := read(t, before+`
[[sweep.arm]]
label = "as it is"
[[sweep.arm]]
label = "wide"
"model.width" = 96
[[sweep.arm]]
label = "wide and slow"
"model.width" = 96
"train.lr" = 5e-4
`, fake())
	zip := read(t, before+`
[[sweep.zip]]
label = ["as it is", "wide", "wide and slow"]
"model.width" = [64, 96, 96]
"train.lr" = [2e-3, 2e-3, 5e-4]
`, fake())
	of := func(e *Experiment) (out []string) {
		for _, c := range e.Cells {
			out = append(out, c.ID+" "+c.Label)
		}
		return out
	}
	if a, b := of(arms), of(zip); len(a) != 6 || !slices.Equal(a, b) {
		t.Errorf("arms are\n%q\nthe zip is\n%q", a, b)
	}
	for i, c := range arms.Cells {
		if !slices.Equal(keysOf(c.Point), keysOf(zip.Cells[i].Point)) {
			t.Errorf("%s has the keys %v, in the zip %v", c.Label, c.Point, zip.Cells[i].Point)
		}
	}
}

func keysOf(m map[string]any) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// What an arm leaves open follows the file, --set included; a key that --set fixes is no
// matter of arms any more, and what is left of equal arms is one cell.
func TestArmsFollowTheFile(t *testing.T) {
	const text = `
[[sweep.arm]]
label = "plain"
[[sweep.arm]]
label = "fast"
"train.lr" = 4e-3
[[sweep.arm]]
label = "deep"
"model.depth" = 5
`
	rates := func(e *Experiment) (out []float64) {
		for _, c := range e.Cells {
			out = append(out, c.Settings.Params.(pra.Params).Train.LR)
		}
		return out
	}
	usual := pra.DefaultTrain().LR
	if got := rates(read(t, text, fake())); !slices.Equal(got, []float64{usual, 4e-3, usual}) {
		t.Errorf("by default the rates are %v", got)
	}
	if got := rates(read(t, "[train]\nlr = 3e-3\n"+text, fake())); !slices.Equal(got, []float64{3e-3, 4e-3, 3e-3}) {
		t.Errorf("with a rate in the file they are %v", got)
	}
	if got := rates(read(t, text, fake("train.lr=1e-4"))); !slices.Equal(got, []float64{1e-4, 1e-4}) {
		t.Errorf("with --set they are %v", got)
	}
	only := fake()
	only.Only = "label=deep"
	one := read(t, text, only)
	if len(one.Cells) != 1 || one.Cells[0].Label != "deep" || one.Total != 3 {
		t.Errorf("--only label=deep leaves %d of %d cells", len(one.Cells), one.Total)
	}
}
