package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"time"

	"prabench/experiments"
	"prabench/harness/machine"
	"prabench/harness/work"
	"prabench/metrics/quantity"
	"prabench/results"
	"prabench/results/record"
	"prabench/results/view"
)

// DoLoaded does what is missing of experiment files: those without a [search] together,
// the others one after another, each by successive halving (Jamieson and Talwalkar
// 2016) over the stops of its trainings. Every decision is read from the database, so
// a search that is ended anywhere goes on and decides the same.
func (r *Run) DoLoaded(ctx context.Context, ls ...Loaded) (Summary, error) {
	var plain []*Experiment
	var searches []Loaded
	for _, l := range ls {
		if l.Searches() {
			searches = append(searches, l)
		} else {
			plain = append(plain, l.Exp)
		}
	}
	var sum Summary
	if len(plain) > 0 || len(searches) == 0 {
		var err error
		if sum, err = r.Do(ctx, plain...); err != nil || sum.Stopped {
			return sum, err
		}
	}
	for _, l := range searches {
		s := search{Run: *r, Loaded: l, metric: quantity.Find(l.File.Base.Search.Metric)}
		did, err := s.do(ctx)
		if sum.add(did); err != nil || sum.Stopped {
			return sum, err
		}
	}
	return sum, nil
}

// contestant is the cells of one setting, of all seeds and stops.
type contestant struct {
	name  string
	cells []*Cell
	score float64 // at the latest stop; NaN where a seed has none
	steps int     // trained, of each seed
}

type search struct {
	Run
	Loaded
	metric *quantity.Metric
	points []*contestant // those that are left
	all    []*contestant

	thought bool // nothing is recorded
}

// do runs rung after rung. A stage that failed counts, also of a point that was dropped for it.
func (s *search) do(ctx context.Context) (sum Summary, err error) {
	stops := s.read()
	began := time.Now()
	states := map[string]State{} // of the stages of all rungs
	for i, stop := range stops {
		s.choose(stop)
		did, err := s.Run.Do(ctx, s.Exp)
		for _, p := range did.Plans {
			for _, it := range p.Items {
				if !it.Skip {
					states[it.Key] = it.State
				}
			}
		}
		sum.Plans, sum.Done, sum.Stopped, sum.Took = did.Plans, sum.Done+did.Done, did.Stopped, time.Since(began)
		sum.count(states)
		if err != nil || sum.Stopped {
			return sum, err
		}
		for _, p := range s.points {
			p.steps = stop
		}
		if i == len(stops)-1 || len(s.points) < 2 {
			continue
		}
		if ranked, err := s.drop(ctx, stop, stops[i+1:]); err != nil || !ranked {
			return sum, err
		}
	}
	s.told(stops[len(stops)-1])
	return sum, nil
}

// count sets what follows from the states of all stages.
func (s *Summary) count(states map[string]State) {
	of := map[State]int{}
	for _, state := range states {
		of[state]++
	}
	s.Failed, s.Blocked, s.Kept = of[Failed], of[Blocked], max(0, of[Done]-s.Done)
}

// Searches says whether a file has a [search].
func (l Loaded) Searches() bool { return l.File != nil && l.File.Base.Search.On() }

// NextStop decides of a search whatever results allow that are there, and leaves of the
// cells those up to the first stop at which something is to do, for others to do it; at
// says which, and is "" where the search has ended. Decisions are those of
// [Run.DoLoaded]. Without keep they are only thought: nothing is written.
func (r *Run) NextStop(ctx context.Context, l Loaded, keep bool) (at string, err error) {
	s := search{Run: *r, Loaded: l, metric: quantity.Find(l.File.Base.Search.Metric), thought: !keep}
	if err := s.planned(ctx); err != nil {
		return "", err
	}
	stops := s.read()
	for i, stop := range stops {
		s.choose(stop)
		p, _, err := Inspect(ctx, s.Places, s.Retry, s.Exp)
		if err != nil {
			return "", err
		}
		if n := p.Count(ToDo); n > 0 {
			return fmt.Sprintf("stop %d of %d, after %d steps: %d of %d points, %d stages to do", i+1, len(stops), stop, len(s.points),
				len(s.all), n), nil
		}
		for _, c := range s.points {
			c.steps = stop
		}
		if i == len(stops)-1 || len(s.points) < 2 {
			continue
		}
		if ranked, err := s.drop(ctx, stop, stops[i+1:]); err != nil || !ranked {
			return "", err
		}
	}
	s.told(stops[len(stops)-1])
	return "", nil
}

