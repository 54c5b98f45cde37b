package results

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
)

// refs are the versions that are kept, with a star at the one that is shown.
func refs(t testing.TB, db *DB) string {
	t.Helper()
	all, err := db.Versions(background, "", false)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range all {
		ref := v.Ref()
		if v.Shown {
			ref += "*"
		}
		out = append(out, ref)
	}
	return strings.Join(out, " ")
}

func cellsOf(t testing.TB, db *DB, ref string) string {
	t.Helper()
	cells, err := db.Cells(background, ref)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range cells {
		out = append(out, c.Cell)
	}
	return strings.Join(out, " ")
}

// Whatever is planned under a name, in whatever order, what was planned before
// keeps its cells and its stages.
func TestVersionsStandSideBySide(t *testing.T) {
	db := openTemp(t)
	whole := testPlan("t", []int{4, 7}, 1)
	narrow := testPlan("t", []int{7}, 1)
	narrow.Narrowed = "--set model.patch=7"
	other := testPlan("t", []int{7}, 1) // the same cell, from other data
	for i, s := range other.Stages {
		other.Stages[i].Key = "new-" + s.Key
		for k, in := range s.Inputs {
			other.Stages[i].Inputs[k] = "new-" + in
		}
	}
	for kind, key := range other.Cells[0].Stages {
		other.Cells[0].Stages[kind] = "new-" + key
	}
	renamed := testPlan("t", []int{4, 7}, 1)
	renamed.Description, renamed.Cells[0].Label = "better said", "p = 4"
	mustIngest(t, db, okAttempt("a", "score-p4s1", record.Score, 1, record.Value{Metric: "kid", Unit: "1", Value: 1}))
	for i, step := range []struct {
		plan                Plan
		refs, views, second string
	}{
		{narrow, "t@1*", "p7s1", ""}, // shown while there is no other
		{whole, "t@1 t@2*", "p4s1 p7s1", "p4s1 p7s1"},
		{narrow, "t@1 t@2*", "p4s1 p7s1", "p4s1 p7s1"}, // again: no new version, and not shown
		{other, "t@1 t@2 t@3*", "p7s1", "p4s1 p7s1"},
		{renamed, "t@1 t@2* t@3", "p4s1 p7s1", "p4s1 p7s1"}, // version 2 again, in other words
	} {
		mustPlan(t, db, step.plan)
		if got := refs(t, db); got != step.refs {
			t.Errorf("step %d: versions %s, want %s", i, got, step.refs)
		}
		if got := cellsOf(t, db, "t"); got != step.views {
			t.Errorf("step %d: shown are %s, want %s", i, got, step.views)
		}
		if got := cellsOf(t, db, "t@1"); got != "p7s1" {
			t.Errorf("step %d: t@1 has %s", i, got)
		}
		if step.second != "" && cellsOf(t, db, "t@2") != step.second {
			t.Errorf("step %d: t@2 has %s", i, cellsOf(t, db, "t@2"))
		}
		if _, lines := query(t, db, "SELECT cell FROM cells ORDER BY cell"); len(lines) != len(strings.Fields(step.views)) {
			t.Errorf("step %d: the view has %v", i, lines)
		}
	}
	if cells, err := db.Cells(background, "t@2"); err != nil || cells[0].Label != "p = 4" || cells[0].Outcome != record.Pending {
		t.Errorf("%+v %v", cells, err)
	}
	needed, err := db.NeededStages(background)
	if err != nil || len(needed) != 14 || !needed["score-p4s1"] || needed["new-ref"] {
		t.Errorf("%d stages are needed: %v %v", len(needed), needed, err)
	}
	// Every question can be asked of any version.
	for ref, rows := range map[string]int{"t": 1, "t@1": 0, "t@2": 1, "t@3": 0} {
		got, err := db.Results(background, Filter{Experiment: ref})
		if err != nil || len(got) != rows {
			t.Errorf("%s has %d rows, want %d: %v", ref, len(got), rows, err)
		}
		behind, err1 := db.Behind(background, ref)
		past, err2 := db.Provenance(background, ref)
		stages, err3 := db.Stages(background, ref)
		chain, err4 := db.CellStages(background, ref)
		if err := errors.Join(err1, err2, err3, err4); err != nil || len(behind) != rows || len(past) != rows || len(stages) < 5 ||
			len(chain) < 5 {
			t.Errorf("%s: %d %d %d %d %v", ref, len(behind), len(past), len(stages), len(chain), err)
		}
	}
	var unknown *UnknownVersion
	if _, err := db.Cells(background, "t@7"); !errors.As(err, &unknown) || !slices.Equal(unknown.Have, []string{"1", "2", "3"}) {
		t.Errorf("%v", err)
	}
	// The file's own cells find their version.
	for ids, want := range map[string]int{IDs([]string{"p7s1", "p4s1"}): 2, IDs([]string{"p7s1"}): 3, IDs(nil): 0} {
		if v, found, err := db.Matching(background, "t", ids); err != nil || found != (want > 0) || v.Number != want {
			t.Errorf("%v %v %v, want version %d", v, found, err, want)
		}
	}
}

