package engine

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"prabench/harness/worker"
)

// Who looks at a run from outside sees the loss so far and its forecast.
func TestMarkKeepsCurve(t *testing.T) {
	p := Places{Artifacts: t.TempDir()}
	if err := os.MkdirAll(p.running(), 0o755); err != nil {
		t.Fatal(err)
	}
	m := &mark{filepath.Join(p.running(), "a.json"), Running{Attempt: "a", Kind: "train"}, func() time.Duration { return time.Minute }}
	first, second := 0.5, 0.25
	m.update(worker.Progress{Done: 1, Total: 3, What: "training", Loss: &first})
	m.update(worker.Progress{Done: 2, Total: 3, What: "training", Loss: &second})
	m.update(worker.Progress{Done: 1, Total: 2, What: "saving"})
	got := RunningNow(p)
	if len(got) != 1 || got[0].Left != time.Minute || got[0].Progress.What != "saving" {
		t.Fatalf("%+v", got)
	}
	if c := got[0].Curve; len(c) != 2 || c[0] != (LossPoint{1, 0.5}) || c[1] != (LossPoint{2, 0.25}) {
		t.Errorf("curve %v", c)
	}
	m.remove()
	if left := RunningNow(p); len(left) != 0 {
		t.Errorf("%+v after the end", left)
	}
}
