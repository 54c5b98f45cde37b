package results

import (
	"slices"
	"testing"

	"prabench/results/record"
)

// Which kinds there are is what plans say, in their order; a kind that no plan
// has named comes last, and a program that knows fewer takes none away.
func TestKindsAreWhatPlansName(t *testing.T) {
	db := openTemp(t)
	names := func() (all []string) {
		list, err := listKinds(background, db.read)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range list {
			if k.Own != (k.Name == "time" || k.Name == "race") {
				t.Errorf("%+v", k)
			}
			all = append(all, k.Name)
		}
		return all
	}
	old := []string{"reference", "train", "sample", "score", "probe", "exposure", "seam", "nearest", "time"}
	if got := names(); !slices.Equal(got, old) {
		t.Fatalf("a new database knows %q", got)
	}
	plan := testPlan("t", []int{7}, 1)
	mustPlan(t, db, plan)
	if got := names(); !slices.Equal(got, old) {
		t.Errorf("a plan that names none: %q", got)
	}
	plan.Kinds = []PlanKind{{"tokens", false}, {"train", false}, {"sample", false}, {"time", true}, {"race", true}}
	mustPlan(t, db, plan) // the same plan, of a program with other kinds
	want := []string{"tokens", "train", "sample", "time", "race", "reference", "score", "probe", "exposure", "seam", "nearest"}
	if got := names(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	plan.Kinds = []PlanKind{{"train", false}, {"time", true}}
	mustPlan(t, db, plan)
	if got := names(); !slices.Equal(got, want) {
		t.Errorf("a program with fewer kinds: %q, want %q", got, want)
	}
	ks, err := loadKinds(background, db.read)
	if err != nil {
		t.Fatal(err)
	}
	if !(ks.compare("tokens", "train") < 0 && ks.compare("nobody", "nearest") > 0 && ks.compare("time", "nobody") < 0 &&
		ks.compare("nobody", "noone") == 0) {
		t.Error("the order is not that of the chain")
	}
	plan.Kinds = []PlanKind{{"two words", false}}
	if err := db.RecordPlan(background, plan); err == nil {
		t.Error("a kind of two words is recorded")
	}
}

// Every answer has stages in the order of the chain, as the plans named it.
func TestAnswersFollowTheOrderOfKinds(t *testing.T) {
	db := openTemp(t)
	plan := testPlan("t", []int{7}, 1)
	plan.Kinds = []PlanKind{{"time", true}, {"score", false}, {"train", false}, {"reference", false}}
	mustPlan(t, db, plan)
	value := record.Value{Metric: "x", Unit: "1", Value: 1}
	mustIngest(t, db, okAttempt("a", "train-p7s1", "train", 1, value), okAttempt("b", "ref", "reference", 2, value),
		okAttempt("c", "time-p7s1", "time", 3, value), okAttempt("d", "score-p7s1", "score", 4, value),
		okAttempt("e", "sample-p7s1", "sample", 5, value))
	want := []string{"time", "score", "train", "reference", "sample"}
	check := func(what string, got []string, err error) {
		t.Helper()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q (%v), want %q", what, got, err, want)
		}
	}
	rows, err := db.Results(background, Filter{})
	check("results", kindsOf(rows, func(r Row) string { return r.Kind }), err)
	stages, err := db.Stages(background, "t")
	check("stages", kindsOf(stages, func(s StageState) string { return s.Kind }), err)
	chain, err := db.CellStages(background, "")
	check("stages of cells", kindsOf(chain, func(s CellStage) string { return s.Kind }), err)
	behind, err := db.Behind(background, "t")
	check("what stands behind", kindsOf(behind, func(b Behind) string { return b.Kind }), err)
}

func kindsOf[T any](all []T, kind func(T) string) (out []string) {
	for _, x := range all {
		out = append(out, kind(x))
	}
	return out
}
