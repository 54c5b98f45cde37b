package session

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/harness/engine"
)

const withPrograms = `
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
[[external]]
label = "theirs"
command = [
  "sh",
  "theirs.sh",
]
[external.sweep]
mean = [
  40, 90
]
[ check ] # budget
budget = "1m"
[sweep]
"train.rollout_depth" = [
  0, 1
]
[[claim]]
text = "theirs are nearer"
metric = "fid_proxy"
of = { outside = "theirs" }
over = { "train.rollout_depth" = 1 }
expect = "better"
`

// Quality is that of models: programs that train for a check do not run the programs
// of the file, which lie beside it and not beside the copy.
func TestQualityIsOfModels(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "both.toml"), filepath.Join(t.TempDir(), "both.toml")
	for name, text := range map[string]string{from: withPrograms, filepath.Join(dir, "theirs.sh"): "exit 1\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	load := func(file string) engine.Loaded {
		t.Helper()
		ls, err := engine.Load([]string{file}, engine.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return ls[0]
	}
	s := Session{File: load(from)}
	if got := s.labels(); len(got) != 2 || slices.ContainsFunc(got, func(l string) bool { return strings.Contains(l, "theirs") }) {
		t.Errorf("the points to be checked are %q", got)
	}
	if err := onlyModels(from, to); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, no := range []string{"external", "command", "mean", "budget"} {
		if strings.Contains(string(raw), no) {
			t.Errorf("%q is in\n%s", no, raw)
		}
	}
	if e := load(to).Exp; len(e.Cells) != 2 {
		t.Errorf("the copy has %d cells, want 2", len(e.Cells))
	}
}
