package experiments

import (
	"slices"
	"strings"
	"testing"
)

const tuning = "name = \"n\"\n[tune]\nmetric = \"fid_proxy\"\n"

// A grid is a table, an inline table or a text, in any order, and the same cell; what no
// family has, no training can do or nobody can choose by is refused where it stands.
func TestTune(t *testing.T) {
	want := ""
	for _, text := range []string{
		tuning + "[tune.grid]\nguidance = [0, 0.5]\nflow_steps = [10, 25]\n",
		tuning + "[tune.grid]\nflow_steps = [10, 25, 10]\nguidance = [0.0, 0.5]\n",
		tuning + "grid = { flow_steps = [10, 25], guidance = [0, 0.5] }\n",
		tuning + "grid = \"guidance=0,0.5; flow_steps=10,25\"\n",
	} {
		e := read(t, text, fake())
		c := e.Cells[0]
		if c.Settings.Tune.Grid != "flow_steps=10,25; guidance=0,0.5" {
			t.Errorf("%q is the grid %q", text, c.Settings.Tune.Grid)
		}
		if want == "" {
			want = c.ID
		}
		if c.ID != want {
			t.Errorf("%q is another cell", text)
		}
	}
	both := read(t, "name = \"n\"\n[tune.grid]\nguidance = [0, 0.5]\n[sweep]\n\"tune.metric\" = [\"none\", \"kid\"]\n", fake())
	if len(both.Cells) != 2 || both.Cells[0].ID != read(t, "name = \"n\"\n", fake()).Cells[0].ID {
		t.Errorf("%d cells, the untuned one %s", len(both.Cells), both.Cells[0].ID)
	}
	set := fake("tune.metric=fid_proxy", "tune.grid={guidance=[0,0.5],flow_steps=[10,25]}")
	if read(t, "name = \"n\"\n", set).Cells[0].ID != want {
		t.Error("--set makes another cell")
	}
	floor := read(t, tuning+"[tune.grid]\nguidance = [0, 1]\n[sweep]\n\"model.family\" = [\"pra\", \"gaussian\"]\n", fake())
	if floor.Cells[0].Settings.Tune.Metric != "fid_proxy" || floor.Cells[1].Settings.Tune.Metric != NoTuning {
		t.Error("a family that has nothing of the grid chooses all the same, or the other does not")
	}
	for text, want := range map[string]string{
		"metric = \"fid\"\ngrid = {guidance = [0, 1]}\n":                   "allowed: none, fid_proxy, kid, precision, recall",
		"metric = \"kid\"\n":                                               "nothing to choose from",
		"metric = \"kid\"\n[tune.grid]\nguidence = [0, 1]\n":               "did you mean guidance",
		"metric = \"kid\"\n[tune.grid]\nseed = [1, 2]\n":                   "is no key of sampling that can be tried",
		"metric = \"kid\"\n[tune.grid]\nguidance = 1\n":                    "is no array of values",
		"metric = \"kid\"\n[tune.grid]\nguidance = [0, \"x\"]\n":           "guidance:",
		"metric = \"kid\"\n[tune.grid]\nguidance = [0, -1]\n":              "sample.guidance",
		"metric = \"kid\"\n[tune.grid]\nsolver = [\"euler\", \"rk4\"]\n":   "sample.solver",
		"metric = \"kid\"\nseed = 1\n[tune.grid]\nguidance = [0, 1]\n":     "is sample.seed",
		"metric = \"kid\"\nimages = 3\n[tune.grid]\nguidance = [0, 1]\n":   "must be 20 or more",
		"metric = \"kid\"\ngrid = 3\n":                                     "allowed: a table of key = [values]",
		"metrics = \"kid\"\n":                                              "unknown key; allowed in [tune]: metric, grid, images, seed",
		"metric = \"kid\"\ngrid = \"" + "flow_steps=" + many(300) + "\"\n": "allowed: at most 256",
	} {
		if _, err := Parse("n.toml", []byte("name = \"n\"\n[tune]\n"+text), fake()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
}

// Each arm may choose from values of its own: a table, inline or dotted, or a text.
func TestArmsHaveTheirOwnGrid(t *testing.T) {
	e := read(t, tuning+`[tune.grid]
guidance = [0, 1]
[sweep]
"model.patch" = [4, 7]
[[sweep.arm]]
label = "as the file"
[[sweep.arm]]
label = "inline"
"tune.grid" = { flow_steps = [10, 25], guidance = [0, 0.5] }
[[sweep.arm]]
label = "dotted"
tune.grid.flow_steps = [5]
tune.grid.guidance = [0, 0.5]
[[sweep.arm]]
label = "text"
"tune.grid" = "guidance=2"
`, fake())
	var got []string
	for _, c := range e.Cells[:4] {
		got = append(got, strings.TrimPrefix(c.Label, "patch=4 ")+": "+string(c.Settings.Tune.Grid))
	}
	want := []string{"as the file: guidance=0,1", "inline: flow_steps=10,25; guidance=0,0.5", "dotted: flow_steps=5; guidance=0,0.5",
		"text: guidance=2"}
	if len(e.Cells) != 8 || !slices.Equal(got, want) {
		t.Errorf("%d cells, the first\n%q, want\n%q", len(e.Cells), got, want)
	}
	for text, want := range map[string]string{
		"\"tune.grid.guidance\" = [0]\n":              `write "tune.grid" = { guidance = [values] }`,
		"tune.grid = { guidence = [0] }\n":            "did you mean guidance",
		"tune.grid.guidance = 1\n":                    "is no array of values",
		"\"tune.grid\" = { guidance = [] }\n":         "is no array of values",
		"\"tune.imags\" = 5\n":                        "[tune]",
		"tune.grid = [{ guidance = [0] }]\n":          "allowed: a table of key = [values]",
		"tune.grid = { solver = [\"rk4\"] }\n":        "sample.solver",
		"tune.grid.guidance = [0]\ntune.images = 2\n": "must be 20 or more",
	} {
		text = tuning + "[tune.grid]\nguidance = [0, 1]\n[[sweep.arm]]\nlabel = \"a\"\n" + text
		if _, err := Parse("n.toml", []byte(text), fake()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Parse("n.toml", []byte("name = \"n\"\n"), fake("tune.grid.guidance=[0,1]")); err == nil ||
		!strings.Contains(err.Error(), `write "tune.grid" = { guidance = [values] }`) {
		t.Errorf("--set tune.grid.guidance: %v", err)
	}
}

// many are so many numbers.
func many(n int) string {
	var list []string
	for i := range n {
		list = append(list, textOf(i+1))
	}
	return strings.Join(list, ",")
}
