package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/results/record"
)

// idle is a worker that computes nothing: it leaves a small artifact and answers.
func idle(_ context.Context, job worker.Job, _ func(worker.Progress), a *record.Attempt) error {
	if job.Round > 0 {
		a.Readings = []record.Reading{{Metric: "throughput", Unit: "images/s", Round: job.Round, Value: 1}}
		return nil
	}
	d, err := artifact.Store{Root: job.Artifacts}.Begin(artifact.Ref{Kind: job.Kind, Key: job.Stage})
	if err != nil {
		return err
	}
	defer d.Discard()
	if err := d.Write("made", []byte(job.Stage)); err != nil {
		return err
	}
	if _, err := d.Commit(); err != nil {
		return err
	}
	a.Values = []record.Value{{Metric: "train_loss", Unit: "1", Value: 1, N: 1}}
	return nil
}

// BenchmarkOverhead is sweeps of 100, 1,000 and 10,000 cells whose stages do
// nothing, one after another. What is left is the harness: the processor time in
// ms that it takes itself for a stage, at the beginning, in the middle and at the
// end of the run, and the time on the clock apart from that of the same process
// by itself, which means something on a machine at rest. Then what a plan (as
// `plan` and `status` look) and a run that finds all done take of them. The last
// line says how the time of a stage grows with the cells: cells^growth.
//
//	go test ./harness/engine -run '^$' -bench Overhead -benchtime 1x -timeout 60m
func BenchmarkOverhead(b *testing.B) {
	os.Setenv(asWorker, "idle")
	defer os.Setenv(asWorker, "1")
	times := map[int]float64{}
	sizes := []int{100, 1_000, 10_000}
	for _, cells := range sizes {
		b.Run(fmt.Sprintf("cells=%d", cells), func(b *testing.B) { times[cells] = overhead(b, cells) })
	}
	if first, last := times[sizes[0]], times[sizes[2]]; first > 0 && last > 0 {
		b.ReportMetric(math.Log(last/first)/math.Log(float64(sizes[2])/float64(sizes[0])), "growth")
		b.ReportMetric(last/first, "x-at-10000")
		b.ReportMetric(0, "ns/op")
	}
}

// idleSweep is an experiment of that many cells, each with a training of its own.
func idleSweep(cells int) *engine.Experiment {
	one := tiny(func(s *stage.Settings) { s.Measure.Rounds, s.Measure.Timeout = 0, time.Hour })
	out := &engine.Experiment{Name: "idle"}
	for seed := range uint64(cells) {
		c := one.Cells[0]
		c.Seed, c.ID = seed+1, fmt.Sprintf("%016x", seed+1)
		out.Cells = append(out.Cells, c)
	}
	return out
}

// overhead is the harness's processor time for a stage in ms, the mean of the
// beginning, the middle and the end of a run.
func overhead(b *testing.B, cells int) (ms float64) {
	for b.Loop() {
		dir := b.TempDir()
		places := engine.Places{DB: filepath.Join(dir, "results.db"), Artifacts: filepath.Join(dir, "artifacts")}
		stages := 1 + 3*cells
		w := &stopwatch{b: b, dir: filepath.Join(dir, "alone"), windows: []int{stages / 20, stages / 2, stages - stages/20}}
		r := &engine.Run{Places: places, Jobs: 1, Command: selfCommand, Name: "bench", Out: w}
		sum, err := r.Do(context.Background(), idleSweep(cells))
		if err != nil || sum.Failed > 0 || sum.Done != stages {
			b.Fatalf("%v, %+v", err, sum)
		}
		ms = 0
		for i, at := range []string{"begin", "middle", "end"} {
			own := 1e3 * median(w.own[i])
			b.ReportMetric(own, "ms-"+at)
			b.ReportMetric(1e3*(median(w.stages[i])-median(w.alone[i])), "ms-clock-"+at)
			ms += own / 3
		}
		b.ReportMetric(ms, "ms-harness/stage")
		b.ReportMetric(1e3*median(slices.Concat(w.alone[:]...)), "ms/process")

		begin := time.Now()
		p, _, err := engine.Inspect(context.Background(), places, false, idleSweep(cells))
		if err != nil || p.Count(engine.Done) != stages {
			b.Fatal(err, p.Count(engine.Done))
		}
		p.Status(places)
		b.ReportMetric(time.Since(begin).Seconds(), "s-status")
		begin = time.Now()
		if sum, err = r.Do(context.Background(), idleSweep(cells)); err != nil || sum.Kept != stages {
			b.Fatalf("%v, %+v", err, sum)
		}
		b.ReportMetric(time.Since(begin).Seconds(), "s-again")
	}
	b.ReportMetric(0, "ns/op")
	return ms
}

const windowStages = 60

// stopwatch reads the lines of a run, one a stage that has ended. Around some of
// them it takes the time between two, and that of the same process by itself.
type stopwatch struct {
	b       *testing.B
	dir     string
	windows []int // their middles
	lines   int
	last    time.Time
	spent   time.Duration // processor time of this process
	stages  [3][]float64  // times of stages
	own     [3][]float64  // this process's part of their processor time
	alone   [3][]float64  // times of processes by themselves
}

func (w *stopwatch) Write(p []byte) (int, error) {
	w.lines += bytes.Count(p, []byte("\n"))
	for i, middle := range w.windows {
		if d := w.lines - middle; d < -windowStages/2 || d > windowStages/2 {
			continue
		}
		if d := w.lines - middle; d > -windowStages/2 {
			w.stages[i] = append(w.stages[i], time.Since(w.last).Seconds())
			w.own[i] = append(w.own[i], (processorTime() - w.spent).Seconds())
		}
		w.alone[i] = append(w.alone[i], w.process())
	}
	w.last, w.spent = time.Now(), processorTime()
	return len(p), nil
}

// processorTime is what this process has used so far, without its children.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// process is the time in s that a worker by itself takes.
func (w *stopwatch) process() float64 {
	job, _ := json.Marshal(worker.Job{Version: worker.Version, Attempt: record.NewAttemptID(), Stage: "s", Kind: record.Train,
		Spool: filepath.Join(w.dir, "spool"), Artifacts: w.dir})
	cmd := exec.Command(os.Args[0])
	cmd.Stdin = bytes.NewReader(job)
	begin := time.Now()
	if said, err := cmd.CombinedOutput(); err != nil {
		w.b.Fatalf("%v: %s", err, said)
	}
	return time.Since(begin).Seconds()
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}
