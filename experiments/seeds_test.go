package experiments

import (
	"strings"
	"testing"
)

// Seeds of parts of a training are axes and keys like others, in a table of their own or
// by --set; 0 renames no cell, and a family without them is one cell.
func TestSeedsOfParts(t *testing.T) {
	old := read(t, "name = \"n\"\n[train]\nsteps = 9\n", fake())
	zero := read(t, "name = \"n\"\n[train]\nsteps = 9\n[seed]\ninit = 0\norder = 0\n", fake())
	if old.Cells[0].ID != zero.Cells[0].ID {
		t.Error("seeds of 0 rename a cell")
	}
	e := read(t, "name = \"n\"\n[train]\nsteps = 9\n[seed]\nnoise = 5\n[sweep]\n\"seed.init\" = [0, 2, 3]\n\"sample.seed\" = [1, 2]\n",
		fake("seed.order=7", "seed=4"))
	if len(e.Cells) != 6 {
		t.Fatalf("%d cells", len(e.Cells))
	}
	ids := map[string]bool{}
	for i := range e.Cells {
		c := &e.Cells[i]
		ids[c.ID] = true
		order, _ := c.Get("seed.order")
		noise, _ := c.Get("seed.noise")
		if order != uint64(7) || noise != uint64(5) || c.Seed != 4 {
			t.Errorf("%s: order %v, noise %v, seed %d", c.Label, order, noise, c.Seed)
		}
	}
	if len(ids) != 6 || e.Cells[2].Label != "init=2 seed=1" {
		t.Errorf("%d ids, %q", len(ids), e.Cells[2].Label)
	}
	for text, want := range map[string]string{
		"[model]\nfamily = \"gaussian\"\n[sweep]\n\"seed.init\" = [1, 2]\n": "a key of the families",
		"[seed]\nint = 3\n":    "seed.int: unknown key; allowed in [seed]: init, order, noise",
		"[seed]\ninit = -3\n":  "-3 is negative",
		"[seed]\n":             "a table",
		"[seed]\ninit = \"a\"": "allowed: an integer",
	} {
		if _, err := Parse("n.toml", []byte("name = \"n\"\n"+text), fake()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
