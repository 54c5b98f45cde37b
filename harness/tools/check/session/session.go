// Package session makes a check of an experiment file from its beginning to its
// end: it finds or builds the programs, has them measured and judged, compares
// what they learn, keeps baselines, and reads the timings of earlier revisions.
//
// Its principle is that a check is repeatable only where nothing of it is left over:
// whatever it makes (worktrees, programs, models, databases) is in one temporary
// folder that is gone afterwards. What it finds out is a report; who asked for it
// decides where that goes.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/tools/check"
	"prabench/harness/tools/check/revision"
	"prabench/internal/atomicfile"
)

// Session is one check.
type Session struct {
	File engine.Loaded
	Set  []string // keys and values that the file was read with: programs that train read it so too
	Only string   // likewise, the cells that were chosen
	DB   string   // what is known of quality and of earlier revisions

	// Command is the program of a device, as a worker.
	Command func(device string) ([]string, error)
	// Load looks at what else the machine does; [check.MachineLoad] without one.
	Load func() func() (machine.Load, bool)
	// Progress gets how far the measuring is.
	Progress func(done, total time.Duration, what string)
	// Say gets what the user should know: a line without its end.
	Say func(text string)
	// ExtraWork is the share of work that is added to each call of this program,
	// to test the check.
	ExtraWork string

	dir string // of everything that is made on the way
}

// MachineLoad is what else the machine did during a round.
type MachineLoad = machine.Load

// Other is what this program is compared with: one of the three.
type Other struct {
	Revision string // of git, built in a worktree of its own
	Binary   string // path of a program
	Baseline string // name of one that was saved
}

// Refused says whether an error is that a measurement may not become a baseline
// (another load on the machine, too much noise): nothing is wrong, and nothing
// can be said.
func Refused(err error) bool {
	var r *check.Refusal
	return errors.As(err, &r)
}

// Inconclusive is the exit code of a check that cannot say anything.
var Inconclusive = check.Inconclusive.ExitCode()

// Formats are the names of the forms in which a report can be written.
func Formats() []string { return check.Formats() }

// Write writes a report in a format.
func Write(w io.Writer, rep *check.Report, format string) error { return check.Writers[format](rep, w) }

// WriteFile is [Write] to a file that the user named.
func WriteFile(path string, rep *check.Report, format string) error {
	return atomicfile.Output(path, 0o644, func(w io.Writer) error { return Write(w, rep, format) })
}

// Compare measures this program and the other one and judges.
func (s *Session) Compare(ctx context.Context, other Other) (*check.Report, error) {
	var rep *check.Report
	err := s.measured(ctx, other, func(m *measurement) (err error) {
		var known map[string]check.Quality
		if s.wantsQuality() && other.Baseline != "" { // before measuring: it may be missing
			if known, err = s.knownQuality(ctx); err != nil {
				return err
			}
		}
		if other.Baseline != "" {
			if m.bench.Baseline, err = s.fitBaseline(m, other.Baseline); err != nil {
				return err
			}
		}
		if err := m.bench.Compare(ctx, m.cells, m.options, m.report); err != nil {
			return &engine.Failure{Err: err}
		}
		rep = m.report
		if !s.wantsQuality() {
			return nil
		}
		if other.Baseline == "" {
			return s.compareQuality(ctx, m.programs, rep)
		}
		for _, label := range s.labels() {
			was, ok := m.bench.Baseline.Quality[label]
			if !ok {
				return engine.Mistakef("baseline %s has no fid_proxy of %s: save another baseline with --save", other.Baseline, label)
			}
			rep.Judge(label, was, known[label])
		}
		return nil
	})
	return rep, err
}

