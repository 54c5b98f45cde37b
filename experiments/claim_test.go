package experiments

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestClaims(t *testing.T) {
	e, err := Parse("x.toml", []byte(`
[sweep]
"model.patch" = [4, 7]
[[sweep.zip]]
label = ["clean", "PRA"]
"model.state" = [0, 12]
"train.rollout_depth" = [0, 1]
[[figure]]
kind = "bars"
name = "quality"
width = 3.25
[[claim]]
text = "PRA beats clean inputs"
metric = "fid_proxy"
of = { label = "PRA" }
over = { label = "clean" }
figure = "quality"
[[claim]]
text = "patches differ"
metric = "throughput"
expect = "higher"
of = { patch = 7, "train.rollout_depth" = [0, 1] }
over = { patch = 4 }
`), fake())
	if err != nil {
		t.Fatal(err)
	}
	want := []Claim{
		{Text: "PRA beats clean inputs", Metric: "fid_proxy", Of: map[string]any{"label": "PRA"}, Over: map[string]any{"label": "clean"},
			Expect: "better", Figure: "quality"},
		{Text: "patches differ", Metric: "throughput", Of: map[string]any{"model.patch": 7, "train.rollout_depth": []any{0, 1}},
			Over: map[string]any{"model.patch": 4}, Expect: "higher"},
	}
	if d := cmp.Diff(want, e.Claims, cmpopts.IgnoreFields(Claim{}, "Source")); d != "" {
		t.Error(d)
	}
	if e.Figures[0].Width != 3.25 {
		t.Errorf("width %v", e.Figures[0].Width)
	}
	if !strings.HasPrefix(e.Claims[1].Source, "x.toml:18:") {
		t.Errorf("the second claim is at %s", e.Claims[1].Source)
	}
}

// Of a metric that has no better end a claim says which it expects, and a value may be written in
// another way than where it is swept.
func TestClaimsOfOtherWords(t *testing.T) {
	const text = `
[model]
patch = 7
[sweep]
"sample.rollout_depth" = [0, "exact"]
"train.rollout_depth" = [0, 16]
[[figure]]
kind = "table"
where = { "sample.rollout_depth" = 16, "train.rollout_depth" = "exact" }
[[claim]]
text = "the same"
metric = "seam_index"
expect = "lower"
of = { "sample.rollout_depth" = 16, "train.rollout_depth" = "exact" }
over = { "sample.rollout_depth" = 0, "train.rollout_depth" = "exact" }
`
	e := read(t, text, fake())
	depths := map[string]any{"sample.rollout_depth": []any{16, "exact"}, "train.rollout_depth": []any{"exact", 16}}
	if d := cmp.Diff([]map[string]any{depths, depths}, []map[string]any{e.Claims[0].Of, e.Figures[0].Where}); d != "" {
		t.Error(d)
	}
	_, err := Parse("x.toml", []byte(strings.Replace(text, "expect = \"lower\"\n", "", 1)), fake())
	if err == nil || !strings.Contains(err.Error(), "of seam_index neither more nor less is better; allowed here: lower, higher") {
		t.Error(err)
	}
}

// TestPaperFiles holds that what is built in is what lies in the folder.
func TestPaperFiles(t *testing.T) {
	files, _ := filepath.Glob("paper/*.toml")
	var names []string
	for _, f := range PaperFiles() {
		names = append(names, strings.TrimPrefix(f.Path, "experiments/"))
		if _, err := Parse(f.Path, f.Source, Options{}); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff(files, names, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}
