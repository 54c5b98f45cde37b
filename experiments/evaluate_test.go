package experiments

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// train.evaluate is an axis of stops; the last one is the cell that the file has
// without it.
func TestEvaluateIsAnAxis(t *testing.T) {
	plain := read(t, "[train]\nsteps = 900\n", fake())
	for _, c := range []struct{ text, set, want string }{
		{"[train]\nsteps = 900\nevaluate = [100, 300]\n", "", "[100 300 900]"},
		{"[train]\nsteps = 900\nevaluate = [100, 300, 900]\n", "", "[100 300 900]"},
		{"[train]\nsteps = 900\nevaluate = 400\n", "", "[400 800 900]"},
		{"[train]\nsteps = 900\nevaluate = 300\n", "", "[300 600 900]"},
		{"[train]\nsteps = 900\n", "train.evaluate=[100,300]", "[100 300 900]"},
		{"[train]\nsteps = 900\nevaluate = [5]\n", "train.evaluate=450", "[450 900]"},
		{"[train]\nsteps = 900\n[sweep]\n\"train.until\" = [100, 0]\n", "", "[100 900]"},
	} {
		opts := fake()
		if c.set != "" {
			opts = fake(c.set)
		}
		e := read(t, c.text, opts)
		var stops []any
		for i := range e.Cells {
			stops = append(stops, e.Cells[i].Point["train.until"])
		}
		if got := fmt.Sprint(stops); got != c.want {
			t.Errorf("%s%s: stops %s, want %s", c.text, c.set, got, c.want)
		}
		if last := e.Cells[len(e.Cells)-1]; last.ID != plain.Cells[0].ID {
			t.Errorf("%s%s: the end of the training is another cell than that of the plain file", c.text, c.set)
		}
		if e.Cells[0].ID == plain.Cells[0].ID {
			t.Errorf("%s%s: an earlier stop is the same cell as the end", c.text, c.set)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"[train]\nsteps = 900\nevaluate = [100, 1000]\n", "e.toml:3:1: train.evaluate: 1000 is more than train.steps = 900"},
		{"[train]\nevaluate = [100, 50]\n", "each larger than the one before"},
		{"[train]\nevaluate = []\n", "is no list of training steps"},
		{"[train]\nevaluate = 0\n", "is no list of training steps"},
		{"[train]\nevaluate = true\n", "is no list of training steps"},
		{"[train]\nevaluate = [1.5]\n", "integers ≥ 1"},
		{"[train]\nevaluate = [100]\n[sweep]\n\"train.steps\" = [200, 400]\n", "train.steps is swept"},
		{"[train]\nsteps = 100\nuntil = 200\n", "train.until: must be 0 (all) to train.steps = 100, not 200"},
		{"[sweep]\n\"train.steps\" = [100, 200]\n\"train.until\" = [50, 150]\n", "invalid at steps=100 until=150"},
		{"[sweep]\n\"train.evaluate\" = [50, 150]\n", "cannot be swept"},
		{"[train]\nsteps = 900\nkeep = [100, 1000]\n", "e.toml:3:1: train.keep: 1000 is more than train.steps = 900"},
		{"[train]\nkeep = 0\n", "train.keep: 0 is no list of training steps"},
		{"[sweep]\n\"train.keep\" = [50, 150]\n", "cannot be swept"},
	} {
		_, err := Parse("e.toml", []byte(c.text), fake())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
}

// train.keep names no cell, and its steps are those before the end.
func TestKept(t *testing.T) {
	plain := read(t, "[train]\nsteps = 900\n", fake())
	for text, want := range map[string][]int{"[100, 300, 900]": {100, 300}, "400": {400, 800}, "[900]": nil} {
		e := read(t, "[train]\nsteps = 900\nkeep = "+text+"\n", fake())
		got, err := e.Cells[0].Settings.Train.Kept(900)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: steps %v, %v; want %v", text, got, err, want)
		}
		if e.Cells[0].ID != plain.Cells[0].ID {
			t.Errorf("%s: another cell", text)
		}
	}
}