func TestRemovedVersions(t *testing.T) {
	db := openTemp(t)
	whole, narrow := testPlan("t", []int{4, 7}, 1), testPlan("t", []int{7}, 1)
	narrow.Narrowed = "--set model.patch=7"
	mustPlan(t, db, whole)
	mustPlan(t, db, narrow)
	if _, err := db.Tag(background, "t@1", "paper"); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"3", "a@b", "a b"} {
		if _, err := db.Tag(background, "t@1", wrong); err == nil {
			t.Errorf("%q is a tag", wrong)
		}
	}
	if got := cellsOf(t, db, "t@paper"); got != "p4s1 p7s1" {
		t.Errorf("the tag has %s", got)
	}
	if _, err := db.Remove(background, "t@paper"); err != nil {
		t.Fatal(err)
	}
	if got := refs(t, db); got != "t@2*" {
		t.Errorf("left are %s", got)
	}
	needed, err := db.NeededStages(background)
	_, train := needed["train-p7s1"]
	if _, gone := needed["train-p4s1"]; err != nil || !train || gone || len(needed) != 5 {
		t.Errorf("%v %v", needed, err)
	}
	of, err := db.NamedBy(background, []string{"train-p4s1", "train-p7s1", "nobody"})
	if d := cmp.Diff(map[string][]string{"train-p4s1": {"t@1"}, "train-p7s1": {"t@1", "t@2"}}, of); d != "" || err != nil {
		t.Error(d, err)
	}
	mustPlan(t, db, whole) // comes back under its number
	if got := refs(t, db); got != "t@1* t@2" {
		t.Errorf("after another run there are %s", got)
	}
	for _, ref := range []string{"t@1", "t@2"} {
		if _, err := db.Remove(background, ref); err != nil {
			t.Fatal(err)
		}
	}
	if es, err := db.Experiments(background); err != nil || len(es) != 0 {
		t.Errorf("%v %v", es, err)
	}
	var unknown *UnknownVersion
	if _, err := db.Remove(background, "t"); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}

// Rows beside an experiment come along to versions planned later, and stay with
// those that they were with.
func TestBesideComesAlong(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{4, 7}, 1))
	beside := Plan{Experiment: "t", Stages: []PlanStage{{Key: "theirs", Kind: record.Score}}, Cells: []PlanCell{{ID: "outside-1",
		Params: map[string]any{OutsideKey: "x"}, Stages: map[string]string{record.Score: "theirs"}}}}
	if err := db.RecordBeside(background, beside); err != nil {
		t.Fatal(err)
	}
	mustPlan(t, db, testPlan("t", []int{2, 7}, 1))
	narrow := testPlan("t", []int{7}, 1)
	narrow.Narrowed = "--set model.patch=7"
	mustPlan(t, db, narrow)
	mustPlan(t, db, testPlan("t", []int{4, 7}, 1)) // has it already
	for ref, want := range map[string]string{"t@1": "p4s1 p7s1 outside-1", "t@2": "p2s1 p7s1 outside-1", "t@3": "p7s1 outside-1"} {
		if got := cellsOf(t, db, ref); got != want {
			t.Errorf("%s has %s, want %s", ref, got, want)
		}
	}
	if stages, err := db.Stages(background, "t@3"); err != nil || len(stages) != 6 {
		t.Errorf("%v %v", stages, err)
	}
}

