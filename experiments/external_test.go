package experiments

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const externalBase = `
repeats = 2
[data]
set = "shapes"
size = 8
[model]
patch = 4
[sweep]
"sample.flow_steps" = [2, 4]
`

func parseExternal(t *testing.T, text, only string) (*Experiment, error) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"sampler.py", "net.py"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("pass"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Parse(filepath.Join(dir, "x.toml"), []byte(externalBase+text), Options{Only: only})
}

// Programs are crossed over their own axes, those of the experiment that they name,
// and seeds; cells of models keep their names.
func TestExternals(t *testing.T) {
	const text = `
[[external]]
label = "theirs"
command = ["python3", "sampler.py", "--fast"]
files = ["net.py"]
settings = { width = 64, name = "ema", careful = true }
sweep = { guidance = [1.0, 2.5] }
axes = ["sample.flow_steps"]
data = true
[[external]]
label = "other"
command = ["python3", "sampler.py"]
timed = true
`
	e, err := parseExternal(t, text, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Externals) != 10 || len(e.Cells) != 4 {
		t.Fatalf("%d cells of programs, %d of models", len(e.Externals), len(e.Cells))
	}
	x := e.Externals[7]
	if x.Label != "theirs guidance=2.5 flow_steps=4 (outside)" || x.Seed != 2 || x.Point["outside"] != "theirs" ||
		x.Point["guidance"] != 2.5 ||
		x.Settings["sample.flow_steps"] != 4 || x.Settings["width"] != int64(64) || x.Settings["careful"] != true ||
		x.Settings["outside"] != nil ||
		strings.Join(x.Files, " ") != "net.py sampler.py" || !x.Data || x.Timed {
		t.Errorf("%+v", x)
	}
	ids := map[string]bool{}
	for _, x := range e.Externals {
		ids[x.ID] = true
	}
	if len(ids) != 10 {
		t.Errorf("%d names for 10 cells", len(ids))
	}
	without, err := parseExternal(t, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range e.Cells {
		if e.Cells[i].ID != without.Cells[i].ID || e.Cells[i].Label != without.Cells[i].Label {
			t.Errorf("%s was %s", e.Cells[i].ID, without.Cells[i].ID)
		}
	}
	for only, want := range map[string][2]int{
		"outside=theirs": {0, 8}, "outside=theirs,seed=2": {0, 4}, "sample.flow_steps=4": {2, 4}, "seed=1": {2, 5},
		"label=other": {0, 2},
	} {
		e, err := parseExternal(t, text, only)
		if err != nil || len(e.Cells) != want[0] || len(e.Externals) != want[1] {
			t.Errorf("--only %s: %v, %+v", only, err, e)
		}
	}
	if _, err := parseExternal(t, text, "outside=nobody"); err == nil || !strings.Contains(err.Error(), `no cell has the value "nobody"`) {
		t.Error(err)
	}
}

func TestMistakesInExternals(t *testing.T) {
	const good = "label = \"x\"\ncommand = [\"python3\", \"sampler.py\"]\n"
	for text, want := range map[string]string{
		"[external]\n" + good:                                                                "write two brackets",
		"[[external]]\ncommand = [\"sampler.py\"]":                                           "external.label: a program needs a label",
		"[[external]]\nlabel = \"x\"":                                                        "external.command: is missing",
		"[[external]]\nlabel = \"x\"\ncommand = \"python3 x.py\"":                            "allowed: an array of strings",
		"[[external]]\nlabel = \"x\"\ncommand = [\"python3\"]":                               "external.files: no word of the command is a file",
		"[[external]]\n" + good + "comand = 3":                                               "did you mean command?",
		"[[external]]\n" + good + "settings = { a = [1] }":                                   "external.settings.a",
		"[[external]]\n" + good + "sweep = { a = 1 }":                                        "allowed: a list of numbers",
		"[[external]]\n" + good + "sweep = { a = [] }":                                       "allowed: a list of numbers",
		"[[external]]\n" + good + "settings = {a=1}\nsweep={a=[1]}":                          "has a value in settings too",
		"[[external]]\n" + good + "axes = [\"model.patch\"]":                                 "is no axis of [sweep]",
		"[[external]]\n" + good + "range = \"0..2\"":                                         "is no range of floats",
		"[[external]]\n" + good + "data = 1":                                                 "allowed: true or false",
		"[[external]]\n" + good + "[[external]]\n" + good:                                    "is \"x\" as well",
		"[search]\nmetric = \"fid_proxy\"\n[train]\nevaluate = [100]\n[[external]]\n" + good: "cannot stand beside [search]",
		"\"sample.count\" = [500, 600]\n[[external]]\n" + good:                               "scored by one protocol",
	} {
		if _, err := parseExternal(t, text, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n→ %v, want %q", text, err, want)
		}
	}
}