// planned finds the version of the experiment that has its cells, if one was planned.
func (s *search) planned(ctx context.Context) error {
	db, err := results.OpenReadOnly(s.Places.DB)
	if errors.Is(err, results.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer db.Close()
	_ = s.Exp.CheckPlanned(ctx, db) // what was never planned has everything to do
	return nil
}

// read finds the points and the stops.
func (s *search) read() (stops []int) {
	by := map[string]*contestant{}
	var cells []*Cell
	var params []map[string]any
	for i := range s.Exp.Cells {
		if c := &s.Exp.Cells[i]; !c.Skip {
			cells, params = append(cells, c), append(params, c.Params)
		}
	}
	for i, name := range view.ArmsOf(params) {
		c := cells[i]
		if by[name] == nil {
			by[name] = &contestant{name: name}
			s.points = append(s.points, by[name])
		}
		by[name].cells = append(by[name].cells, c)
		if at := stopOf(c); !slices.Contains(stops, at) {
			stops = append(stops, at)
		}
	}
	s.all = slices.Clone(s.points)
	slices.Sort(stops)
	return stops
}

// stopOf is the number of steps that a cell trains.
func stopOf(c *Cell) int { return c.Settings.StepsTrained() }

// choose lets the points that are left run up to a stop.
func (s *search) choose(stop int) {
	for i := range s.Exp.Cells {
		s.Exp.Cells[i].Skip = true
	}
	for _, p := range s.points {
		for _, c := range p.cells {
			c.Skip = stopOf(c) > stop
		}
	}
}

// drop keeps the best points at a stop and records of the others where they stood. Where no point
// has a score it drops none and says so: the search ends there.
func (s *search) drop(ctx context.Context, stop int, later []int) (ranked bool, err error) {
	if err := s.scores(ctx, stop); err != nil {
		return false, err
	}
	if !slices.ContainsFunc(s.points, func(p *contestant) bool { return !math.IsNaN(p.score) }) {
		s.say("after %d steps no point has a %s: the search ends here", stop, s.metric.Name)
		return false, nil
	}
	better := float64(s.metric.Better)
	slices.SortStableFunc(s.points, func(a, b *contestant) int {
		switch none := math.IsNaN(a.score); {
		case none != math.IsNaN(b.score):
			if none {
				return 1
			}
			return -1
		case none:
			return 0
		}
		return cmp.Compare(b.score*better, a.score*better)
	})
	rule := s.File.Base.Search
	keep := going(rule, len(s.points))
	for i, p := range s.points[keep:] {
		reason := fmt.Sprintf(record.Dropped+": %s %.4g after %d steps is %d of %d, and %d go on", s.metric.Name, p.score, stop, keep+i+1,
			len(s.points), keep)
		if math.IsNaN(p.score) {
			reason = fmt.Sprintf(record.Dropped+": it has no %s after %d steps", s.metric.Name, stop)
		}
		if err := s.record(p, later, reason); err != nil {
			return false, err
		}
	}
	s.say("after %d steps %d of %d points go on, the best at %s %.4g: %s", stop, keep, len(s.points), s.metric.Name, s.points[0].score,
		s.points[0].name)
	s.points = s.points[:keep]
	return true, nil
}

// going is how many of n points go on.
func going(rule experiments.Search, n int) int {
	return min(n, max(rule.Least, int(math.Ceil(rule.Keep*float64(n)-1e-9))))
}

// SearchPlan says how many points a search will leave at each stop and what it will
// train, and "" where there is no search. No score is needed for that.
func (l Loaded) SearchPlan() string {
	if !l.Searches() {
		return ""
	}
	rule := l.File.Base.Search
	s := search{Loaded: l}
	stops := s.read()
	if len(stops) < 2 || len(s.points) < 2 {
		return ""
	}
	left, trained, last := len(s.points), 0, 0
	text := fmt.Sprintf("search by %s: %d points train to %d steps", rule.Metric, left, stops[0])
	for i, stop := range stops {
		trained += left * (stop - last)
		last = stop
		if i < len(stops)-1 && left > 1 {
			left = going(rule, left)
			text += fmt.Sprintf(", %d of them to %d", left, stops[i+1])
		}
	}
	whole := len(s.points) * last
	return text + fmt.Sprintf("; %d of %d steps a seed (%.0f %%)", trained, whole, 100*float64(trained)/float64(max(1, whole)))
}

// scores reads the mean over seeds of each point at a stop.
func (s *search) scores(ctx context.Context, stop int) error {
	db, err := results.OpenReadOnly(s.Places.DB)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Results(ctx, results.Filter{Experiment: s.Exp.Ref(), Metrics: []string{s.metric.Name}})
	if err != nil {
		return err
	}
	of := map[string]float64{}
	for _, r := range rows {
		of[r.Cell] = r.Value
	}
	for _, p := range s.points {
		var sum, n float64
		for _, c := range p.cells {
			if stopOf(c) != stop {
				continue
			}
			if v, ok := of[c.ID]; ok {
				sum += v
			} else {
				sum = math.NaN()
			}
			n++
		}
		p.score = sum / n
	}
	return nil
}

// record leaves in the spool what became of a point's later stops, once.
func (s *search) record(p *contestant, later []int, reason string) error {
	if s.thought {
		return nil
	}
	now := time.Now()
	var dropped []record.Attempt
	var keys []string
	for _, c := range p.cells {
		if !slices.Contains(later, stopOf(c)) {
			continue
		}
		a := record.Attempt{
			ID: record.NewAttemptID(), Stage: c.Chain.Key(work.Train), Kind: work.Train.Name, Cell: c.ID, Outcome: record.Blocked, Reason: reason,
			Device: c.Settings.Measure.Device, Environment: machine.Environment(0), Started: now, Finished: now,
		}
		dropped = append(dropped, a)
		keys = append(keys, a.Stage)
	}
	ends, err := s.ends(keys)
	if err != nil {
		return err
	}
	for _, a := range dropped {
		end, tried := ends[a.Stage]
		if tried && (end.Outcome == record.OK || end.Outcome == a.Outcome && end.Reason == a.Reason) {
			continue // the database has the same of it already, or its result
		}
		if _, err := record.WriteSpool(s.Places.Spool(), a); err != nil {
			return err
		}
	}
	return nil
}

// ends are what the database knows of stages.
func (s *search) ends(keys []string) (map[string]results.StageEnd, error) {
	db, err := results.OpenReadOnly(s.Places.DB)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.StageEnds(context.Background(), keys)
}

// told says what the search spared.
func (s *search) told(end int) {
	var trained, whole int
	for _, p := range s.all {
		trained += p.steps
		whole += end
	}
	s.say("the search trained %d of %d steps a seed (%.0f %%)", trained, whole, 100*float64(trained)/float64(max(1, whole)))
}

func (s *search) say(format string, args ...any) {
	if s.Out != nil {
		fmt.Fprintf(s.Out, "%s: "+format+"\n", append([]any{s.Exp.Name}, args...)...)
	}
}