// Save measures this program alone and keeps the result as a baseline.
func (s *Session) Save(ctx context.Context, name string) (path string, bl *check.Baseline, err error) {
	path = s.baselinePath(name)
	if err := engine.CheckOutFolder("--save", filepath.Dir(path)); err != nil {
		return "", nil, err
	}
	err = s.measured(ctx, Other{}, func(m *measurement) error {
		var known map[string]check.Quality
		if s.wantsQuality() { // before measuring: it may be missing
			var err error
			if known, err = s.knownQuality(ctx); err != nil {
				return err
			}
		}
		if bl, err = m.bench.Save(ctx, m.cells, m.options, m.report, name); err != nil {
			return err
		}
		bl.Quality = known
		if err := bl.Write(path); err != nil {
			return &engine.Failure{Err: err}
		}
		for _, w := range bl.Doubts(m.options.Metrics) {
			s.Say("warning: " + w)
		}
		return nil
	})
	if err != nil && !Refused(err) && !engine.IsMistake(err) && !engine.IsFailure(err) {
		err = &engine.Failure{Err: err}
	}
	return path, bl, err
}

// measurement is what both a comparison and a baseline need.
type measurement struct {
	bench    check.Bench
	cells    []check.Cell
	options  check.Options
	report   *check.Report
	programs *programs
}

// measured prepares a measurement, in a folder that is gone afterwards.
func (s *Session) measured(ctx context.Context, other Other, do func(*measurement) error) (err error) {
	if err := engine.CheckMachine(s.Command, s.File.Exp); err != nil {
		return &engine.Mistake{Err: err}
	}
	for _, dir := range revision.RemoveDead(ctx) {
		s.sayf("removed what a check that was killed left: %s", dir)
	}
	var done func()
	if s.dir, done, err = revision.NewFolder(); err != nil {
		return &engine.Failure{Err: err}
	}
	defer done()
	m, err := s.prepare(ctx, other)
	if err == nil {
		err = do(m)
	}
	if ctx.Err() != nil {
		return &engine.Failure{Err: errors.New("the check was stopped before its end: no verdict; the same command checks again")}
	}
	return err
}

func (s *Session) prepare(ctx context.Context, other Other) (*measurement, error) {
	set := s.File.File.Base
	threads := set.Measure.Threads
	if threads == 0 {
		threads = machine.Processors()
	}
	metrics, err := s.metrics()
	if err != nil {
		return nil, err
	}
	m := &measurement{options: check.Options{Metrics: metrics, Rounds: set.Check.Rounds, Repeat: set.Measure.RepeatDisturbed,
		Budget: time.Duration(set.Check.Budget), Spend: check.DefaultSpend}}
	if m.cells, err = check.Cells(s.File.Exp, metrics, threads, s.dir); err != nil {
		if engine.IsMistake(err) {
			return nil, err
		}
		return nil, &engine.Failure{Err: err}
	}
	env := machine.Environment(threads)
	m.report = &check.Report{Experiment: s.File.Exp.Name, File: s.File.File.File, Device: env.DeviceClass(set.Measure.Device),
		Threads: threads, Precision: set.Measure.Precision, Environment: env}
	if m.programs, err = s.programs(ctx, set.Measure.Device, other, m.report); err != nil {
		return nil, err
	}
	load := s.Load
	if load == nil {
		load = check.MachineLoad
	}
	m.bench = check.Bench{Start: m.programs.start, Now: time.Now, Load: load, Say: s.Progress}
	return m, nil
}

// metrics are those that the file wants to be checked, with their thresholds.
func (s *Session) metrics() ([]check.Metric, error) {
	c := s.File.File.Base.Check
	limits := check.Thresholds{Throughput: c.Throughput, Latency: c.Latency, Memory: c.Memory}
	var out []check.Metric
	for _, name := range c.Metrics.List() {
		m, ok := check.MetricOf(name, limits)
		if !ok {
			return nil, engine.Mistakef("check.metrics: %q cannot be checked; `prabench plan --keys` says what can", name)
		}
		out = append(out, m)
	}
	return out, nil
}

func (s *Session) wantsQuality() bool {
	return slices.Contains(s.File.File.Base.Check.Metrics.List(), check.FidProxy)
}

func (s *Session) sayf(format string, args ...any) { s.Say(fmt.Sprintf(format, args...)) }
