package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/machine"
	"prabench/harness/measure"
	"prabench/harness/outside"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics/quantity"
	"prabench/models/cuda/nvml"
	"prabench/models/dataset"
)

// Programs outside draw the images of some cells: the same stages, with a process
// of somebody else's in the place of a model.

// unfinishedSamples keeps what a sampling that was stopped goes on from, by its key: the
// images so far, or what a program wants to find again.
const unfinishedSamples = "external"

// GivenImages begins the names of the files there with training images, which all
// programs of a data set are given.
const GivenImages = "data-"

// programEffort stands for work that nobody can foresee.
var programEffort = stage.Effort{Other: 3 * time.Second}

func programMemory(h stage.Host) int64 {
	n := int64(512 << 20)
	if h.Program.Data {
		n += h.Data()
	}
	return n
}

var programSample = &stage.InPlace{Version: "program/1", Part: func(s *stage.Settings) any {
	return programSamplePart{s.Program.Identity(), s.DataHash, s.Params.Seed(), s.Count, s.Batch, s.Measure.Lowered()}
}}

type programSamplePart struct {
	Program   stage.Program `json:"program"`
	Data      string        `json:"data"` // hash
	Seed      uint64        `json:"seed"`
	Count     int           `json:"count"`
	Batch     int           `json:"batch"`
	Precision string        `json:"precision,omitempty"`
}

var programTiming = &stage.InPlace{Version: "program/1", Part: func(s *stage.Settings) any {
	m := s.Measure
	return programTimePart{s.Program.Identity(), s.DataHash, s.Params.Seed(), m.Device, m.Precision, m.Batch, m.Warmup, m.Rounds, m.Threads}
}}

type programTimePart struct {
	Program   stage.Program `json:"program"`
	Data      string        `json:"data"` // hash
	Seed      uint64        `json:"seed"`
	Device    string        `json:"device"`
	Precision string        `json:"precision"`
	Batch     int           `json:"batch"`
	Warmup    int           `json:"warmup"`
	Rounds    int           `json:"rounds"`
	Threads   int           `json:"threads"`
}

