// Package work is what a worker process does for each kind of stage.
//
// Its principle is that a stage is a function from settings and checked inputs to
// files and numbers: nothing is read that the job does not name, the data that
// are loaded must be the data that were planned, and the result appears as a
// whole or not at all. It knows the models, the data sets and the metrics; it
// knows neither experiment files nor the database.
package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics/quantity"
	_ "prabench/models/cpu" // every program has the CPU
	"prabench/models/dataset"
	"prabench/models/device"
	"prabench/models/gemm"
	"prabench/results/record"
)

// task is one job being done.
type task struct {
	ctx     context.Context
	job     worker.Job
	set     stage.Settings
	store   artifact.Store
	report  func(worker.Progress)
	attempt *record.Attempt

	team *worker.Team // of a stage that several processes can do together
	from string       // what a training goes on from; "" is its beginning
}

// Do is the [worker.Stage] of this program.
func Do(ctx context.Context, job worker.Job, report func(worker.Progress), a *record.Attempt) error {
	t := &task{ctx: ctx, job: job, store: artifact.Store{Root: job.Artifacts}, report: report, attempt: a}
	if err := json.Unmarshal(job.Settings, &t.set); err != nil {
		return fmt.Errorf("the settings in the job cannot be read: %w", err)
	}
	if job.Device == "cpu" {
		if err := worker.CheckLibrary(job, gemm.Loaded().Name); err != nil {
			return err
		}
	}
	if err := t.tuned(); err != nil {
		return err
	}
	if err := t.do(); err != nil {
		return err
	}
	return described(a)
}

// described refuses a result that nobody could read: readers take a metric's
// unit, direction and interval from the catalogue.
func described(a *record.Attempt) error {
	for _, v := range a.Values {
		if err := quantity.Fits(a.Kind, v.Metric, v.Unit); err != nil {
			return err
		}
		for _, x := range []*float64{&v.Value, v.Lo, v.Hi} {
			if x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) {
				return worker.Invalid("%s of these images is no number (%g, interval included): a distance or a difference that it is divided by "+
					"is 0, as of images that are all alike; look at the images of the cell and of the data set", v.Metric, *x)
			}
		}
	}
	for _, r := range a.Readings {
		if err := quantity.Fits(a.Kind, r.Metric, r.Unit); err != nil {
			return err
		}
	}
	return nil
}

// fitting gives an error about images, their number or their features the outcome
// invalid: the same images give it again.
func fitting(err error) error {
	if err == nil {
		return nil
	}
	return worker.Invalid("%v", err)
}

func (t *task) do() error {
	for _, k := range kinds {
		if k.Name == t.job.Kind {
			return k.do(t)
		}
	}
	return worker.Invalid("this program does no stages of kind %q", t.job.Kind)
}

// input names the artifact of an input stage.
func (t *task) input(kind *stage.Kind) artifact.Ref { return kind.Ref(t.job.Inputs[kind.Name]) }

// AttemptFile is the copy of the attempt that lies beside its artifacts, so
// that another database can take the stage over with its numbers.
const AttemptFile = "attempt.json"

// keep lets write fill the stage's artifact and commits it.
func (t *task) keep(write func(d *artifact.Draft) error) error {
	if err := described(t.attempt); err != nil {
		return err // before others could take the artifact over
	}
	d, err := t.store.Begin(artifact.Ref{Kind: t.job.Kind, Key: t.job.Stage})
	if err != nil {
		return err
	}
	defer d.Discard()
	if err := write(d); err != nil {
		return err
	}
	files, err := d.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		t.attempt.Artifacts = append(t.attempt.Artifacts, record.Artifact{Name: f.Name, SHA256: f.SHA256, Bytes: f.Bytes})
	}
	t.attempt.Finished = time.Now()
	*t.attempt = t.job.Dated(*t.attempt) // the spool's copy and this one are the same attempt
	own, err := record.EncodeCopy(*t.attempt)
	if err != nil {
		return fmt.Errorf("a result that JSON cannot hold: %w", err)
	}
	if err := d.Write(AttemptFile, own); err != nil {
		return err
	}
	_, err = d.Commit()
	return err
}

// data loads the data set and refuses another one than was planned.
func (t *task) data() (*dataset.Data, error) {
	d, err := dataset.Load(t.ctx, t.set.Data, func(what string, done, total int64) {
		t.report(worker.Progress{Done: done, Total: max(total, 0), What: what})
	})
	if err != nil {
		if t.ctx.Err() != nil {
			return nil, context.Cause(t.ctx)
		}
		return nil, err
	}
	if d.Hash != t.set.DataHash {
		return nil, worker.Invalid("the data set %s has changed since the run was planned (%.12s…, %.12s… expected): start the run again",
			t.set.Data.Set, d.Hash, t.set.DataHash)
	}
	return d, nil
}

// Device is what a backend is made for.
type Device struct {
	Name      string // "cpu", "cuda:0"
	Threads   int
	Precision string // "fp32"; others where the device has them
}

// Open makes a backend.
func Open(d Device) (device.Backend, error) {
	driver, ok := device.DriverOf(d.Name)
	if !ok {
		return nil, worker.Invalid("this program has no device %q; it has %s", d.Name, strings.Join(device.Drivers(), ", "))
	}
	if err := driver.Refuse(d.Precision); err != nil {
		return nil, worker.Invalid("measure.precision: %v", err)
	}
	be, err := driver.Open(device.Options{Device: d.Name, Threads: d.Threads, Precision: d.Precision})
	if errors.Is(err, device.ErrNoDevice) {
		return nil, worker.Invalid("measure.device: %v", err)
	}
	return be, err
}

// open makes the backend of the job's device.
func (t *task) open(threads int) (device.Backend, error) {
	return Open(Device{Name: t.job.Device, Threads: threads, Precision: t.set.Measure.Precision})
}

// valueUnder is value for a number that depends on more than the attempt's
// protocol says.
func (t *task) valueUnder(protocol map[string]string, m *quantity.Metric, v float64, n int) {
	t.attempt.Values = append(t.attempt.Values, record.Value{Metric: m.Name, Unit: m.Unit, Value: v, N: n,
		Protocol: record.ProtocolText(protocol)})
}

// value adds a number to the attempt.
func (t *task) value(m *quantity.Metric, v float64, n int) {
	t.attempt.Values = append(t.attempt.Values, record.Value{Metric: m.Name, Unit: m.Unit, Value: v, N: n})
}
