package results

import (
	"testing"

	"prabench/results/record"
)

// Every attempt that ended well counts, with the revision it was made by, in
// the order of time.
func TestHistoryHasEveryAttempt(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("e", []int{4, 7}, 1))
	speed := func(id, cell, code string, minutes int, v float64) record.Attempt {
		a := okAttempt(id, "time-"+cell, record.Time, minutes, record.Value{Metric: "throughput", Unit: "images/s", Value: v, N: 5},
			record.Value{Metric: "latency", Unit: "s", Value: 1 / v, N: 5})
		a.Environment.GitRevision = code
		return a
	}
	bad := speed("a4", "p4s1", "r3", 50, 1)
	bad.Outcome, bad.Reason, bad.Values = record.Crash, "x", nil
	mustIngest(t, db, speed("a2", "p4s1", "r2", 20, 90), speed("a1", "p4s1", "r1", 10, 100), bad, speed("a3", "p7s1", "r2", 30, 50),
		okAttempt("s", "score-p4s1", record.Score, 5, record.Value{Metric: "throughput", Unit: "1", Value: 1}))
	got, err := db.History(background, "e", []string{"throughput"})
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, p := range got {
		text = append(text, p.Cell+" "+p.Code+" "+p.Metric+" "+p.Attempt)
	}
	want := []string{"p4s1 r1 throughput a1", "p4s1 r2 throughput a2", "p7s1 r2 throughput a3"}
	if len(text) != len(want) {
		t.Fatalf("%q", text)
	}
	for i := range want {
		if text[i] != want[i] {
			t.Errorf("%q, want %q", text[i], want[i])
		}
	}
	if p := got[0]; p.Value != 100 || p.Label != "p=4" || p.Unit != "images/s" || p.DeviceClass != "cpu Xeon" ||
		!p.Finished.Before(got[1].Finished) {
		t.Errorf("%+v", p)
	}
	if all, err := db.History(background, "e", nil); err != nil || len(all) != 6 {
		t.Errorf("%d values, %v", len(all), err)
	}
}
