package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/models"
	"prabench/models/pra"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEmptyFileIsOneCell(t *testing.T) {
	e := read(t, "", fake())
	if len(e.Cells) != 1 || e.Name != "e" || e.Repeats != 1 || e.Cells[0].Seed != 1 || e.Cells[0].Label != "e" || len(e.Cells[0].Point) != 0 {
		t.Fatalf("%+v", e)
	}
	c := e.Cells[0].Settings
	if c.Data.Size != 28 || c.Data.Channels != 1 || c.Params.Shape() != (models.Shape{Size: 28, Channels: 1, Classes: 10}) ||
		c.Params.Seed() != 1 {
		t.Errorf("the data set's sizes are not filled in: %+v", c)
	}
	if e.Base.Data.Size != 0 {
		t.Errorf("Base has a size that was not written")
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		name, text string
		opts       Options
		want       []string
	}{
		{"first axis slowest, seeds innermost", "seed = 5\nrepeats = 2\n[sweep]\n\"model.patch\" = [7, 4]\n\"model.width\" = [64, 96]\n", fake(),
			[]string{"patch=7 width=64 #5", "patch=7 width=64 #6", "patch=7 width=96 #5", "patch=7 width=96 #6", "patch=4 width=64 #5",
				"patch=4 width=64 #6", "patch=4 width=96 #5", "patch=4 width=96 #6"}},
		{"dotted keys and tables are axes too", "[sweep]\ntrain.lr = [1, 0.5]\n[sweep.model]\n'patch' = [4, 7]\n", fake(),
			[]string{"lr=1 patch=4 #1", "lr=1 patch=7 #1", "lr=0.5 patch=4 #1", "lr=0.5 patch=7 #1"}},
		{"zip is one axis", "[sweep]\n\"model.patch\" = [4, 7]\n[[sweep.zip]]\n\"model.width\" = [64, 96]\n\"train.lr\" = [2e-3, 1]\n", fake(),
			[]string{"patch=4 width=64 lr=0.002 #1", "patch=4 width=96 lr=1 #1", "patch=7 width=64 lr=0.002 #1", "patch=7 width=96 lr=1 #1"}},
		{"an inline zip", "[sweep]\nzip = [{ \"model.width\" = [64, 96], \"train.lr\" = [2e-3, 1] }]\n", fake(),
			[]string{"width=64 lr=0.002 #1", "width=96 lr=1 #1"}},
		{"a zip that names its steps",
			"[[sweep.zip]]\nlabel = [\"pixels\", \"PRA\"]\n\"model.state\" = [0, 12]\n\"train.rollout_depth\" = [0, 1]\n", fake(),
			[]string{"pixels #1", "PRA #1"}},
		{"exclude comes before validation", "[sweep]\n\"model.patch\" = [4, 7, 14]\n\"model.block\" = [1, 2]\n[[sweep.exclude]]\n" +
			"\"model.patch\" = 4\n\"model.block\" = 2\n[[sweep.exclude]]\n\"model.patch\" = [14]\n", fake(),
			[]string{"patch=4 block=1 #1", "patch=7 block=1 #1", "patch=7 block=2 #1"}},
		{"an excluded depth", "[sweep]\n\"train.rollout_depth\" = [0, 1, \"exact\"]\n\"sample.rollout_depth\" = [0, \"exact\"]\n" +
			"[[sweep.exclude]]\n\"train.rollout_depth\" = \"exact\"\n", fake(),
			[]string{"rollout_depth=0 sweeps=0 #1", "rollout_depth=0 sweeps=exact #1",
				"rollout_depth=1 sweeps=0 #1", "rollout_depth=1 sweeps=exact #1"}},
		{"short names that clash are whole", "[sweep]\n\"data.seed\" = [1, 2]\n\"sample.seed\" = [3]\n", fake(),
			[]string{"data.seed=1 sample.seed=3 #1", "data.seed=2 sample.seed=3 #1"}},
		{"--set with a value ends the axis", "[sweep]\n\"model.patch\" = [4, 7]\n\"model.width\" = [64, 96]\n[[sweep.exclude]]\n" +
			"\"model.patch\" = 7\n\"model.width\" = 64\n", fake("model.patch=7"),
			[]string{"width=96 #1"}},
		{"an exclude of another value is void", "[sweep]\n\"model.patch\" = [4, 7]\n\"model.width\" = [64, 96]\n[[sweep.exclude]]\n" +
			"\"model.patch\" = 7\n\"model.width\" = 64\n", fake("model.patch=14"),
			[]string{"width=64 #1", "width=96 #1"}},
		{"--set with a list replaces the axis in place",
			"[sweep]\n\"model.patch\" = [4, 7]\n\"model.width\" = [64, 96]\n[[sweep.exclude]]\n\"model.patch\" = 4\n", fake("model.patch=[14,28]"),
			[]string{"patch=14 width=64 #1", "patch=14 width=96 #1", "patch=28 width=64 #1", "patch=28 width=96 #1"}},
		{"--set sweep.key makes an axis", "[sweep]\n\"model.width\" = [64, 96]\n", fake("sweep.model.patch=[4,7]"),
			[]string{"width=64 patch=4 #1", "width=64 patch=7 #1", "width=96 patch=4 #1", "width=96 patch=7 #1"}},
		{"--set with quotes", "", fake(`sweep."model.order"=["strided"]`), []string{"order=strided #1"}},
		{"--set on a zip leaves the other keys", "[[sweep.zip]]\n\"model.width\" = [64, 96]\n\"train.lr\" = [2e-3, 1]\n", fake("model.width=32"),
			[]string{"lr=0.002 #1", "lr=1 #1"}},
		{"--set on all of a named zip ends it", "[[sweep.zip]]\nlabel = [\"a\", \"b\"]\n\"model.width\" = [64, 96]\n", fake("model.width=32"),
			[]string{"e #1"}},
		{"--set of top keys, bare words and the last one wins", "repeats = 3\nname = \"x\"\n",
			fake("repeats=1", "name=2026", "seed=7", "data.set=shapes", "data.set=fashion-mnist", "measure.timeout=90s"), []string{"2026 #7"}},
		{"--only", "repeats = 2\n[sweep]\n\"model.patch\" = [4, 7]\n\"train.rollout_depth\" = [0, 1, \"exact\"]\n",
			Options{Only: "model.patch=7,train.rollout_depth=1"}, []string{"patch=7 rollout_depth=1 #1", "patch=7 rollout_depth=1 #2"}},
		{"--only with short names, exact and seeds", "repeats = 2\n[sweep]\n\"model.patch\" = [4, 7]\n\"train.rollout_depth\" = [0, 1, " +
			"\"exact\"]\n", Options{Only: "patch=7, rollout_depth=exact, seed=2"}, []string{"patch=7 rollout_depth=exact #2"}},
		{"--only with two values of a key", "[sweep]\n\"model.patch\" = [4, 7, 14]\n", Options{Only: "model.patch=4,model.patch=14"},
			[]string{"patch=4 #1", "patch=14 #1"}},
		{"--only with a label", "[[sweep.zip]]\nlabel = [\"a, b\", \"c\"]\n\"model.width\" = [64, 96]\n", Options{Only: `label="a, b"`},
			[]string{"a, b #1"}},
		{"--only with a label as tables print it", "[sweep]\n\"model.patch\" = [4, 7]\n[[sweep.zip]]\nlabel = [\"a\", \"c\"]\n" +
			"\"model.width\" = [64, 96]\n", Options{Only: `label='patch=4 a'`}, []string{"patch=4 a #1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, labels(read(t, c.text, c.opts))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSettingsOfCells(t *testing.T) {
	e := read(t, `
repeats = 2
[data]
set = "shapes"
[train]
lr = 1
[sample]
rollout_depth = "exact"
[measure]
timeout = "90m"
[sweep]
"model.patch" = [8, 16]
"train.rollout_depth" = [2, "exact"]
`, fake())
	want := map[string][]any{
		"model.patch": {8, 8, 8, 8, 16, 16, 16, 16}, "train.rollout_depth": {2, 2, 16, 16, 2, 2, 4, 4},
		"sample.rollout_depth": {16, 16, 16, 16, 4, 4, 4, 4},
		"train.lr":             {1., 1., 1., 1., 1., 1., 1., 1.},
		"data.size":            {32, 32, 32, 32, 32, 32, 32, 32}, "data.channels": {3, 3, 3, 3, 3, 3, 3, 3},
		"measure.timeout": {"1h30m", "1h30m", "1h30m", "1h30m", "1h30m", "1h30m", "1h30m", "1h30m"},
		"seed":            {uint64(1), uint64(2), uint64(1), uint64(2), uint64(1), uint64(2), uint64(1), uint64(2)},
	}
	for key, values := range want {
		var got []any
		for _, c := range e.Cells {
			v, ok := c.Get(key)
			if !ok {
				t.Fatalf("no %s", key)
			}
			got = append(got, v)
		}
		if d := cmp.Diff(values, got); d != "" {
			t.Errorf("%s: %s", key, d)
		}
	}
	if d := cmp.Diff(map[string]any{"model.patch": 8, "train.rollout_depth": "exact"}, e.Cells[2].Point); d != "" {
		t.Error(d)
	}
	if time.Duration(e.Cells[0].Settings.Measure.Timeout) != 90*time.Minute || e.Cells[1].Settings.Params.(pra.Params).Train.Seed != 2 {
		t.Errorf("%+v", e.Cells[1].Settings)
	}
	if _, ok := e.Cells[0].Settings.Get("model.size"); ok {
		t.Error("Get knows a key that no file has")
	}
}

func TestEqualPointsAreOneCell(t *testing.T) {
	e := read(t, "repeats = 2\n[model]\npatch = 14\nblock = 4\n[sweep]\n\"train.rollout_depth\" = [1, \"exact\", 1]\n\"data.size\" = [0, "+
		"28]\n", fake())
	if d := cmp.Diff([]string{"rollout_depth=1 size=0 #1", "rollout_depth=1 size=0 #2"}, labels(e)); d != "" {
		t.Error(d)
	}
	var got []string
	for _, w := range e.Warnings {
		got = append(got, w.String())
	}
	want := []string{
		`e.toml:7:1: sweep: "rollout_depth=1 size=28" has the same settings as "rollout_depth=1 size=0" and is the same cell`,
		`e.toml:7:1: sweep: "rollout_depth=exact size=0" has the same settings as "rollout_depth=1 size=0" and is the same cell`,
	}
	if d := cmp.Diff(want, got[:2]); d != "" || len(got) != 5 {
		t.Errorf("%d warnings, %s", len(got), d)
	}
}

// TestCellIDs pins the names of cells: a change here renames every cell of
// every database.
func TestCellIDs(t *testing.T) {
	e := read(t, "[data]\nseed = 1\n", fake())
	if got, want := e.Cells[0].ID, "daba0faaab2f"; got != want {
		t.Errorf("the cell of an empty file is %s, was %s", got, want)
	}
	base := e.Cells[0].ID
	id := newIdentity()
	text := string(id.of(&e.Cells[0].Settings)) + `"seed":1}`
	if sum := sha256.Sum256([]byte(text)); !json.Valid([]byte(text)) || hex.EncodeToString(sum[:6]) != base {
		t.Errorf("the name is not the hash of this JSON: %s", text)
	}
	for _, same := range []string{"name = \"other\"\ndescription = \"d\"\n",
		"[data]\nsize = 28\nchannels = 1\nroot = \"/elsewhere\"\nfit = \"\"\n",
		"[measure]\ndevice = \"cuda:0\"\nrounds = 9\nwarmup = 0\ntimeout = \"1h\"\n", "[train]\nclip = 1.0\nrollout_depth = 1\n",
		"[sweep]\n\"model.patch\" = [7]\n"} {
		if id := read(t, same, fake()).Cells[0].ID; id != base {
			t.Errorf("%q renames the cell", same)
		}
	}
	for _, f := range fields {
		if !f.Identity {
			continue
		}
		other := map[string]string{"data.set": "fashion-mnist", "data.size": "56", "data.channels": "3", "data.fit": "pad",
			"model.order": "strided", "model.state_norm": "sphere", "model.target": "v", "model.block": "4",
			"model.patch": "4", "model.heads": "2", "sample.solver": "heun", "sample.weights": "raw", "metrics.embedder": "ternary",
			"metrics.reference": "test", "model.head_modulation": "shared", "model.encoder": "context", "model.decoder": "causal",
			"train.rec_loss": "l1", "model.norm": "rmsnorm", "model.mlp_kind": "swiglu", "model.positions": "rope2d", "model.qk_norm": "rmsnorm",
			"train.state_noise_kind":   "interpolate",
			"sample.guidance_schedule": "linear", "sample.renormalise": "end", "sample.start": "decoder",
			"measure.precision": "bf16", "train.warmup": "0.2", "train.lr": "0.1", "train.weight_decay": "0.3", "train.ema": "0.9",
			"train.beta2": "0.9", "model.code_dim": "8", "train.commitment": "0.5", "train.anchor": "0.25", "train.mix": "0.5",
			"train.class_dropout": "0.2", "train.schedule": "constant", "train.mask_ratio_std": "0.5", "sample.ar_steps": "4"}[f.Name]
		switch {
		case f.Name == models.FamilyKey:
			continue // the next loop
		case other == "" && f.typ.Kind() == reflect.Float64:
			other = "0.25"
		case other == "":
			other = "16"
		}
		family := models.FamilyKey + "=" + models.Default
		if !f.of(models.Default) {
			family = models.FamilyKey + "=" + f.Families[0]
		}
		set := []string{family}
		if strings.HasPrefix(f.Name, "tune.") { // where nothing is chosen they name nothing
			set = append(set, "tune.metric=fid_proxy", "tune.grid=guidance=0,1")
			other = map[string]string{"tune.metric": "kid", "tune.grid": "guidance=0,2", "tune.images": "32", "tune.seed": "16"}[f.Name]
			if id := read(t, "", fake("tune.grid=guidance=0,1", "tune.images=50")).Cells[0].ID; id != read(t, "", fake()).Cells[0].ID {
				t.Error("a grid that nobody chooses from renames the cell")
			}
		}
		base := read(t, "", fake(set...)).Cells[0].ID
		if id := read(t, "", fake(append(set, f.Name+"="+other)...)).Cells[0].ID; id == base {
			t.Errorf("%s = %s does not change the cell's name", f.Name, other)
		}
	}
	of := map[string]string{}
	for _, family := range models.Names() {
		id := read(t, "", fake(models.FamilyKey+"="+family)).Cells[0].ID
		if of[id] != "" || (id == base) != (family == models.Default) {
			t.Errorf("the cell of %s has the name of %q", family, of[id])
		}
		of[id] = family
	}
	if id := read(t, "", fake("seed=2")).Cells[0].ID; id == base {
		t.Error("the seed does not change the cell's name")
	}
	images := read(t, "", fake("data.set=images", "data.root=/a", "model.patch=8")).Cells[0].ID
	if images == read(t, "", fake("data.set=images", "data.root=/b", "model.patch=8")).Cells[0].ID {
		t.Error("two image folders are one cell")
	}
}

// TestOrderOfKeysRenamesNothing writes the same settings in many orders.
func TestOrderOfKeysRenamesNothing(t *testing.T) {
	lines := []string{"data.limit = 100", "model.patch = 4", "model.width = 64", "train.lr = 0.01", "train.steps = 7", "sample.count = 40",
		"measure.batch = 3"}
	want := read(t, strings.Join(lines, "\n"), fake()).Cells[0].ID
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Permutation(lines).Draw(t, "order")
		e, err := Parse("x.toml", []byte(strings.Join(order, "\n")), fake())
		if err != nil {
			t.Fatal(err)
		}
		if e.Cells[0].ID != want {
			t.Fatalf("%s, want %s", e.Cells[0].ID, want)
		}
	})
}

const hundredThousand = `
repeats = 10
[sweep]
"train.lr" = [%s]
"train.anchor" = [%s]
"model.patch" = [4, 7]
`

func manyCells() []byte {
	var lr, anchor []string
	for i := range 100 {
		lr = append(lr, fmt.Sprintf("%g", 1e-4*float64(i+1)))
	}
	for i := range 50 {
		anchor = append(anchor, fmt.Sprintf("%g", float64(i)/50))
	}
	return fmt.Appendf(nil, hundredThousand, strings.Join(lr, ", "), strings.Join(anchor, ", "))
}

func BenchmarkPlan100000(b *testing.B) {
	src := manyCells()
	b.ReportAllocs()
	for b.Loop() {
		e, err := Parse("many.toml", src, fake())
		if err != nil || len(e.Cells) != 100_000 {
			b.Fatal(err)
		}
	}
}

// TestPlanIsCheap holds the memory of a plan of 100,000 cells below 300 MiB;
// its time is the benchmark's.
func TestPlanIsCheap(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	e := read(t, string(manyCells()), fake())
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	all := float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20)
	t.Logf("%d cells: %v, %.0f MiB allocated in all", len(e.Cells), took, all)
	if len(e.Cells) != 100_000 || all > 300 {
		t.Errorf("%d cells took %.0f MiB", len(e.Cells), all)
	}
	ids := make(map[string]bool, len(e.Cells))
	for _, c := range e.Cells {
		ids[c.ID] = true
	}
	if len(ids) != len(e.Cells) {
		t.Errorf("%d names for %d cells", len(ids), len(e.Cells))
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quick.toml")
	if err := os.WriteFile(path, []byte("\ufeff[model]\r\npatch = 4\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e, err := Load(path, Options{}) // asks the real data sets
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != "quick" || e.File != path || len(e.Hash) != 64 || e.Cells[0].Settings.Params.(pra.Params).Model.Size != 28 {
		t.Errorf("%+v", e)
	}
}

// A part of a sweep: the same cells as in the whole one, a larger part contains the
// smaller, and nothing that large sweeps have is held.
func TestSomePoints(t *testing.T) {
	axes := "[sweep]\n\"model.patch\" = [4, 7]\n\"model.width\" = [32, 64, 96, 128]\n\"train.lr\" = [1e-4, 1e-3, 1e-2]\n" +
		"[[sweep.exclude]]\n\"model.patch\" = 4\n\"model.width\" = 128\n"
	ids := func(text string) (list []string, e *Experiment) {
		e = read(t, "repeats = 2\n"+text+axes, fake())
		for _, c := range e.Cells {
			list = append(list, c.ID)
		}
		return list, e
	}
	whole, _ := ids("")
	in := func(part, all []string) {
		t.Helper()
		at := -1
		for _, id := range part {
			k := slices.Index(all, id)
			if k <= at {
				t.Fatalf("%s is no cell of the larger set, or in another place", id)
			}
			at = k
		}
	}
	for _, kind := range []string{"sobol", "random"} {
		var before []string
		for _, n := range []int{1, 5, 12, 20} {
			list, e := ids(fmt.Sprintf("[search]\npoints = %q\ncount = %d\n", kind, n))
			if len(list) != 2*n || e.Part != fmt.Sprintf("%d of 24 points of the sweep: %s, seed 1", n, kind) {
				t.Errorf("%s: %d cells of %d points, %q", kind, len(list), n, e.Part)
			}
			in(list, whole)
			in(before, list)
			before = list
		}
		if list, e := ids(fmt.Sprintf("[search]\npoints = %q\ncount = 40\n", kind)); len(list) != len(whole) ||
			e.Part != "all 21 points of the sweep: search.count is 40" {
			t.Errorf("%s: %d cells, %q", kind, len(list), e.Part)
		}
	}
	a, _ := ids("[search]\npoints = \"sobol\"\ncount = 5\n")
	if b, _ := ids("[search]\npoints = \"sobol\"\ncount = 5\nseed = 2\n"); slices.Equal(a, b) {
		t.Error("another seed takes the same points")
	}
	// 2^40 crossings.
	var huge strings.Builder
	huge.WriteString("[search]\npoints = \"sobol\"\ncount = 30\nmetric = \"fid_proxy\"\n[train]\nevaluate = [10]\n[sweep]\n")
	for i, key := range []string{"train.lr", "train.ema", "train.weight_decay", "train.clip", "train.class_dropout",
		"sample.guidance", "train.mix", "train.anchor"} {
		fmt.Fprintf(&huge, "%q = [", key)
		for k := range 32 {
			fmt.Fprintf(&huge, "%g, ", 0.001*float64(k+1)+0.0001*float64(i))
		}
		huge.WriteString("]\n")
	}
	if e := read(t, huge.String(), fake()); len(e.Cells) != 2*30 || e.Part != "30 of 1099511627776 points of the sweep: sobol, seed 1" {
		t.Errorf("%d cells, %q", len(e.Cells), e.Part)
	}
	for text, want := range map[string]string{
		"[search]\npoints = \"grid\"\ncount = 3\n":   `search.points: "grid" is no way to take points; allowed: all, random, sobol`,
		"[search]\npoints = \"sobol\"\n":             `search.count: must be 1 or more where search.points = "sobol", not 0`,
		"[search]\npoints = \"sobol\"\ncount = -2\n": "search.count: must be 1 or more",
		"[search]\ncount = 3\n":                      `search.count: is for search.points = "random" or "sobol"`,
	} {
		opts := fake()
		opts.Describe = fakeData
		if _, err := Parse("e.toml", []byte(text+axes), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
