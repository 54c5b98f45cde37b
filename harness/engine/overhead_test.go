package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/results/record"
)

// idle is a worker that does nothing but answer.
func idle(_ context.Context, job worker.Job, _ func(worker.Progress), a *record.Attempt) error {
	if job.Round > 0 {
		a.Readings = []record.Reading{{Metric: "throughput", Unit: "images/s", Round: job.Round, Value: 1}}
		return nil
	}
	a.Values = []record.Value{{Metric: "train_loss", Unit: "1", Value: 1, N: 1}}
	return nil
}

// BenchmarkOverhead is a sweep of stages that do nothing, one after another:
// what is left is the harness, its share of each stage in ms, apart from what
// starting and ending the same process takes by itself.
//
//	go test ./harness -run '^$' -bench Overhead -benchtime 3x
func BenchmarkOverhead(b *testing.B) {
	const cells = 20
	os.Setenv(asWorker, "idle")
	defer os.Setenv(asWorker, "1")
	e := func() *engine.Experiment {
		one := tiny(func(s *stage.Settings) { s.Measure.Rounds = 1 })
		out := &engine.Experiment{Name: "idle"}
		for seed := range uint64(cells) {
			c := one.Cells[0]
			c.Seed, c.ID = seed+1, c.ID+string(rune('a'+seed))
			out.Cells = append(out.Cells, c)
		}
		return out
	}
	var whole, alone time.Duration
	stages := 0
	for b.Loop() {
		dir := b.TempDir()
		r := &engine.Run{
			Places: engine.Places{DB: filepath.Join(dir, "results.db"), Artifacts: filepath.Join(dir, "artifacts")},
			Jobs:   1, Command: selfCommand, Name: "bench", Out: io.Discard,
		}
		begin := time.Now()
		sum, err := r.Do(context.Background(), e())
		whole += time.Since(begin)
		if err != nil || sum.Failed > 0 || sum.Done != 1+4*cells {
			b.Fatalf("%v, %+v", err, sum)
		}
		stages += sum.Done
		for range sum.Done {
			job, _ := json.Marshal(worker.Job{Version: worker.Version, Attempt: record.NewAttemptID(), Stage: "s", Kind: record.Train,
				Spool: filepath.Join(dir, "alone")})
			cmd := exec.Command(os.Args[0])
			cmd.Stdin = bytes.NewReader(job)
			begin := time.Now()
			if said, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, said)
			}
			alone += time.Since(begin)
		}
	}
	perStage := func(d time.Duration) float64 { return d.Seconds() * 1e3 / float64(stages) }
	b.ReportMetric(perStage(whole), "ms/stage")
	b.ReportMetric(perStage(alone), "ms/process")
	b.ReportMetric(perStage(whole-alone), "ms-harness/stage")
	b.ReportMetric(0, "ns/op")
}
