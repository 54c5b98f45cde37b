package experiments

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"prabench/results/where"
)

const printed = `
[data]
set = "mnist"
[model]
patch = 4
[sweep]
"data.size" = [28, 32]
"train.rollout_depth" = [0, "exact"]
[[sweep.zip]]
label = ["thin", "wide, really"]
"model.width" = [32, 64]
"model.heads" = [2, 4]
`

// What plans, tables, progress and status print of a cell chooses it again, in the
// file and among what a database has of it.
func TestWhatIsPrintedIsAFilter(t *testing.T) {
	e := read(t, printed, fake())
	id := e.Cells[3].ID // size=28 rollout_depth=exact "wide, really"
	k := e.Cells[3].Settings.Params.(interface{ ARSteps() int }).ARSteps()
	for _, c := range []struct {
		only  string
		cells int
		wrong string
	}{
		{"depth=exact", 4, ""}, {"rollout_depth=exact", 4, ""}, {"train.rollout_depth=exact", 4, ""}, {"rollout_depth=0", 4, ""},
		{"size=32", 4, ""}, {"size=28,size=32", 8, ""}, {"size=32,rollout_depth=0", 2, ""}, {"width=64", 4, ""}, {"heads=2,width=32", 4, ""},
		{"thin", 4, ""}, {"label=thin", 4, ""}, {`"wide, really"`, 4, ""}, {"size=28 rollout_depth=exact wide, really", 1, ""},
		{"size=28 rollout_depth=exact wide, really, seed 1", 1, ""}, {"size=28 rollout_depth=0 thin", 1, ""}, {"size=28 depth=0 thin", 1, ""},
		{"label=size=28 depth=0 thin", 1, ""}, {"size=28 depth=0 thin, seed 1", 1, ""}, {"size=28 depth=0 thin,rollout_depth=0", 1, ""},
		{id, 1, ""}, {id[:6], 1, ""}, {"cell=" + id, 1, ""}, {"id=" + id[:8], 1, ""}, {id + "," + e.Cells[0].ID, 2, ""},
		{id[:6] + ",rollout_depth=0", 0, "no cell has all of them"},
		{"size=28 rollout_depth=0 thin, seed 2", 0, "no cell has the value 2"}, {"depth=0, seed 1", 4, ""}, {"thin, seed 1", 4, ""},
		{"depth=0 size=28", 2, ""}, {"rollout_depth=0 size=28,thin", 1, ""}, {"size=28 size=32", 8, ""},
		{"cell=zzzz", 0, "no cell has the id"}, {"batch=64", 0, "can be train.batch or sample.batch or measure.batch: write the one"},
		{"rolout_depth=exact", 0, "did you mean rollout_depth?"}, {"sise=32", 0, "did you mean size?"}, {"qwertz=1", 0, "label or outside"},
		{"size=29", 0, "no cell has the value 29; allowed: 28, 32"},
	} {
		got, err := e.Choose(c.only)
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) ||
				strings.Contains(c.wrong, "can be") && strings.Contains(err.Error(), "did you mean") {
				t.Errorf("%s: %v, want %q", c.only, err, c.wrong)
			}
			continue
		}
		if err != nil || len(got.Cells) != c.cells {
			t.Errorf("%s: %v, want %d cells", c.only, err, c.cells)
			continue
		}
		if stored := fromDatabase(t, e, c.only, k); !slices.Equal(stored, idsOf(got.Cells)) {
			t.Errorf("%s: in a database %v, in the file %v", c.only, stored, idsOf(got.Cells))
		}
	}
	for _, only := range []string{fmt.Sprintf("size=28,rollout_depth=%d", k), "size=28,rollout_depth=exact"} {
		if got, err := e.Choose(only); err != nil || len(got.Cells) != 2 {
			t.Errorf("%s: %v", only, err)
		} else if stored := fromDatabase(t, e, only, k); !slices.Equal(stored, idsOf(got.Cells)) {
			t.Errorf("%s: in a database %v", only, stored)
		}
	}
}

// Labels with commas, signs and quotes are chosen as they are printed, and beside other values in
// quotes.
func TestOddLabelsAreFilters(t *testing.T) {
	e := read(t, `
[sweep]
"model.patch" = [4, 7]
[[sweep.arm]]
label = "a, with = sign"
"train.lr" = 1e-3
[[sweep.arm]]
label = 'x &"q"'
"train.lr" = 2e-3
[[sweep.arm]]
label = "plain"
"train.lr" = 3e-3
`, fake())
	for only, cells := range map[string]int{
		`a, with = sign`: 2, `label="a, with = sign",patch=4`: 1, `patch=4,label="a, with = sign"`: 1, `"a, with = sign",patch=7`: 1,
		`x &"q"`: 2, `label='x &"q"',patch=4`: 1, `patch=7 x &"q"`: 1, `patch=7 plain`: 1, `plain`: 2, `patch=4 a, with = sign`: 1,
	} {
		if got, err := e.Choose(only); err != nil || len(got.Cells) != cells {
			t.Errorf("%s: %v, want %d cells", only, err, cells)
		}
	}
}

func idsOf(cells []Cell) (out []string) {
	for _, c := range cells {
		out = append(out, c.ID)
	}
	return out
}

// fromDatabase chooses among cells as a database keeps them: the swept keys as they
// were written, and the number of the depth, k at the first size.
func fromDatabase(t *testing.T, e *Experiment, only string, k int) (out []string) {
	f, ids, err := ChoicesAmong(only, len(e.Cells), e.called, e.swept())
	if err != nil {
		t.Fatalf("%s: %v", only, err)
	}
	for i := range e.Cells {
		c := &e.Cells[i]
		ok := f.Accepts(func(key string) (any, bool) {
			v, ok := c.Point[key]
			n, _ := c.Settings.Get("train.rollout_depth")
			switch key {
			case "seed":
				return c.Seed, true
			case labelKey:
				return where.Names{c.Label, v}, true
			case "train.rollout_depth":
				return where.Names{v, n}, ok
			}
			return v, ok
		})
		if ok && (ids == nil || slices.Contains(ids, c.ID)) {
			out = append(out, c.ID)
		}
	}
	return out
}

// Steps of a zip with one name are cells with different labels, and the file says so.
func TestStepsOfOneName(t *testing.T) {
	e := read(t, "[[sweep.zip]]\nlabel = [\"a\", \"b\", \"a\"]\n\"model.width\" = [32, 64, 96]\n\"model.heads\" = [2, 4, 4]\n", fake())
	var labels []string
	for _, c := range e.Cells {
		labels = append(labels, c.Label)
	}
	if got := strings.Join(labels, "; "); got != "a width=32 heads=2; b; a width=96 heads=4" {
		t.Error(got)
	}
	if len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0].Text, `several steps are called "a"`) || e.Warnings[0].Line != 2 {
		t.Errorf("%v", e.Warnings)
	}
	if both, err := e.Choose("label=a"); err != nil || len(both.Cells) != 2 {
		t.Errorf("%v", err)
	}
}
