package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/engine"
)

const besideAProgram = `
name = "both"
[data]
set = "shapes"
size = 8
[model]
patch = 4
state = 6
width = 16
depth = 1
heads = 2
head_width = 16
head_depth = 1
coder_width = 16
[sweep]
"train.rollout_depth" = [0, 1]
[[external]]
label = "theirs"
command = ["sh", "both.toml"]
`

// A program outside is not checked: it has no model, and that of the first cell is not
// measured in its place.
func TestProgramsAreNotChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "both.toml")
	if err := os.WriteFile(file, []byte(besideAProgram), 0o644); err != nil {
		t.Fatal(err)
	}
	cells := func(only string) ([]Cell, error) {
		t.Helper()
		ls, err := engine.Load([]string{file}, engine.LoadOptions{Only: only})
		if err != nil {
			t.Fatal(err)
		}
		return Cells(ls[0].Exp, nil, 1, t.TempDir())
	}
	all, err := cells("")
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if got := all[0].Label + " " + strings.Join(all[0].Same, " "); strings.Contains(got, "theirs") || strings.Count(got, "depth") != 2 {
		t.Errorf("checked are %q", got)
	}
	if some, err := cells("outside=theirs"); !engine.IsMistake(err) || !strings.Contains(err.Error(), "only models are checked") {
		t.Errorf("%+v, %v", some, err)
	}
}
