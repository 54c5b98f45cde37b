package results

import (
	"testing"

	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
)

// TestBehind: the attempt that counts of each stage, shared ones once a cell,
// failed and missing ones not at all.
func TestBehind(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7, 14}, 1))
	early, late := okAttempt("a1", "train-p7s1", record.Train, 1), okAttempt("a2", "train-p7s1", record.Train, 2)
	late.Environment.GitRevision, late.Environment.GitDirty = "def456", true
	crash := okAttempt("c", "train-p14s1", record.Train, 5)
	crash.Outcome, crash.Reason = record.Crash, "signal 11"
	mustIngest(t, db, early, late, crash, okAttempt("r", "ref", record.Reference, 0))
	got, err := db.Behind(background, "t")
	if err != nil {
		t.Fatal(err)
	}
	old, now := xeon.Hash(), late.Environment.Hash()
	ref := Behind{Cell: "p7s1", Label: "p=7", Seed: 1, Kind: record.Reference, Stage: "ref", Attempt: "r", Device: "cpu",
		DeviceClass: "cpu Xeon", Code: "abc123", Environment: old}
	train := ref
	train.Kind, train.Stage, train.Attempt, train.Code, train.Environment = record.Train, "train-p7s1", "a2", "def456+dirty", now
	other := ref
	other.Cell, other.Label = "p14s1", "p=14"
	if diff := cmp.Diff([]Behind{ref, train, other}, got); diff != "" {
		t.Error(diff)
	}
	es, err := db.Environments(background, "t")
	if err != nil || len(es) != 2 {
		t.Fatalf("%+v, %v", es, err)
	}
	for _, e := range es {
		if e.ID != e.Hash() || e.CPU != "Xeon" {
			t.Errorf("%+v", e)
		}
	}
	if none, err := db.Behind(background, "nothing"); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
