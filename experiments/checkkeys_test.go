package experiments

import "testing"

func TestNamesAreAnArrayOrAText(t *testing.T) {
	for _, text := range []string{`["latency", "throughput"]`, `"latency, throughput"`, `" latency,throughput , latency"`} {
		e := read(t, "[check]\nmetrics = "+text+"\n", fake())
		if got := e.Base.Check.Metrics; got != "latency, throughput" {
			t.Errorf("%s: %q", text, got)
		}
	}
	for _, set := range []string{`check.metrics=["latency"]`, `check.metrics=latency`} {
		e := read(t, "[check]\nmetrics = [\"throughput\"]\n", fake(set))
		if got := e.Base.Check.Metrics; got != "latency" || len(e.Cells) != 1 {
			t.Errorf("--set %s: %q in %d cells", set, got, len(e.Cells))
		}
	}
}

// How a check judges renames no cell.
func TestCheckIsNoPartOfACell(t *testing.T) {
	a, b := read(t, "", fake()), read(t, "[check]\nthroughput = 0.1\n", fake())
	if a.Cells[0].ID != b.Cells[0].ID {
		t.Error("a threshold changed a cell's id")
	}
}
