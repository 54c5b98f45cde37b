package engine

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"prabench/harness/measure"
	"prabench/harness/schedule"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/metrics/quantity"
	"prabench/results/record"
)

// Round measures one round; its raw numbers wait in the rounds folder until
// all rounds of the stage are there. A round that fails is the stage's attempt.
func (l *launcher) Round(ctx context.Context, t schedule.Task, round int) schedule.Outcome {
	if ctx.Err() != nil {
		return stoppedBefore
	}
	it := l.plan.Item(t.ID)
	host() // before anything is timed
	job := l.job(it, round)
	job.Spool = work.RoundsPath(l.places.Artifacts, it.Key)
	a, err := l.attempt(ctx, it, job)
	if err == nil && a.Outcome != record.OK {
		os.Remove(filepath.Join(job.Spool, a.ID+".json"))
		if _, err = record.WriteSpool(l.places.Spool(), a); err == nil {
			err = l.ingest(ctx)
		}
	}
	o := l.outcome(it, a, err)
	if o.State == schedule.OK {
		l.silence.learn(a)
		o.Disturbed = l.silence.disturbance(a)
	}
	return o
}

// host is this machine before the first round that this process has measured.
var host = sync.OnceValue(measure.LookAtHost)

// Summarise makes the timing's result from all its rounds.
func (l *launcher) Summarise(ctx context.Context, t schedule.Task) schedule.Outcome {
	it := l.plan.Item(t.ID)
	rounds, disturbed := l.silence.chosen(keptRounds(l.places, it, l.environment))
	if len(rounds) < it.Settings.Measure.Rounds {
		return l.outcome(it, record.Attempt{}, fmt.Errorf("%d of %d rounds of the timing of %s can be read: run once more, which measures "+
			"the rest", len(rounds),
			it.Settings.Measure.Rounds, it.Label))
	}
	a := record.Attempt{
		ID: record.NewAttemptID(), Stage: it.Key, Kind: it.Kind.Name, Cell: it.Cell, Outcome: record.OK,
		Device: it.Settings.Measure.Device, Environment: l.environment,
		Protocol: rounds[0].Protocol, Started: rounds[0].Started, Finished: rounds[len(rounds)-1].Finished,
	}
	seen := true
	for _, r := range rounds {
		a.Readings = append(a.Readings, r.Readings...)
		seen = seen && observed(r)
	}
	a.Values = measure.Summarise(a.Readings)
	if seen { // absent where the system does not tell what else it does
		m := quantity.DisturbedRounds
		a.Values = append(a.Values, record.Value{Metric: m.Name, Unit: m.Unit, Value: float64(disturbed), N: len(rounds)})
	}
	for _, v := range []struct {
		m *quantity.Metric
		v float64
	}{{quantity.Jitter, host().Jitter}, {quantity.MemoryBandwidth, host().Bandwidth}} {
		if v.v > 0 {
			a.Values = append(a.Values, record.Value{Metric: v.m.Name, Unit: v.m.Unit, Value: v.v, N: 1})
		}
	}
	if l.order != "" {
		a.Protocol["order"] = l.order
	}
	a = it.dated(a)
	err := l.keepTiming(it, a)
	if err == nil {
		_, err = record.WriteSpool(l.places.Spool(), a)
	}
	if err == nil {
		err = l.ingest(ctx)
	}
	if err == nil {
		err = os.RemoveAll(work.RoundsPath(l.places.Artifacts, it.Key))
	}
	return l.outcome(it, a, err)
}

// Enough says that the rounds of a timing are as many as its file asks for: with
// measure.interval, that intervals are as narrow, or its budget is spent.
func (l *launcher) Enough(t schedule.Task) bool {
	it := l.plan.Item(t.ID)
	m := it.Settings.Measure
	if m.Interval <= 0 {
		return true
	}
	tries := keptRounds(l.places, it, l.environment)
	var readings []record.Reading
	var spent time.Duration
	for _, a := range tries {
		spent += a.Finished.Sub(a.Started)
	}
	rounds, _ := l.silence.chosen(tries)
	for _, a := range rounds {
		readings = append(readings, a.Readings...)
	}
	return spent >= m.Budget || len(rounds) >= mostRounds || measure.Narrow(readings, m.Interval)
}

// mostRounds bounds what each further round of a timing reads again.
const mostRounds = 1000

// Share gives a timing the rounds of another that is timed the same: an attempt of its
// own, with the other's readings, times and circumstances.
func (l *launcher) Share(ctx context.Context, t, measured schedule.Task) schedule.Outcome {
	it, from := l.plan.Item(t.ID), l.plan.Item(measured.ID)
	a, err := l.share(it, from)
	if err == nil {
		err = l.ingest(ctx)
	}
	return l.outcome(it, a, err)
}

func (l *launcher) share(it, from *Item) (record.Attempt, error) {
	a, err := storedAttempt(l.places.Store(), from)
	if err != nil {
		return a, fmt.Errorf("the timing of %s, which %s shares: %w", from.Label, it.Label, err)
	}
	a.ID, a.Stage, a.Cell = record.SharedAttemptID(a.ID), it.Key, it.Cell
	a = it.dated(a)
	if err := l.keepTiming(it, a); err != nil {
		return a, err
	}
	if _, err := record.WriteSpool(l.places.Spool(), a); err != nil {
		return a, err
	}
	return a, os.RemoveAll(work.RoundsPath(l.places.Artifacts, it.Key))
}

