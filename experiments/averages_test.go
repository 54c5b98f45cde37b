package experiments

import (
	"strings"
	"testing"
)

// One decay of averaged weights is the cell that it was, however it is written; several
// are one value, and a list on an axis is still an axis.
func TestAveragesAsAKey(t *testing.T) {
	plain := read(t, "", fake()).Cells[0].ID
	for text, same := range map[string]bool{"ema = 0.999": true, "ema = [0.999]": true, "ema = [0.999, 0.99]": false, "ema = 0.9": false,
		"ema = [0.9990]": true} {
		e := read(t, "[train]\n"+text+"\n", fake())
		if got := e.Cells[0].ID; len(e.Cells) != 1 || (got == plain) != same {
			t.Errorf("%s: %d cells, the first is %s; without the key %s", text, len(e.Cells), got, plain)
		}
	}
	axis := read(t, "[sweep]\n\"train.ema\" = [0.9, 0.999, [0.9, 0.999]]\n", fake())
	var values []any
	for _, c := range axis.Cells {
		v, _ := c.Get("train.ema")
		values = append(values, v)
	}
	if len(values) != 3 || values[0] != 0.9 || values[1] != 0.999 || values[2] != "0.9, 0.999" {
		t.Errorf("the axis has %v", values)
	}
	if e := read(t, "", fake("train.ema=[0.9, 0.99]")); len(e.Cells) != 2 {
		t.Errorf("a list behind --set is no axis: %d cells", len(e.Cells))
	}
	weights := read(t, "[train]\nema = [0.9, 0.999]\n[sweep]\n\"sample.weights\" = [\"ema\", \"0.999\", \"raw\"]\n", fake())
	if len(weights.Cells) != 3 {
		t.Errorf("%d cells of three weights", len(weights.Cells))
	}
	for text, says := range map[string]string{
		"[train]\nema = \"0.9\"\n":                                                    "allowed: a float such as 0.999, or an array of them",
		"[train]\nema = []\n":                                                         "allowed: a float such as 0.999, or an array of them",
		"[train]\nema = [0.9, \"x\"]\n":                                               "allowed: a float such as 0.999, or an array of them",
		"[train]\nema = [0.9, 1.5]\n":                                                 "must lie in [0, 1], not 1.5",
		"[train]\nema = [0.9, 0.5, 0.9]\n":                                            "0.9 is listed twice",
		"[train]\nema = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]\n":                "9 averages; allowed: up to 8",
		"[model]\nfamily = \"vq\"\n[train]\nema = [0.9]\n[sample]\nweights = \"x\"\n": `must be one of ["ema" "raw"], not "x"`,
		"[train]\nema = [0.9, 0.5]\n[sample]\nweights = \"0.99\"\n":                   `must be one of ["ema" "raw" "0.9" "0.5"], not "0.99"`,
		"[sample]\nweights = \"0.999\"\n":                                             `must be one of ["ema" "raw"], not "0.999"`,
		"[model]\nfamily = \"jit\"\n[train]\nema = [0.9]\n[sample]\nweights=\"x\"\n":  `must be one of ["ema" "raw"], not "x"`,
	} {
		_, err := Parse("t.toml", []byte(text), fake())
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}
