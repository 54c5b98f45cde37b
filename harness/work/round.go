package work

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"prabench/harness/machine"
	"prabench/harness/measure"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/models"
	"prabench/models/device"
	"prabench/results/record"
)

// Timing measures speed and memory, one image and a batch at a time.
var Timing = &stage.Kind{
	Name:     "time",
	Inputs:   []*stage.Kind{Train},
	Chief:    Train,
	Optional: []*stage.Kind{Tune},
	Wanted:   func(s *stage.Settings) bool { return s.Measure.Rounds > 0 && (!s.Program.Is() || s.Program.Timed) },
	Program:  programTiming,
	Version:  "3",
	Part: func(s *stage.Settings) any {
		m := s.Measure
		return timePart{models.Table(s.Params.Canonical(), "sample"), m.Device, m.Precision, m.Batch, m.Warmup, m.Rounds, m.Threads, m.TrainSteps,
			m.Interval}
	},
	OnDevice: true,
	Threads:  func(s *stage.Settings) int { return s.Measure.ThreadsHere() },
	Rounds:   func(s *stage.Settings) int { return s.Measure.Rounds },
	Alike:    timedAlike,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		if s.Program.Is() {
			return programEffort
		}
		batches := float64(s.Measure.Warmup+2) * float64(s.Measure.Batch)
		ones := float64(s.Measure.Warmup+3) * 8 // one image alone runs at a fraction of the rate
		steps := float64(s.Measure.TrainSteps+1) * float64(s.Training().Batch)
		return stage.Effort{FLOPs: c.FLOPsImage*(batches+ones) + c.FLOPsTrainImage*steps, Threads: s.Measure.ThreadsHere(),
			Other: 2 * time.Second}
	},
	Memory: func(h stage.Host) int64 {
		if h.Program.Is() {
			return programMemory(h)
		}
		if h.Measure.TrainSteps == 0 { // it times no training
			return h.Timing()
		}
		return max(h.Timing(), h.Held(h.Costs.Alone))
	},
	Unfinished: roundsFolder,
}

type timePart struct {
	Sample     any    `json:"sample"` // the family's table
	Device     string `json:"device"`
	Precision  string `json:"precision"`
	Batch      int    `json:"batch"`
	Warmup     int    `json:"warmup"`
	Rounds     int    `json:"rounds"`
	Threads    int    `json:"threads"`
	TrainSteps int    `json:"train_steps"`

	Interval float64 `json:"interval" absent:"0"`
}

// timedAlike is what a timing depends on. What a cell chooses for itself is not known
// before it is done, a program may do as it likes, and where images decide how much work they are
// the weights do.
func timedAlike(s *stage.Settings) any {
	if p, ok := s.Params.(models.Settling); s.Foreign() || s.Tune.Metric != "" || ok && p.Settles() {
		return nil
	}
	m := s.Measure
	a, err := stage.AlikeOf(s, m.TrainSteps > 0 && s.Training().Batch > 0)
	if err != nil {
		return nil
	}
	return struct {
		stage.Alike
		Warmup, Rounds, Threads, TrainSteps int
		Interval                            float64
		Budget                              time.Duration
	}{a, m.Warmup, m.Rounds, m.Threads, m.TrainSteps, m.Interval, m.Budget}
}

const roundsFolder = "round"

// RoundsPath is the folder in which rounds of an unfinished timing of that key
// are kept.
func RoundsPath(artifacts, key string) string { return filepath.Join(artifacts, roundsFolder, key) }

// How often the parts of a round are read: a short sampling is read more often
// within the same time, a long one at least twice.
var (
	throughputPlan = measure.Plan{Repeats: 2, Enough: time.Second, Most: 10}
	latencyPlan    = measure.Plan{Repeats: 3, Enough: 500 * time.Millisecond, Most: 30}
)

// round measures one round of a timing. The order matters: what the process
// and the backend hold is read after sampling, before anything else is held.
func (t *task) round() (err error) {
	if t.set.Program.Is() {
		return t.programRound()
	}
	path, err := t.store.Path(t.input(Train), ModelFile)
	if err != nil {
		return err
	}
	m := t.set.Measure
	costs := t.set.Params.Costs()
	t.add(quantity.Params, float64(t.set.Params.Size()))
	t.add(quantity.ARSteps, float64(costs.ARSteps))
	t.add(quantity.FLOPsImage, costs.FLOPsImage)
	settles, _ := t.set.Params.(models.Settling)
	byImage := settles != nil && settles.Settles()
	if !byImage {
		t.add(quantity.NFE, float64(costs.NFE))
	}

	watch := machine.StartWatch()
	defer func() {
		if l, ok := watch.Stop(); ok && err == nil {
			t.load(l)
		}
	}()
	rate, err := t.sampling(path, m.Warmup)
	if err != nil {
		return err
	}
	if peak := peakFlops(m.Device, m.Threads); peak > 0 {
		t.add(quantity.PeakFLOPS, peak)
		if byImage { // and so is the arithmetic, which was not counted
			return t.training(m.Warmup)
		}
		flops, err := stage.SamplingFLOPs(t.set.Params, m.Batch)
		if err != nil {
			return err
		}
		t.add(quantity.MFU, rate*flops/float64(m.Batch)/peak)
	}
	return t.training(m.Warmup)
}

