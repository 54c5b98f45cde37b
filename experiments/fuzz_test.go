package experiments

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/internal/memcap"
)

// FuzzLoad holds that any text is either refused with errors that have a place,
// or gives cells that are valid and keep their names when read again.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range seeds {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src), "", "")
	}
	f.Add("[sweep]\nmodel.patch = [4, 7]\n[[sweep.zip]]\nlabel = ['a']\ntrain.lr = [1]\n", "model.patch=[7,14]", "patch=7")
	f.Add("a.b.c = {d = [[{e = 1}]]}", "sweep.train.rollout_depth=[0,'exact']", "seed=1,label='a'")
	f.Add("[[figure]]\nkind = 'line'\nx = 'seed'\nwhere = {seed = [1, 2], label = 'x'}", "seed=3", "")
	f.Add("x = "+strings.Repeat("[", 60)+strings.Repeat("]", 60), "x="+strings.Repeat("{a=", 60), "")
	f.Fuzz(func(t *testing.T, text, set, only string) {
		opts := Options{Describe: fakeData, maxCells: 2000, Only: only}
		if set != "" {
			opts.Set = []string{set}
		}
		var e *Experiment
		var err error
		memcap.Hold(t, func() { e, err = Parse("f.toml", []byte(text), opts) })
		if err != nil {
			if e != nil {
				t.Fatal("an experiment beside an error")
			}
			var one *Error
			if !errors.As(err, &one) {
				t.Fatalf("untyped: %v", err)
			}
			all := []error{err}
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				all = joined.Unwrap()
			}
			for _, err := range all {
				if !errors.As(err, &one) || one.Problem == "" || one.File == "" || one.Line > 0 && one.Column < 1 {
					t.Fatalf("without a place or a problem: %#v", err)
				}
				if n := strings.Count(text, "\n") + 1; one.Line > n {
					t.Fatalf("line %d of %d: %v", one.Line, n, err)
				}
			}
			return
		}
		if len(e.Cells) == 0 {
			t.Fatal("no cells and no error")
		}
		again, err := Parse("g.toml", []byte(text), opts)
		if err != nil {
			t.Fatalf("the second time: %v", err)
		}
		seen := map[string]bool{}
		for i := range e.Cells {
			c := &e.Cells[i]
			if c.ID != again.Cells[i].ID || seen[c.ID] || len(c.ID) != 12 {
				t.Fatalf("cell %d is %q, then %q", i, c.ID, again.Cells[i].ID)
			}
			seen[c.ID] = true
			if err := c.Settings.Params.Validate(); err != nil {
				t.Fatal(err)
			}
			if c.Settings.Params != c.Settings.Params.Resolved() {
				t.Fatal("an unresolved depth")
			}
		}
	})
}
