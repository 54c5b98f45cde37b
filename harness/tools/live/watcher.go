package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/work"
	"prabench/results"
)

// How often is looked at most, so that looking takes no more than a small
// share of one core, and next to nothing while something is timed.
const (
	leastPause  = 900 * time.Millisecond
	timingPause = 10 * time.Second
	mostPause   = time.Minute
	lookShare   = 10 // a look that takes t is followed by a pause of at least lookShare·t
)

// watcher looks at a source for all who watch, once for all of them.
type watcher struct {
	src Source
	now func() time.Time

	mu   sync.Mutex
	view *view
	at   time.Time     // when the view was made
	took time.Duration // to make it

	base     *base
	seen     string // signature of what the base was read from
	baseAt   time.Time
	baseTook time.Duration
	plan     *engine.Plan // of the files as they were when they could be read last
	notes    []string
	planSeen string
	curves   curveCache
	lastLeft forecast
	cluster  cluster
}

func newWatcher(src Source) *watcher {
	return &watcher{src: src, now: time.Now, curves: curveCache{}}
}

// look gives what there is to see, at most leastPause old, or older when
// looking is costly.
func (w *watcher) look(ctx context.Context) *view {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // who asked may leave; the others want the answer
	begin := w.now()
	if w.view != nil && begin.Sub(w.at) < min(mostPause, max(leastPause, lookShare*w.took)) {
		return w.view
	}
	holder := machine.Holder(w.src.Places.LockFile())
	var running []engine.Running
	if holder != "" {
		running = engine.RunningNow(w.src.Places)
	}
	w.refresh(ctx, running)
	w.cluster = w.cluster.ask(ctx, w.src, begin)
	w.view = w.assemble(holder, running)
	w.at = w.now()
	w.took = w.at.Sub(begin)
	return w.view
}

// refresh reads the base again if what it was read from has changed.
func (w *watcher) refresh(ctx context.Context, running []engine.Running) {
	pause := max(leastPause, 2*lookShare*w.baseTook)
	for _, r := range running {
		if r.Kind == work.Timing.Name {
			pause = max(pause, timingPause)
		}
	}
	begin := w.now()
	if w.base != nil && begin.Sub(w.baseAt) < min(mostPause, pause) {
		return
	}
	db := w.src.Places.DB
	seen := signature(begin, append([]string{db, db + "-wal"}, w.src.Files...)...)
	if w.base != nil && seen != "" && seen == w.seen {
		return
	}
	next, err := w.read(ctx, begin)
	switch {
	case err == nil:
		w.base, w.seen = next, seen
	case w.base == nil:
		w.base, w.seen = &base{problems: []string{err.Error()}}, ""
	default: // what was seen last is better than nothing, if it says so
		old := *w.base
		old.problems = []string{err.Error()}
		if !old.read.IsZero() {
			old.problems = append(old.problems, "Shown is what was there at "+old.read.Format(time.TimeOnly)+".")
		}
		w.base, w.seen = &old, ""
	}
	w.baseAt = w.now()
	w.baseTook = w.baseAt.Sub(begin)
}

// read looks at the files and the database.
func (w *watcher) read(ctx context.Context, now time.Time) (*base, error) {
	var problems []string
	if w.src.Load != nil {
		if err := w.load(ctx, now); err != nil {
			problems = append(problems, err.Error())
			if w.plan != nil {
				problems = append(problems, "Shown are the experiments as they were before.")
			}
		}
	}
	db, err := results.OpenReadOnly(w.src.Places.DB)
	if errors.Is(err, results.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
		db, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if db != nil {
		defer db.Close()
	}
	b := &base{read: now, problems: problems, notes: w.notes, values: map[name]map[string]number{}, sorts: map[string]map[name]float64{},
		scores: map[name]map[string]score{}}
	if w.plan != nil {
		err = b.fromPlan(ctx, w.plan, db, w.src.Places)
	} else if db != nil {
		err = b.fromDatabase(ctx, db)
	}
	if err != nil {
		return nil, err
	}
	b.findSamples(w.src.Places.Store())
	b.curves = w.curves.finished(w.src.Places.Store(), b.stages)
	if db != nil {
		err = b.readNumbers(ctx, db, w.src.Places.Artifacts)
	}
	return b, err
}

// load reads the experiment files when they have changed. What a run finds out
// about the data changes the plan too, so the plan is also made again until its
// stages are known.
func (w *watcher) load(ctx context.Context, now time.Time) error {
	seen := signature(now, w.src.Files...)
	if w.plan != nil && seen != "" && seen == w.planSeen && known(w.plan) {
		return nil
	}
	plan, notes, err := w.src.Load(ctx)
	if err != nil {
		return fmt.Errorf("the experiment files cannot be used: %w", err)
	}
	w.plan, w.notes, w.planSeen = plan, notes, seen
	return nil
}

func known(p *engine.Plan) bool {
	for _, it := range p.Items {
		if !it.Known {
			return false
		}
	}
	return true
}