// shareDone gives timings that are to do the rounds of one that was done before, here
// and by this program.
func (l *launcher) shareDone() error {
	names := l.plan.alike()
	wants := func(it *Item) bool {
		return names[it] != "" && it.State == ToDo && !it.Skip && it.Reason != forced
	}
	wanted, done := map[string]bool{}, map[string]*Item{}
	for _, it := range l.plan.Items {
		if wants(it) {
			wanted[names[it]] = true
		}
	}
	for _, it := range l.plan.Items { // only what somebody waits for is read
		if name := names[it]; wanted[name] && it.State == Done && done[name] == nil {
			if a, err := storedAttempt(l.places.Store(), it); err == nil && a.Environment.Hash() == l.environment.Hash() {
				done[name] = it
			}
		}
	}
	for _, it := range l.plan.Items {
		from := done[names[it]]
		if from == nil || !wants(it) {
			continue
		}
		a, err := l.share(it, from)
		if err != nil {
			return err
		}
		it.State, it.Outcome, it.Attempt = Done, a.Outcome, a.ID
	}
	return nil
}

// alike names the timings that are measured once, by what decides them: those of one
// seed that agree in it have the same name. What shares with none has none. Seeds stay
// apart: they are what a mean's interval is over.
func (p *Plan) alike() map[*Item]string {
	type decided struct {
		kind *stage.Kind
		by   any
		seed uint64
	}
	names, of := map[*Item]string{}, map[*stage.Settings]any{}
	numbers := map[decided]int{}
	for _, it := range p.Items {
		if it.Kind.Alike == nil {
			continue
		}
		by, known := of[it.Settings]
		if !known {
			by = it.Kind.Alike(it.Settings)
			of[it.Settings] = by
		}
		if by == nil {
			continue
		}
		d := decided{it.Kind, by, it.Seed}
		if _, known := numbers[d]; !known {
			numbers[d] = len(numbers)
		}
		names[it] = fmt.Sprintf("%s %d", it.Kind, numbers[d])
	}
	return names
}

// Sharing are the stages to do that share what is measured for another one, which is to
// do as well.
func (p *Plan) Sharing() map[*Item]bool {
	out, measured := map[*Item]bool{}, map[string]bool{}
	names := p.alike()
	for _, it := range p.Items {
		if name := names[it]; name != "" && it.State == ToDo && !it.Skip {
			out[it] = measured[name]
			measured[name] = true
		}
	}
	maps.DeleteFunc(out, func(_ *Item, shares bool) bool { return !shares })
	return out
}

// keepTiming leaves the attempt in the store, as workers do for their stages.
func (l *launcher) keepTiming(it *Item, a record.Attempt) error {
	d, err := l.places.Store().Begin(it.Ref())
	if err != nil {
		return err
	}
	defer d.Discard()
	raw, err := record.EncodeCopy(a)
	if err != nil {
		return err
	}
	if err := d.Write(work.AttemptFile, raw); err != nil {
		return err
	}
	_, err = d.Commit()
	return err
}

// RoundsKept is how many rounds of a timing wait for the others, whichever
// machine they were measured on.
func (p Places) RoundsKept(key string) int {
	files, _ := filepath.Glob(filepath.Join(work.RoundsPath(p.Artifacts, key), "*.json"))
	return len(files)
}

// keptRounds are the rounds of a timing that were measured on this machine
// with this program, by the time they began; a round that was disturbed may be
// there more than once.
func keptRounds(p Places, it *Item, env record.Environment) []record.Attempt {
	files, _ := filepath.Glob(filepath.Join(work.RoundsPath(p.Artifacts, it.Key), "*.json"))
	var out []record.Attempt
	for _, f := range files {
		a, err := record.ReadSpool(f)
		if err != nil || a.Stage != it.Key || a.Outcome != record.OK || len(a.Readings) == 0 || a.Environment.Hash() != env.Hash() {
			continue
		}
		out = append(out, a)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Started.Before(out[j].Started) })
	return out
}

// settledRounds are the rounds of a timing that need not be measured again:
// quiet ones, and those that were tried as often as they may be.
func (l *launcher) settledRounds(it *Item) map[int]bool {
	kept := keptRounds(l.places, it, l.environment)
	for _, a := range kept {
		l.silence.learn(a)
	}
	tries, settled := map[int]int{}, map[int]bool{}
	for _, a := range kept {
		round := a.Readings[0].Round
		tries[round]++
		if l.silence.disturbance(a) == "" || tries[round] > it.Settings.Measure.RepeatDisturbed {
			settled[round] = true
		}
	}
	return settled
}

// disturbed counts the rounds that ran beside other load. A busy machine disturbs
// most rounds of a sweep: the first is said when it happens, all of them in one line
// at the end.
type disturbed struct {
	rounds, all int
	cells       map[string]bool
}

// add counts a round and gives what to say of it now; why is empty for a quiet one.
// The rounds of a run come one after another.
func (d *disturbed) add(round int, label, why string) string {
	d.all++
	if why == "" {
		return ""
	}
	if d.cells == nil {
		d.cells = map[string]bool{}
	}
	d.rounds++
	d.cells[label] = true
	if d.rounds > 1 {
		return ""
	}
	return fmt.Sprintf("disturbed: round %d of %s: %s; further disturbed rounds are counted at the end", round, label, why)
}

// total is the line at the end, "" where the first has said it all.
func (d *disturbed) total() string {
	if d.rounds < 2 {
		return ""
	}
	return fmt.Sprintf("disturbed: %d of %d timed rounds, of %d cells, ran while something else loaded the machine; "+
		"those left after measure.repeat_disturbed are counted in disturbed_rounds", d.rounds, d.all, len(d.cells))
}
