package results

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCellStages(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7, 14}, 1))
	crash := okAttempt("c", "train-p14s1", Train, 5)
	crash.Outcome, crash.Reason = Crash, "signal 11"
	mustIngest(t, db, okAttempt("a", "train-p7s1", Train, 1), crash)
	got, err := db.CellStages(background)
	if err != nil {
		t.Fatal(err)
	}
	var want []CellStage
	for _, id := range []string{"p7s1", "p14s1"} {
		for _, kind := range []string{Reference, Train, Draw, Score, Time} {
			s := CellStage{Experiment: "t", Cell: id, Kind: kind, Key: kind + "-" + id, Outcome: Pending}
			if kind == Reference {
				s.Key = "ref"
			}
			want = append(want, s)
		}
	}
	want[1].Outcome, want[6].Outcome = OK, Crash
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
