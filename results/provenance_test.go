package results

import (
	"testing"

	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
)

func TestProvenance(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7}, 1))
	mustPlan(t, db, testPlan("other", []int{14}, 1))
	first := okAttempt("first", "train-p7s1", record.Train, 1)
	second := okAttempt("second", "train-p7s1", record.Train, 2)
	third := okAttempt("third", "train-p7s1", record.Train, 3)
	third.Outcome, third.Reason, third.Environment.GitRevision = record.Crash, "signal 11", "def456"
	mustIngest(t, db, first, second, third, okAttempt("other", "train-p14s1", record.Train, 4))
	got, err := db.Provenance(background, "t")
	if err != nil {
		t.Fatal(err)
	}
	want := []Provenance{
		{Attempt: "second", Stage: "train-p7s1", Kind: record.Train, Outcome: record.OK, Device: "cpu", Code: "abc123", Environment: xeon.Hash(),
			Started: second.Started, Finished: second.Finished},
		{Attempt: "third", Stage: "train-p7s1", Kind: record.Train, Outcome: record.Crash, Reason: "signal 11", Device: "cpu", Code: "def456",
			Environment: third.Environment.Hash(), Started: third.Started, Finished: third.Finished},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
