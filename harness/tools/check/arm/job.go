package arm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/harness/worker"
	"prabench/metrics/quantity"
	"prabench/results/record"
)

// Speaks says whether a program has an arm. Revisions from before there were
// any do not; they are measured with [Jobs].
func Speaks(ctx context.Context, program string) bool {
	cmd := exec.CommandContext(ctx, program, "arm") // requests that end at once
	cmd.WaitDelay = 5 * time.Second
	return cmd.Run() == nil
}

// Jobs measures with a program that has no arm: through the job of its worker
// that times a round of a run. It takes seconds where an arm takes a tenth of
// one, so both programs of a check are measured so, or neither.
type Jobs struct {
	Name    string
	Program string   // the executable
	Env     []string // added to this process's environment
	Dir     string   // a folder of its own, for models, results and logs

	set     stage.Settings
	samples map[string][]float64
}

// modelKey names the model in the store of a job.
var modelKey = strings.Repeat("c", 64)

// Close has nothing to end: each job is a process that has ended.
func (j *Jobs) Close() {}

// Ask does the whole job when the cell is opened and answers from its readings.
func (j *Jobs) Ask(ctx context.Context, q Request) (Answer, error) {
	switch q.Do {
	case Open:
		return j.open(ctx, q)
	case Time:
		a := Answer{Resident: j.resident(), Batch: j.set.Measure.Batch}
		if q.Metric == Training {
			a.Batch = j.set.Training().Batch
		}
		for _, v := range j.samples[q.Metric] {
			switch q.Metric {
			case Throughput, Training:
				v = float64(a.Batch) / v
			}
			a.Seconds = append(a.Seconds, v)
		}
		return a, nil
	}
	return Answer{}, &Fault{j.Name, record.Invalid, fmt.Sprintf("a program without an arm cannot do %q", q.Do)}
}

func (j *Jobs) resident() int64 {
	if v := j.samples[quantity.MemoryPeak.Name]; len(v) > 0 {
		return int64(v[0])
	}
	return 0
}

func (j *Jobs) open(ctx context.Context, q Request) (Answer, error) {
	if err := json.Unmarshal(q.Settings, &j.set); err != nil {
		return Answer{}, err
	}
	training := false
	for _, m := range q.Metrics {
		training = training || m == Training
	}
	if !training {
		j.set.Measure.TrainSteps = 0
	}
	settings, err := json.Marshal(j.set)
	if err != nil {
		return Answer{}, err
	}
	dir, err := os.MkdirTemp(j.Dir, "job-*")
	if err != nil {
		return Answer{}, err
	}
	defer os.RemoveAll(dir)
	if err := keepModel(artifact.Store{Root: dir}, q.Model); err != nil {
		return Answer{}, err
	}
	job := worker.Job{Attempt: record.NewAttemptID(), Stage: strings.Repeat("d", 64), Kind: work.Timing.Name, Label: "check", Round: 1,
		Settings: settings,
		Inputs:   map[string]string{work.Train.Name: modelKey}, Device: j.set.Measure.Device, Threads: j.set.Measure.Threads,
		Artifacts: dir, Spool: filepath.Join(dir, "spool"), Timeout: j.set.Measure.Timeout}
	run := worker.Runner{Command: func(string) ([]string, error) { return []string{j.Program, "worker"}, nil }, Env: j.Env,
		LogDir: filepath.Join(dir, "log"), Grace: time.Second}
	a, err := run.Run(ctx, job, func(worker.Progress) {})
	if err != nil {
		return Answer{}, err
	}
	if ctx.Err() != nil {
		return Answer{}, context.Cause(ctx)
	}
	if a.Outcome != record.OK {
		return Answer{}, &Fault{j.Name, a.Outcome, a.Reason}
	}
	j.samples = map[string][]float64{}
	for _, s := range a.Readings {
		j.samples[s.Metric] = append(j.samples[s.Metric], s.Value)
	}
	out := Answer{Exact: map[string]float64{}, Resident: j.resident(), Backend: a.Protocol["backend"]}
	for _, m := range quantity.Metrics() {
		if v := j.samples[m.Name]; m.Check != quantity.NotChecked && m.Exact() && len(v) > 0 {
			out.Exact[m.Name] = v[0]
		}
	}
	return out, nil
}

// keepModel puts a model file into a store as the artifact of a training.
func keepModel(store artifact.Store, path string) error {
	d, err := store.Begin(work.Train.Ref(modelKey))
	if err != nil {
		return err
	}
	defer d.Discard()
	if err := os.Link(path, d.Path(work.ModelFile)); err != nil { // another file system
		if err := copyFile(path, d.Path(work.ModelFile)); err != nil {
			return err
		}
	}
	_, err = d.Commit()
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if e := out.Close(); err == nil {
		err = e
	}
	return err
}
