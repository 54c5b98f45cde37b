package experiments

import (
	"strings"
	"testing"
)

func warnings(e *Experiment) string {
	var list []string
	for _, w := range e.Warnings {
		list = append(list, w.Key+": "+w.Text)
	}
	return strings.Join(list, "\n")
}

// A family without steps has no stops: it is one cell beside the stops of the others, whatever
// the file says of its trainings.
func TestAFloorBesideStops(t *testing.T) {
	for _, stops := range []string{"evaluate = [5, 10]\n", "until = 5\nkeep = [3]\n"} {
		e := read(t, "[train]\nsteps = 20\n"+stops+`[[sweep.arm]]
label = "PRA"
[[sweep.arm]]
label = "floor"
"model.family" = "gaussian"
`, fake())
		var floors, others int
		for _, c := range e.Cells {
			if _, has := c.Point[untilKey]; c.Settings.Model.Family != "gaussian" {
				others++
			} else if floors++; has || c.Settings.Train.Until != 0 || c.Label != "floor" {
				t.Errorf("%s: %v, until %d", c.Label, c.Point, c.Settings.Train.Until)
			}
		}
		want := 1
		if strings.HasPrefix(stops, "evaluate") {
			want = 3
			if said := warnings(e); !strings.Contains(said, "the family gaussian has no train.until: 2 points") {
				t.Error(said)
			}
		}
		if floors != 1 || others != want {
			t.Errorf("%s: %d floors and %d others", stops, floors, others)
		}
	}
}

func TestAValueThatIsThereTwice(t *testing.T) {
	e := read(t, "[sweep]\n\"train.lr\" = [1e-3, 0.001]\n\"model.patch\" = [4, 7]\n", fake())
	if said := warnings(e); len(e.Cells) != 2 || said != "sweep: lr=0.001 patch=4 is there twice, and is one cell\n"+
		"sweep: lr=0.001 patch=7 is there twice, and is one cell" {
		t.Errorf("%d cells, %s", len(e.Cells), said)
	}
}

// A grid of keys that no family of the file has is a mistake; where some cells choose, the others
// are named. A family without settings of sampling has nothing to choose.
func TestGridsThatFitNoFamily(t *testing.T) {
	const head = "[tune]\nmetric = \"fid_proxy\"\n[tune.grid]\ntemperature = [0.9, 1]\n[sweep]\n\"model.family\" = "
	_, err := Parse("e.toml", []byte(head+`["pra", "gaussian"]`), fake())
	if err == nil || !strings.Contains(err.Error(), `e.toml:3:1: tune.grid: "temperature=0.9,1" has no key of the family pra`) ||
		strings.Contains(err.Error(), "gaussian") {
		t.Error(err)
	}
	e := read(t, head+`["pra", "vq", "gaussian"]`, fake())
	want := "tune.grid: \"temperature=0.9,1\" has no key of the family pra, whose cells are sampled as the file says; its keys: flow_steps, "
	if said := warnings(e); !strings.Contains(said, want) || strings.Contains(said, "gaussian") {
		t.Error(said)
	}
	if e = read(t, "[tune]\nmetric = \"fid_proxy\"\n[tune.grid]\ntemperature = [0.9, 1]\n[model]\nfamily = \"gaussian\"\n",
		fake()); len(e.Warnings) > 0 {
		t.Error(warnings(e))
	}
}

// A value in a list of where that no cell has is named: the figure lacks it.
func TestWhereNamesWhatIsNotThere(t *testing.T) {
	const text = "[sweep]\n\"model.patch\" = [4, 7]\n[[figure]]\nkind = \"table\"\nwhere = { \"model.patch\" = [4, 14] }\n"
	if said := warnings(read(t, text, fake())); said != "figure.where.model.patch: no cell has the value 14; there are: 4, 7" {
		t.Error(said)
	}
	if e := read(t, strings.Replace(text, "14", "7", 1), fake()); len(e.Warnings) > 0 {
		t.Error(warnings(e))
	}
}
