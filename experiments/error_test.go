package experiments

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"prabench/models/dataset"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestErrors holds the text of every refusal. Each testdata/bad/*.toml has its
// messages beside it in *.txt; lines that start with "# set " and "# only "
// are flags.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d bad files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			opts := fake()
			for _, line := range strings.Split(string(src), "\n") {
				if set, ok := strings.CutPrefix(line, "# set "); ok {
					opts.Set = append(opts.Set, set)
				}
				if only, ok := strings.CutPrefix(line, "# only "); ok {
					opts.Only = only
				}
			}
			e, err := Parse(filepath.Base(file), src, opts)
			if err == nil || e != nil {
				t.Fatalf("accepted: %v", e)
			}
			golden := strings.TrimSuffix(file, ".toml") + ".txt"
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestErrorsAreTyped(t *testing.T) {
	_, err := Parse("e.toml", []byte("[data]\nroot = \"/missing\"\n"), fake())
	var e *Error
	if !errors.As(err, &e) || e.Line != 2 || e.Column != 1 || e.Key != "data.root" || e.File != "e.toml" {
		t.Errorf("got %#v", e)
	}
	var de *dataset.Error
	if !errors.As(err, &de) {
		t.Error("the error of the data set is lost")
	}
	_, err = Load(filepath.Join(t.TempDir(), "none.toml"), fake())
	if !errors.Is(err, os.ErrNotExist) || !errors.As(err, &e) {
		t.Errorf("missing file: %v", err)
	}
	_, err = Load(t.TempDir(), fake())
	if !errors.As(err, &e) {
		t.Errorf("a folder: %v", err)
	}
}

func TestNearest(t *testing.T) {
	all := append([]string{"name", "repeats"}, allNames...)
	for _, c := range []struct{ name, want string }{
		{"model.pacth", "model.patch"}, {"model.patches", "model.patch"}, {"train.patch", "model.patch"}, {"patch", "model.patch"},
		{"train.rollout_dept", "train.rollout_depth"}, {"sample.rolout_depth", "sample.rollout_depth"}, {"repeat", "repeats"},
		{"model.zzzzzz", ""}, {"", ""}, {"train.learning_rate_of_adam", ""}, {"train.l", "train.lr"},
	} {
		if got := nearest(c.name, all); got != c.want {
			t.Errorf("nearest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"patch", "pacth", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"größe", "grosse", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