// Other images under the same label and seed take the place of those before, and only theirs.
func TestBesideIsReplaced(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{4}, 1))
	put := func(id, label string, seed uint64) {
		t.Helper()
		if err := db.RecordBeside(background, Plan{Experiment: "t", Stages: []PlanStage{{Key: id, Kind: record.Score}}, Cells: []PlanCell{{ID: id,
			Label: label, Seed: seed, Params: map[string]any{OutsideKey: label}, Stages: map[string]string{record.Score: id}}}}); err != nil {
			t.Fatal(err)
		}
	}
	put("outside-1", "x", 1)
	put("outside-2", "x", 2)
	put("outside-3", "y", 1)
	put("outside-4", "x", 1)
	put("outside-4", "x", 1)
	if got := cellsOf(t, db, "t"); got != "p4s1 outside-4 outside-2 outside-3" {
		t.Errorf("the cells are %s", got)
	}
}

// A database of version 5, in which a plan took the cells of the one before it
// along, keeps everything that it has, and shows the same.
func TestVersion5Opens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	writeFixture(t, path, "testdata/version5.sql")
	pool, err := connect(path, 1, "mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	before := &DB{path: path, read: pool}
	views := []string{"SELECT * FROM cells", "SELECT * FROM results ORDER BY cell, metric", "SELECT * FROM estimates ORDER BY cell, metric",
		"SELECT * FROM params ORDER BY cell, key", "SELECT * FROM cell ORDER BY n", "SELECT * FROM cell_stage ORDER BY cell, kind",
		"SELECT n, experiment, description, hash, current FROM plan ORDER BY n"}
	want := map[string][][]string{}
	for _, q := range views {
		if _, want[q] = query(t, before, q); len(want[q]) == 0 {
			t.Errorf("%s: nothing", q)
		}
	}
	before.Close()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range views {
		if _, got := query(t, db, q); cmp.Diff(want[q], got) != "" {
			t.Errorf("%s: %s", q, cmp.Diff(want[q], got))
		}
	}
	if got := refs(t, db); got != "old@1 old@2* other@1*" {
		t.Errorf("versions %s", got)
	}
	if got := cellsOf(t, db, "old@1"); got != "p4s1 p4s2" {
		t.Errorf("the first plan has %s", got)
	}
	if needed, err := db.NeededStages(background); err != nil || len(needed) != 22 || !needed["score-p4s1"] {
		t.Errorf("%d stages: %v %v", len(needed), needed, err)
	}
	// The plan that is there is that version again, and known by its cells then.
	p := testPlan("old", []int{7}, 2)
	p.Description = "said otherwise"
	v, err := db.RecordVersion(background, p)
	if err != nil || v.Number != 2 || !v.Shown || v.IDs == "" || refs(t, db) != "old@1 old@2* other@1*" || v.Cells != 3 {
		t.Errorf("%+v %v, of %s", v, err, refs(t, db))
	}
	mustPlan(t, db, testPlan("old", []int{4, 7}, 2))
	if got := refs(t, db); got != "old@1 old@2 old@3* other@1*" || cellsOf(t, db, "old@2") != "p7s1 p7s2 outside-1" {
		t.Errorf("%s; version 2 has %s", got, cellsOf(t, db, "old@2"))
	}
}
