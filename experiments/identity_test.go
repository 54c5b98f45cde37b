package experiments

import (
	"strings"
	"testing"

	"prabench/models/pra"
)

// formerly has quick.toml with the recipe that it had when names were first given.
func formerly(t *testing.T, set ...string) (*Experiment, error) {
	t.Helper()
	return Load("quick.toml", Options{Set: append([]string{"train.batch=64", "train.lr=2e-3"}, set...)})
}

// Cells that do not use keys that came later keep the names they had before:
// databases that people have stay valid.
func TestOlderCellsKeepTheirNames(t *testing.T) {
	e, err := formerly(t)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.Cells[0].ID, "e2b452ba7773"; got != want {
		t.Errorf("the first cell of quick.toml is %s, was %s", got, want)
	}
	with, err := formerly(t, "metrics.probe=1000")
	if err != nil {
		t.Fatal(err)
	}
	if with.Cells[0].ID == e.Cells[0].ID {
		t.Error("a cell with a probe has the name of one without")
	}
}

// A key that came later may have any default: a cell that does not set it, or
// sets what its absence means, has the name it had before the key came.
func TestALaterKeyRenamesOnlyCellsThatUseIt(t *testing.T) {
	const before = "e2b452ba7773"
	for set, same := range map[string]bool{"train.beta2=0.95": true, "train.beta2=0.9": false, "train.beta2=0": false} {
		e, err := formerly(t, set)
		if err != nil {
			t.Fatal(err)
		}
		if id := e.Cells[0].ID; (id == before) != same {
			t.Errorf("%s: the first cell of quick.toml is %s, before the key came %s", set, id, before)
		}
	}
	if d := Defaults().Params.(pra.Params).Train.Beta2; d != 0.95 {
		t.Errorf("the default of train.beta2 is %g", d)
	}
	swept := read(t, "[sweep]\n\"train.beta2\" = [0.9, 0.95, 0.999]\n", fake())
	beta2 := func(i int) any { v, _ := swept.Cells[i].Get("train.beta2"); return v }
	if len(swept.Cells) != 3 || beta2(0) != 0.9 || beta2(2) != 0.999 {
		t.Errorf("a sweep of train.beta2 has cells %+v", swept.Cells)
	}
	if plain := read(t, "", fake()); swept.Cells[1].ID != plain.Cells[0].ID {
		t.Error("a sweep through the default does not share its cell with others")
	}
	if _, err := formerly(t, "train.beta2=1"); err == nil || !strings.Contains(err.Error(), "train.beta2") {
		t.Errorf("train.beta2 = 1: %v", err)
	}
}

// A further score of the same samples gives a cell values, not another name.
func TestAFurtherScoreRenamesNothing(t *testing.T) {
	e, err := formerly(t, "metrics.also=density")
	if err != nil {
		t.Fatal(err)
	}
	if id := e.Cells[0].ID; id != "e2b452ba7773" || e.Cells[0].Settings.Metrics.Also != "density" {
		t.Errorf("the first cell of quick.toml is %s with %+v", id, e.Cells[0].Settings.Metrics)
	}
	if _, err := formerly(t, "metrics.also=densty"); err == nil ||
		!strings.Contains(err.Error(), "allowed: density") {
		t.Errorf("an unknown score: %v", err)
	}
}
