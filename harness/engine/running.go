package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"prabench/harness/machine"
	"prabench/harness/worker"
	"prabench/internal/atomicfile"
)

// Running is a mark that a run leaves while a worker is at a stage.
type Running struct {
	Attempt, Stage, Kind, Label string
	Round                       int
	PID                         int             // of the run
	Worker                      machine.Process // at the stage; none until it has started
	Started, Seen               time.Time
	Progress                    worker.Progress
	Left                        time.Duration // until the whole run ends, as it forecasts; 0 when unknown
	Curve                       []LossPoint   // of a training since this attempt began
}

// LossPoint is the training loss after a step.
type LossPoint struct {
	Step int64
	Loss float64
}

type mark struct {
	path string
	r    Running
	left func() time.Duration
}

func (l *launcher) mark(j worker.Job) *mark {
	return &mark{filepath.Join(l.marks, j.Attempt+".json"),
		Running{Attempt: j.Attempt, Stage: j.Stage, Kind: j.Kind, Label: j.Label, Round: j.Round, PID: os.Getpid(), Started: time.Now()},
		l.meter.Left}
}

// began makes the mark: no worker gets a job before.
func (m *mark) began(p machine.Process) {
	m.r.Worker = p
	m.write()
}

// update writes the mark again for other work and at most once a second for the
// same: others only look at it.
func (m *mark) update(p worker.Progress) {
	other := p.What != m.r.Progress.What
	m.r.Progress = p
	if p.Loss != nil {
		m.r.Curve = append(m.r.Curve, LossPoint{p.Done, *p.Loss})
	}
	if other || time.Since(m.r.Seen) > time.Second {
		m.write()
	}
}

func (m *mark) write() {
	m.r.Seen, m.r.Left = time.Now(), m.left()
	raw, _ := json.Marshal(m.r)
	_ = atomicfile.WriteVolatile(m.path, 0o644, raw) // a mark only tells others how far this is
}

func (m *mark) remove() { os.Remove(m.path) }

// RunningNow are the stages that a living run is at.
func RunningNow(p Places) []Running { return readMarks(p.running()) }

// RunningElsewhere are the stages that detached processes, on any machine, were
// at when they last said so. Who started them knows whether they live.
func RunningElsewhere(p Places) []Running { return readMarks(p.elsewhere()) }

func readMarks(dir string) []Running {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var out []Running
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		var r Running
		if raw, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil && json.Unmarshal(raw, &r) == nil {
			out = append(out, r)
		}
	}
	return out
}

// orphans waits for workers of a run that has died: they have noticed, and
// save what they were at. Those that do not end are killed after the grace, so
// that no two workers are ever at one stage: where ctx ends first, nothing may be
// started. Only who holds the lock may ask.
func orphans(ctx context.Context, p Places, grace time.Duration, say func(format string, args ...any)) {
	end := time.Now().Add(grace)
	told := false
	for _, r := range RunningNow(p) {
		for began := time.Now(); r.Worker.Alive() && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if !told && time.Since(began) > time.Second {
				told = true
				say("waiting for process %d, %s of %s, which a run that died has left behind", r.Worker.PID, r.Kind, r.Label)
			}
			if time.Now().After(end) {
				syscall.Kill(-r.Worker.PID, syscall.SIGKILL)
			}
		}
	}
}
