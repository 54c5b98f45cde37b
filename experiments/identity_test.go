package experiments

import "testing"

// Cells that do not use keys that came later keep the names they had before:
// databases that people have stay valid.
func TestOlderCellsKeepTheirNames(t *testing.T) {
	e, err := Load("quick.toml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.Cells[0].ID, "e2b452ba7773"; got != want {
		t.Errorf("the first cell of quick.toml is %s, was %s", got, want)
	}
	with, err := Load("quick.toml", Options{Set: []string{"metrics.probe=1000"}})
	if err != nil {
		t.Fatal(err)
	}
	if with.Cells[0].ID == e.Cells[0].ID {
		t.Error("a cell with a probe has the name of one without")
	}
}
