package live

import (
	"context"
	"time"

	chain "prabench/harness/stage"
)

// clusterPause is the least time between two questions to a cluster, which
// others ask too.
const clusterPause = 15 * time.Second

// cluster is what a cluster said last.
type cluster struct {
	queue Queue
	note  string // why nothing is known
	asked time.Time
}

// ask asks the cluster about what is to do, if it is time to.
func (c cluster) ask(ctx context.Context, src Source, now time.Time) cluster {
	if src.Cluster == nil || now.Sub(c.asked) < clusterPause && !c.asked.IsZero() {
		return c
	}
	next := cluster{asked: now}
	var err error
	if next.queue, err = src.Cluster(ctx); err != nil {
		next.queue, next.note = nil, "What the cluster does is not known: "+err.Error()
	}
	return next
}

// sent is how many stages the cluster has.
func (b *base) sent(q Queue) (n int) {
	if q == nil {
		return 0
	}
	for _, s := range b.stages {
		if s.state != toDo {
			continue
		}
		if _, state, _, sent := q.Tell(s.key); sent && state != toDo {
			n++
		}
	}
	return n
}

// tellCells tells in the states of cells that are to do what a cluster does
// about their stages.
func (b *base) tellCells(cells []cell, q Queue) {
	if q == nil {
		return
	}
	for i := range cells {
		c := &cells[i]
		if c.State != toDo && c.State != queued && c.State != stale {
			continue
		}
		keys := b.keys[name{c.Experiment, c.Cell}]
		best := 0
		for _, kind := range chain.Names() {
			at, known := b.stageOf[keys[kind]]
			if !known || b.stages[at].state != toDo {
				continue
			}
			if rank, state, why, sent := q.Tell(keys[kind]); sent && rank > best {
				best, c.State, c.Stage, c.Reason = rank, state, kind, why
			}
		}
	}
}
