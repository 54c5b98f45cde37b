package experiments

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/plots/figure"
)

func TestEveryKeyIsDocumented(t *testing.T) {
	keys := Keys()
	for _, k := range keys {
		if k.Doc == "" || k.Type == "" || k.Default == nil {
			t.Errorf("%+v: a key needs a text, a type and a default", k)
		}
	}
	for _, name := range quantity.KeyNames() {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name }) {
			t.Errorf("the catalogue has %s, which is no key", name)
		}
	}
}

// TestDefaultsAreValid also holds that a default converts to itself.
func TestDefaultsAreValid(t *testing.T) {
	s := Defaults()
	if bad := resolve(&s, &describing{ask: fakeData, known: map[Data]described{}}, nil); bad != nil {
		t.Errorf("%+v", bad)
	}
	for _, f := range fields {
		raw := f.Default
		switch v := raw.(type) {
		case int:
			raw = int64(v)
		case uint64:
			raw = int64(v)
		}
		v, err := f.convert(raw)
		if err != nil || v.plain != f.Default {
			t.Errorf("%s: %v becomes %v, %v", f.Name, f.Default, v.plain, err)
		}
	}
}

// The default of a key for a family is that of the family's own parameters.
func TestDefaultsOfFamilies(t *testing.T) {
	keys := map[string]Key{}
	for _, k := range Keys() {
		keys[k.Name] = k
	}
	for _, family := range models.Families() {
		own := reflect.ValueOf(family.Defaults())
		for _, f := range models.Fields(family) {
			k := keys[f.Key()]
			got, differs := k.Defaults[family.Name()]
			if !differs {
				got = k.Default
			}
			if want := plain(own.FieldByIndex(f.Index)); got != want {
				t.Errorf("%s of %s is %v by default, listed as %v", f.Key(), family.Name(), want, got)
			}
		}
	}
	for key, want := range map[string]string{"sample.flow_steps": "10; jit: 20", "model.depth": "3; jit, vq: 4", "train.steps": "1500",
		"sample.count": fmt.Sprint(Defaults().Sample.Count)} {
		k := keys[key]
		if got := k.DefaultText(func(v any) string { return fmt.Sprint(v) }); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// The keys of a file have the defaults of the families that it names.
func TestKeysOfAFile(t *testing.T) {
	for _, c := range []struct {
		text        string
		value, want any
		defaults    map[string]any
	}{
		{"", 10, 10, nil},
		{"[model]\nfamily = \"jit\"\n", 20, 20, nil},
		{"[model]\nfamily = \"jit\"\n[sample]\nflow_steps = 7\n", 7, 20, nil},
		{"[sweep]\n\"model.family\" = [\"jit\"]\n", 20, 20, nil},
		{"[sweep]\n\"model.family\" = [\"jit\", \"mar\"]\n", 20, 20, map[string]any{"jit": 20, "mar": 10}},
		{"[model]\nfamily = \"gaussian\"\n", 10, 10, map[string]any{"pra": 10, "jit": 20, "mar": 10}},
	} {
		e := read(t, c.text, fake())
		if len(e.Keys()) != len(Keys()) {
			t.Errorf("%q: %d keys of %d", c.text, len(e.Keys()), len(Keys()))
		}
		for _, k := range e.Keys() {
			if k.Name != "sample.flow_steps" {
				continue
			}
			if d := cmp.Diff(c.defaults, k.Defaults); d != "" || k.Value != c.value || k.Default != c.want {
				t.Errorf("%q: the value %v and the default %v, want %v and %v %s", c.text, k.Value, k.Default, c.value, c.want, d)
			}
		}
	}
}

func TestEffective(t *testing.T) {
	e := read(t, "repeats = 2\n[model]\npatch = 4\n[sweep]\n\"model.width\" = [64, 96]\n", fake("train.lr=0.5"))
	got := map[string]Effective{}
	for _, v := range e.Effective() {
		got[v.Name] = v
	}
	if len(got) != len(Keys()) {
		t.Errorf("%d keys of %d", len(got), len(Keys()))
	}
	for key, want := range map[string]struct {
		value  any
		swept  bool
		source string
	}{
		"repeats": {2, false, "e.toml:1:1"}, "model.patch": {4, false, "e.toml:3:1"}, "model.width": {[]any{64, 96}, true, "e.toml:5:1"},
		"train.lr": {0.5, false, "--set train.lr=0.5"}, "train.steps": {1500, false, ""}, "measure.timeout": {"2h", false, ""},
		"seed": {uint64(1), false, ""},
	} {
		v := got[key]
		if d := cmp.Diff(want.value, v.Value); d != "" || v.Swept != want.swept || v.Source != want.source {
			t.Errorf("%s: %+v %s", key, v, d)
		}
	}
}

func TestFigures(t *testing.T) {
	e := read(t, `
[sweep]
"model.patch" = [4, 7]
[[figure]]
kind = "pareto"
[[figure]]
kind = "line"
name = "fd"
x = "rollout_depth"
series = "state"
where = { patch = [4, 7], model.block = 1 }
log_y = true
[[figure]]
kind = "table"
rows = "label"
columns = ["fid_proxy", "throughput"]
[[figure]]
kind = "grid"
rows = 5
columns = 8
[[figure]]
kind = "heatmap"
x = "patch"
y = "block"
where = { patch = 14 }
`, fake())
	yes := true
	want := []figure.Figure{
		{Name: "pareto1", Kind: "pareto", X: "throughput", Y: "fid_proxy", Source: "e.toml:4:1"},
		{Name: "fd", Kind: "line", X: "train.rollout_depth", Y: "fid_proxy", Series: "model.state", LogY: &yes,
			Where: map[string]any{"model.patch": []any{4, 7}, "model.block": 1}, Source: "e.toml:6:1"},
		{Name: "table3", Kind: "table", Rows: []string{"label"}, Columns: []string{"fid_proxy", "throughput"}, Source: "e.toml:13:1"},
		{Name: "grid4", Kind: "grid", GridRows: 5, GridCols: 8, Source: "e.toml:17:1"},
		{Name: "heatmap5", Kind: "heatmap", X: "model.patch", Y: "model.block", Value: "fid_proxy", Where: map[string]any{"model.patch": 14},
			Source: "e.toml:21:1"},
	}
	if d := cmp.Diff(want, e.Figures); d != "" {
		t.Error(d)
	}
	for _, c := range []struct{ name, key, want string }{
		{"heatmap5", "where", "e.toml:25:1"}, {"heatmap5", "y", "e.toml:24:1"}, {"fd", "series", "e.toml:10:1"},
		{"fd", "facet", ""}, {"none", "x", ""},
	} {
		if got := e.FigureAt(c.name, c.key); got != c.want {
			t.Errorf("%s of %s stands at %q, want %q", c.key, c.name, got, c.want)
		}
	}
}

// Of a list of axes each name is resolved, and two is the least.
func TestAxesOfAParallelFigure(t *testing.T) {
	const text = `name = "e"
[[figure]]
kind = "parallel"
axes = %s
value = "kid"
`
	e := read(t, fmt.Sprintf(text, `["patch", "rollout_depth", "throughput"]`), fake())
	if got := strings.Join(e.Figures[0].Axes, " "); got != "model.patch train.rollout_depth throughput" || e.Figures[0].Value != "kid" {
		t.Errorf("%+v", e.Figures[0])
	}
	for axes, want := range map[string]string{
		`["patch"]`: "names 1; a figure of kind parallel needs at least 2", `["patch", "patch"]`: "model.patch is named twice",
		`["patch", "spede"]`: `there is no "spede" to show`,
	} {
		if _, err := Parse("e.toml", []byte(fmt.Sprintf(text, axes)), fake()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", axes, err, want)
		}
	}
}