// sampling times a batch, one image and its first block; it returns the median
// throughput in images/s.
func (t *task) sampling(path string, warmup int) (float64, error) {
	be, err := t.open(t.set.Measure.Threads)
	if err != nil {
		return 0, err
	}
	defer be.Close()
	warmup = warmed(be, warmup)
	t.attempt.Protocol = timingProtocol(t.set.Measure)
	t.attempt.Protocol["backend"], t.attempt.Protocol["warmup"] = be.Details(), strconv.Itoa(warmup)
	model, err := models.Load(be, path)
	if err != nil {
		return 0, err
	}
	defer model.Close()

	t.say("throughput", 0)
	batch := t.set.Measure.Batch
	plan := throughputPlan
	plan.Warmup = warmup
	if timer, ok := be.(device.Timer); ok { // latency stays the host's: it is what a caller waits
		plan.Clock = timer.Time
		t.attempt.Protocol["clock"] = "throughput by events of the device"
	}
	health := watchHealth(be)
	seconds, err := t.drawing(model, batch, plan, false)
	t.health(health, batch*(len(seconds)+warmup))
	if err != nil {
		return 0, err
	}
	rates := make([]float64, len(seconds))
	for i, s := range seconds {
		rates[i] = float64(batch) / s
		t.add(quantity.Throughput, rates[i])
	}
	t.add(quantity.MemoryPeak, float64(machine.PeakResident()))
	for class := range device.Classes {
		t.add(memoryOf[class], float64(be.Peak(class)))
	}

	t.say("latency", 1)
	plan = latencyPlan
	plan.Warmup = warmup
	one, err := t.drawing(model, 1, plan, false)
	if err != nil {
		return 0, err
	}
	for _, s := range one {
		t.add(quantity.Latency, s)
	}
	first, err := t.drawing(model, 1, plan, true)
	if err != nil && !errors.Is(err, ErrNoFirstBlock) {
		return 0, err
	}
	for _, s := range first {
		t.add(quantity.FirstBlockLatency, s)
	}
	if err := t.evaluations(model, batch); err != nil {
		return 0, err
	}
	return stat.Median(rates, stat.Rounds).Value, nil
}

// evaluations keeps how often the head was asked in the calls that were timed, where the
// images decide.
func (t *task) evaluations(model models.Model, batch int) error {
	p, ok := t.set.Params.(models.Settling)
	if !ok || !p.Settles() {
		return nil
	}
	s, err := model.Sampler(t.set.Params, batch)
	if err != nil {
		return err
	}
	defer s.Close()
	sweeper, counts := s.(models.Sweeper)
	if !counts {
		return nil
	}
	labels, ids := timedImages(model.Params().Shape(), batch)
	if err := s.Sample(labels, ids, make([]uint8, batch*model.Params().Shape().Bytes())); err != nil {
		return err
	}
	var sum float64
	for _, n := range sweeper.Sweeps() {
		sum += n
	}
	t.add(quantity.NFE, sum/float64(batch)*float64(sweeper.Evaluations()))
	return nil
}

// memoryOf are the metrics of the classes of memory.
var memoryOf = [device.Classes]*quantity.Metric{
	device.Model: quantity.MemoryModel, device.Cache: quantity.MemoryCache, device.Activations: quantity.MemoryActivations,
}

// warmed is how many calls come before the first reading: on a device that
// records what is asked for, at least those that record.
func warmed(be device.Backend, warmup int) int {
	if _, records := be.(device.Recorder); records {
		return max(warmup, device.RecordedAfter)
	}
	return warmup
}

func (t *task) drawing(model models.Model, batch int, plan measure.Plan, firstBlock bool) ([]float64, error) {
	return TimeSampling(t.ctx, model, t.set.Params, batch, plan, firstBlock)
}

