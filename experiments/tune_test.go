package experiments

import (
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

// many are so many numbers.
func many(n int) string {
	var list []string
	for i := range n {
		list = append(list, textOf(i+1))
	}
	return strings.Join(list, ",")
}