// program starts the cell's program on a job; done removes what is of this attempt
// alone.
func (t *task) program(job outside.Job) (run *outside.Running, err error) {
	p := t.set.Program
	if found, err := outside.FilesHash(p.Dir, p.Paths); err != nil || found != p.Files {
		return nil, worker.Invalid("the files of %s have changed since the run was planned (%v): start the run again", p.Label, err)
	}
	chain, err := stage.Of(t.set)
	if err != nil {
		return nil, err
	}
	shape := t.set.Params.Shape()
	job.Keep = filepath.Join(t.job.Artifacts, unfinishedSamples, chain.Key(Sample))
	job.Work = filepath.Join(t.job.Artifacts, "tmp", t.job.Attempt)
	job.Settings, job.Seed = json.RawMessage(p.Settings), t.set.Params.Seed()
	job.Size, job.Channels, job.Classes = shape.Size, shape.Channels, shape.Classes
	job.Device, job.Precision, job.Threads = t.job.Device, t.set.Measure.Precision, t.job.Threads
	if info, err := dataset.Describe(t.set.Data); err == nil && len(info.ClassNames) == shape.Classes {
		job.ClassNames = info.ClassNames
	}
	for _, dir := range []string{job.Keep, job.Work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if p.Data {
		if job.Data, err = t.trainingImages(); err != nil {
			return nil, err
		}
	}
	var command []string
	if err := json.Unmarshal([]byte(p.Command), &command); err != nil {
		return nil, err
	}
	return outside.Start(t.ctx, outside.Process{Label: p.Label, Command: command, Dir: p.Dir, MemoryLimit: t.job.MemoryLimit, Log: os.Stderr,
		OnDevice: nvml.Held,
		Said: func(done int) {
			t.report(worker.Progress{Done: int64(done), Total: int64(job.Count), What: "sampling"})
		}}, job)
}

// mostGiven bounds the training images that are written for a program.
const mostGiven = 4 << 30

// trainingImages is a file with the images that models are trained on.
func (t *task) trainingImages() (string, error) {
	path := filepath.Join(t.job.Artifacts, unfinishedSamples, GivenImages+t.set.DataHash+".npz")
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	data, err := t.data()
	if err != nil {
		return "", err
	}
	if n := int64(data.Train.N) * int64(data.Size*data.Size*data.Channels); n > mostGiven {
		return "", worker.Invalid("the training images are %s, too large for a file of them (data = true): tell %s in settings where they lie",
			machine.Size(n), t.set.Program.Label)
	}
	p, err := choose(data, data.Train, 0)
	if err != nil {
		return "", err
	}
	return path, outside.Write(path, outside.Images{Size: p.Size, Channels: p.Channels, Pixels: p.Pixels, Labels: p.Labels})
}

// refused is a fault of a program as the outcome of the attempt.
func refused(err error) error {
	var f *outside.Fault
	if errors.As(err, &f) {
		return &worker.Refusal{Outcome: f.Outcome, Reason: f.Reason}
	}
	return err
}

// programSample lets the program draw the images that are scored.
func (t *task) programSample() error {
	n, shape := t.set.Count, t.set.Params.Shape()
	run, err := t.program(outside.Job{Task: outside.Sample, Count: n, Batch: min(max(t.set.Batch, 1), n)})
	if err != nil {
		return refused(err)
	}
	defer run.Close()
	if err := run.Wait(); err != nil {
		return refused(err)
	}
	set, err := run.Images(outside.Range(t.set.Program.Floats))
	if err != nil {
		return refused(err)
	}
	drawn := Drawn{Count: n, Size: shape.Size, Channels: shape.Channels, Classes: 1, Labels: set.Labels}
	labels := EvenLabels(n, 1)
	if set.Labels != nil {
		drawn.Classes, labels = shape.Classes, set.Labels
		if info, err := dataset.Describe(t.set.Data); err == nil && len(info.ClassNames) == shape.Classes {
			drawn.ClassNames = info.ClassNames
		}
	}
	t.about("program", t.set.Program.Files)
	return t.keep(func(d *artifact.Draft) error { return drawn.write(d, set.Pixels, labels) })
}

// programRound times the program call by call, by this process's clock: what a
// caller waits for.
func (t *task) programRound() (err error) {
	m := t.set.Measure
	watch := machine.StartWatchWithChildren()
	defer func() {
		if l, ok := watch.Stop(); ok && err == nil {
			t.load(l)
		}
	}()
	run, err := t.program(outside.Job{Task: outside.Time, Batch: m.Batch})
	if err != nil {
		return refused(err)
	}
	defer run.Close()
	warmup := max(1, m.Warmup) // the first answer waits for the program's start
	t.attempt.Protocol = timingProtocol(m)
	t.attempt.Protocol["backend"], t.attempt.Protocol["warmup"] = "program "+t.set.Program.Files, strconv.Itoa(warmup)
	timed := func(plan measure.Plan, images int) ([]float64, error) {
		plan.Warmup = warmup
		seconds, err := measure.Seconds(t.ctx, plan, func() error { return run.Draw(images) })
		return seconds, refused(err)
	}
	t.say("throughput", 0)
	seconds, err := timed(throughputPlan, m.Batch)
	if err != nil {
		return err
	}
	for _, s := range seconds {
		t.add(quantity.Throughput, float64(m.Batch)/s)
	}
	t.add(quantity.MemoryPeak, float64(run.Peak()))
	if held, known := run.PeakOnDevice(); known {
		t.add(quantity.MemoryDevice, float64(held))
	}
	t.say("latency", 1)
	if seconds, err = timed(latencyPlan, 1); err != nil {
		return err
	}
	for _, s := range seconds {
		t.add(quantity.Latency, s)
	}
	if err := run.Wait(); err != nil {
		return refused(err)
	}
	about, err := run.About(quantity.Params.Name, quantity.ARSteps.Name, quantity.NFE.Name, quantity.FLOPsImage.Name)
	if err != nil {
		return refused(err)
	}
	for _, q := range []*quantity.Metric{quantity.Params, quantity.ARSteps, quantity.NFE, quantity.FLOPsImage} {
		if v, told := about[q.Name]; told {
			t.add(q, v)
		}
	}
	if len(t.attempt.Readings) == 0 {
		return fmt.Errorf("nothing was measured")
	}
	return nil
}
