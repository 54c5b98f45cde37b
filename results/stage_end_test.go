package results

import (
	"testing"
	"time"

	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
)

// A stage's end is that of StageDone, else of LatestAttempt.
func TestStageEnds(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7, 14}, 1))
	crash := okAttempt("later", "train-p7s1", record.Train, 5)
	crash.Outcome, crash.Reason, crash.Log = record.Crash, "signal 11", "a log"
	alone := crash
	alone.ID, alone.Stage = "alone", "train-p14s1"
	mustIngest(t, db, okAttempt("a", "train-p7s1", record.Train, 1), okAttempt("b", "train-p7s1", record.Train, 3), crash, alone,
		okAttempt("r", "ref", record.Reference, 0))
	keys := []string{"ref", "train-p7s1", "train-p14s1", "sample-p7s1", "nowhere", `"]'`}
	got, err := db.StageEnds(background, keys)
	if err != nil {
		t.Fatal(err)
	}
	ended := func(minute int) time.Time { return okAttempt("", "", record.Train, minute).Finished.UTC() }
	want := map[string]StageEnd{
		"ref":         {Attempt: "r", Outcome: record.OK, Took: time.Minute, Finished: ended(0)},
		"train-p7s1":  {Attempt: "b", Outcome: record.OK, Took: time.Minute, Finished: ended(3)},
		"train-p14s1": {Attempt: "alone", Outcome: record.Crash, Reason: "signal 11", Log: "a log", Took: time.Minute, Finished: ended(5)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if none, err := db.StageEnds(background, nil); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}

// A stage's value is that of its newest attempt that ended well.
func TestStageValues(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7, 14}, 1))
	rise := func(v float64) record.Value { return record.Value{Metric: "loss_rise", Unit: "1", Value: v, N: 10} }
	loss := record.Value{Metric: "train_loss", Unit: "1", Value: 9, N: 10}
	crash := okAttempt("later", "train-p7s1", record.Train, 5)
	crash.Outcome, crash.Reason = record.Crash, "signal 11"
	mustIngest(t, db, okAttempt("a", "train-p7s1", record.Train, 1, rise(3), loss),
		okAttempt("b", "train-p7s1", record.Train, 3, rise(1.5), loss),
		crash, okAttempt("c", "train-p14s1", record.Train, 1, loss))
	got, err := db.StageValues(background, "loss_rise", []string{"train-p7s1", "train-p14s1", "nowhere", `"]'`})
	if diff := cmp.Diff(map[string]float64{"train-p7s1": 1.5}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if none, err := db.StageValues(background, "loss_rise", nil); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
