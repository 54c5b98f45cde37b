package live

import (
	"context"
	"errors"
	"testing"
	"time"

	"prabench/results/record"
)

// sentStages answers as Slurm would about these stages.
type sentStages map[string][2]string // state and reason, by key

func (q sentStages) Tell(key string) (rank int, state, why string, sent bool) {
	s, sent := q[key]
	return map[string]int{toDo: 1, queued: 2, running: 3}[s[0]], s[0], s[1], sent
}

// The page tells what a cluster does about cells that are to do, says so when it
// does not answer, and does not ask it all the time.
func TestClusterOnPage(t *testing.T) {
	src := place(t)
	fill(t, src, plan("quick", "patch=7"), attempt("r", record.Reference, "a", record.OK, ""))
	queue, asked := sentStages{
		"reference-a": {running, "a stage that is done"},
		"train-a":     {running, "slurm 12_0 on n1, training 3/9"}, "sample-a": {queued, "slurm 13_0 waits: Dependency"},
		"reference-b": {toDo, "slurm 11_1 has ended"}, "train-b": {queued, "slurm 12_1 waits: Priority"},
	}, 0
	var fails error
	src.Cluster = func(context.Context) (Queue, error) {
		asked++
		if fails != nil {
			return nil, fails
		}
		return queue, nil
	}
	s := New(src, Hosts{})
	wants(t, pageOf(t, s, "/"), "slurm 12_0 on n1, training 3/9", "slurm 12_1 waits: Priority", "3 stages are with the cluster",
		"1 running", "1 queued")
	later(s)
	pageOf(t, s, "/")
	if asked != 1 {
		t.Errorf("the cluster was asked %d times in a moment", asked)
	}
	fails = errors.New("squeue: connection refused")
	s.watch.now = func() time.Time { return time.Now().Add(time.Minute) }
	later(s)
	wants(t, pageOf(t, s, "/"), "What the cluster does is not known: squeue: connection refused", "No run goes on")
}
