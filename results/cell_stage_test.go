package results

import (
	"testing"

	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
)

func TestCellStages(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7, 14}, 1))
	crash := okAttempt("c", "train-p14s1", record.Train, 5)
	crash.Outcome, crash.Reason = record.Crash, "signal 11"
	mustIngest(t, db, okAttempt("a", "train-p7s1", record.Train, 1), crash)
	got, err := db.CellStages(background, "")
	if err != nil {
		t.Fatal(err)
	}
	var want []CellStage
	for _, id := range []string{"p7s1", "p14s1"} {
		for _, kind := range []string{record.Reference, record.Train, record.Draw, record.Score, record.Time} {
			s := CellStage{Experiment: "t", Cell: id, Kind: kind, Key: kind + "-" + id, Outcome: record.Pending}
			if kind == record.Reference {
				s.Key = "ref"
			}
			want = append(want, s)
		}
	}
	want[1].Outcome, want[6].Outcome = record.OK, record.Crash
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
