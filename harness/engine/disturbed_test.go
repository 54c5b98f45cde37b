package engine

import (
	"fmt"
	"strings"
	"testing"
)

// However many rounds are disturbed, a run says two lines: the first when it happens,
// and how many there were in all.
func TestDisturbedRoundsAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		rounds int
		busy   func(i int) bool
		cells  int
		total  string
	}{
		"none":           {40, func(int) bool { return false }, 4, ""},
		"one":            {40, func(i int) bool { return i == 7 }, 4, ""},
		"two of a cell":  {40, func(i int) bool { return i == 4 || i == 8 }, 4, "2 of 40 timed rounds, of 1 cells"},
		"fifty-six":      {80, func(i int) bool { return i >= 24 }, 10, "56 of 80 timed rounds, of 10 cells"},
		"all of a sweep": {500, func(int) bool { return true }, 100, "500 of 500 timed rounds, of 100 cells"},
	} {
		var d disturbed
		var said []string
		for i := range c.rounds {
			why := ""
			if c.busy(i) {
				why = "other processes kept 0.9 processors busy"
			}
			if text := d.add(i/c.cells+1, fmt.Sprint("depth=", i%c.cells), why); text != "" {
				said = append(said, text)
			}
		}
		if want := min(1, d.rounds); len(said) != want {
			t.Errorf("%s: %d lines while it runs, want %d: %q", name, len(said), want, said)
		}
		if len(said) > 0 && !strings.Contains(said[0], "kept 0.9 processors busy") {
			t.Errorf("%s: %q does not say why", name, said[0])
		}
		if total := d.total(); (total == "") != (c.total == "") || !strings.Contains(total, c.total) {
			t.Errorf("%s: %q at the end, want %q", name, total, c.total)
		}
	}
}