// TimeSampling gives the seconds of calls of a sampler for batch images, or
// only of the calls' first block.
func TimeSampling(ctx context.Context, model models.Model, p models.Params, batch int, plan measure.Plan,
	firstBlock bool) ([]float64, error) {
	call, done, err := SamplingCall(model, p, batch, firstBlock)
	if err != nil {
		return nil, err
	}
	defer done()
	return measure.Seconds(ctx, plan, call)
}

// ErrNoFirstBlock says that a family's images are final all at once: there is no
// first part of them whose latency could be told.
var ErrNoFirstBlock = errors.New("the model's images have no first block: all of an image is final at once")

// SamplingCall is what is timed: a call of a sampler for batch images, or only
// its first block. The sampler is closed by done.
func SamplingCall(model models.Model, p models.Params, batch int, firstBlock bool) (call func() error, done func(), err error) {
	s, err := model.Sampler(p, batch)
	if err != nil {
		return nil, nil, err
	}
	shape := model.Params().Shape()
	labels, ids := timedImages(shape, batch)
	if firstBlock {
		starter, ok := s.(models.Starter)
		if !ok {
			s.Close()
			return nil, nil, ErrNoFirstBlock
		}
		return func() error { return starter.FirstBlock(labels, ids) }, s.Close, nil
	}
	pixels := make([]uint8, batch*shape.Bytes())
	return func() error { return s.Sample(labels, ids, pixels) }, s.Close, nil
}

// timedImages are the images that timed calls draw.
func timedImages(shape models.Shape, batch int) (labels []int32, ids []uint32) {
	ids = make([]uint32, batch)
	for i := range ids {
		ids[i] = uint32(i)
	}
	return EvenLabels(batch, shape.Classes), ids
}

// training times optimisation steps on noise: the arithmetic is the same as on
// images.
func (t *task) training(warmup int) error {
	m, p, batch := t.set.Measure, t.set.Params, t.set.Training().Batch
	if m.TrainSteps == 0 || batch == 0 { // or one step is the whole training, which its time then shows
		return nil
	}
	t.say("training", 2)
	be, err := t.open(m.Threads)
	if err != nil {
		return err
	}
	defer be.Close()
	tr, err := p.NewTrainer(be, Noise(p.Shape(), batch))
	if err != nil {
		return err
	}
	defer tr.Close()
	if err := models.ForTiming(p, tr); err != nil {
		return err
	}
	seconds, err := measure.Seconds(t.ctx, measure.Plan{Warmup: max(1, warmup), Repeats: m.TrainSteps}, func() error {
		if err := tr.Step(); err != nil {
			return err
		}
		return be.Sync()
	})
	if err != nil {
		return err
	}
	for _, s := range seconds {
		t.add(quantity.TrainThroughput, float64(batch)/s)
	}
	return nil
}

// Noise is n training images without content, for timing.
func Noise(c models.Shape, n int) models.Images {
	images := models.Images{N: n, Size: c.Size, Channels: c.Channels, Pixels: make([]uint8, n*c.Bytes()),
		Labels: EvenLabels(n, c.Classes)}
	state := uint32(1)
	for i := range images.Pixels {
		state = state*1664525 + 1013904223
		images.Pixels[i] = uint8(state >> 24)
	}
	return images
}

// load keeps what else the machine did while this round was measured.
func (t *task) load(l machine.Load) {
	t.add(quantity.ForeignLoad, l.Foreign)
	t.add(quantity.ForeignLoadWorst, l.Worst)
	t.add(quantity.StolenLoad, l.Steal)
	if l.Frequency > 0 {
		t.add(quantity.CPUFrequency, l.Frequency)
	}
}

// add keeps one raw measurement of this round.
func (t *task) add(m *quantity.Metric, v float64) {
	t.attempt.Readings = append(t.attempt.Readings, record.Reading{Metric: m.Name, Unit: m.Unit, Round: t.job.Round, Value: v})
}

func (t *task) say(what string, done int64) {
	t.report(worker.Progress{Done: done, Total: 3, What: what})
}

// timingProtocol is how a timing is done, for the record.
func timingProtocol(m stage.Measure) map[string]string {
	return map[string]string{
		"device": m.Device, "precision": m.Precision, "threads": strconv.Itoa(m.Threads), "batch": strconv.Itoa(m.Batch),
		"warmup": strconv.Itoa(m.Warmup), "rounds": strconv.Itoa(m.Rounds),
	}
}

// peakFlops is the arithmetic peak of the device, measured now; 0 where there
// is no such measurement.
func peakFlops(name string, threads int) float64 {
	d, _ := device.DriverOf(name)
	if d.PeakFLOPS == nil {
		return 0
	}
	return d.PeakFLOPS(threads)
}
