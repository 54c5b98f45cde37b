package experiments

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"prabench/models"
)

// A cell has the keys of its family: an axis over others makes no more of it.
func TestCellsHaveTheKeysOfTheirFamily(t *testing.T) {
	e := read(t, `
repeats = 2
[model]
width = 64
[sweep]
"model.family" = ["gaussian", "pra"]
"model.shrinkage" = [0.1, 0.5]
"model.patch" = [4, 7]
`, fake())
	want := []string{"family=gaussian shrinkage=0.1 #1", "family=gaussian shrinkage=0.1 #2", "family=gaussian shrinkage=0.5 #1",
		"family=gaussian shrinkage=0.5 #2", "family=pra patch=4 #1", "family=pra patch=4 #2", "family=pra patch=7 #1", "family=pra patch=7 #2"}
	if d := cmp.Diff(want, labels(e)); d != "" {
		t.Error(d)
	}
	g, p := e.Cells[0], e.Cells[4]
	if d := cmp.Diff(map[string]any{"model.family": "gaussian", "model.shrinkage": 0.1}, g.Point); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]any{"model.family": "pra", "model.patch": 4}, p.Point); d != "" {
		t.Error(d)
	}
	if _, ok := g.Get("model.patch"); ok {
		t.Error("a Gaussian has patches")
	}
	if v, ok := p.Get("model.width"); !ok || v != 64 {
		t.Errorf("the width of the other is %v", v)
	}
	if g.Settings.Params.Family().Name() != "gaussian" || g.Settings.Params.Seed() != 1 || e.Cells[1].Settings.Params.Seed() != 2 ||
		g.Settings.Params.Shape() != (models.Shape{Size: 28, Channels: 1, Classes: 10}) {
		t.Errorf("%+v", g.Settings.Params)
	}
	var got []string
	for _, w := range e.Warnings {
		got = append(got, w.String())
	}
	if d := cmp.Diff([]string{
		"e.toml:8:1: sweep: the family gaussian has no model.patch: 2 points differ from others in nothing else, and are their cells",
		"e.toml:8:1: sweep: the family pra has no model.shrinkage: 2 points differ from others in nothing else, and are their cells",
	}, got); d != "" {
		t.Error(d)
	}
	for only, n := range map[string]int{"model.family=gaussian": 4, "model.patch=4": 2, "patch=7,seed=1": 1, "model.shrinkage=0.5": 2} {
		if chosen, err := e.Choose(only); err != nil || len(chosen.Cells) != n {
			t.Errorf("--only %s: %v", only, err)
		}
	}
	if _, err := e.Choose("model.patch=14"); err == nil || !strings.Contains(err.Error(), "allowed: 4, 7") {
		t.Errorf("a patch that no cell has: %v", err)
	}
	for _, v := range e.Effective() {
		if v.Name == "model.width" && (v.Value != 64 || !reflect.DeepEqual(v.Families, []string{"pra", "jit", "mar", "vq"})) ||
			v.Name == "train.threads" && v.Families != nil {
			t.Errorf("%+v", v)
		}
	}
}

// Naming the family that files have without a word renames nothing, and the cells
// of a sweep over families are those of files of one family.
func TestTheDefaultFamilyRenamesNothing(t *testing.T) {
	plain, named := read(t, "", fake()), read(t, "[model]\nfamily = \"pra\"\n", fake())
	other := read(t, "[model]\nfamily = \"gaussian\"\n", fake())
	swept := read(t, "[sweep]\n\"model.family\" = [\"pra\", \"gaussian\"]\n", fake())
	if plain.Cells[0].ID != named.Cells[0].ID || swept.Cells[0].ID != plain.Cells[0].ID || swept.Cells[1].ID != other.Cells[0].ID ||
		other.Cells[0].ID == plain.Cells[0].ID {
		t.Error("the names of cells depend on how their family is said")
	}
	zip := read(t, `
[[sweep.zip]]
"model.family" = ["gaussian", "pra", "pra"]
"model.patch" = [7, 4, 7]
label = ["floor", "fine", "coarse"]
`, fake())
	if d := cmp.Diff([]string{"floor #1", "fine #1", "coarse #1"}, labels(zip)); d != "" || zip.Cells[0].ID != other.Cells[0].ID {
		t.Errorf("%s; %s", d, zip.Cells[0].ID)
	}
}

func TestKeysOfFamiliesThatAreNotThere(t *testing.T) {
	for _, c := range []struct {
		text string
		set  []string
		want string
	}{
		{"[model]\nshrinkage = 0.2\n", nil, "e.toml:2:1: model.shrinkage: is a key of the family gaussian; the models here are"},
		{"[model]\nfamily = \"gaussian\"\npatch = 4\n", nil, "e.toml:3:1: model.patch: is a key of the families pra, jit, mar, vq; the models"},
		{"[model]\nfamily = \"gaussian\"\n[sweep]\n\"model.patch\" = [4, 7]\n", nil, "e.toml:4:1: model.patch: is a key of the families pra"},
		{"", []string{"model.shrinkage=0.2"}, "--set model.shrinkage=0.2: model.shrinkage: is a key of the family gaussian"},
		{"[model]\nfamily = \"gausian\"\n", nil, `e.toml:2:1: model.family: there is no family "gausian"; allowed: pra, gaussian`},
		{"[sweep]\n\"model.family\" = [\"pra\", \"x\"]\n", nil, `model.family: value 2 of the axis: there is no family "x"`},
		{"[model]\nfamily = \"gaussian\"\nshrinkage = 0\n", nil, "e.toml:3:1: model.shrinkage: must be more than 0"},
		{"[data]\nset = \"images\"\n[sweep]\n\"model.family\" = [\"pra\", \"gaussian\"]\n\"model.patch\" = [8]\n", nil,
			"data.size: a Gaussian over 64×64×3 = 12288 values"},
	} {
		_, err := Parse("e.toml", []byte(c.text), fake(c.set...))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %v: %v", c.text, c.set, err)
		}
	}
}
