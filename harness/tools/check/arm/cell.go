package arm

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"prabench/harness/measure"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/harness/worker"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
)

// server is an arm between two requests.
type server struct {
	set   stage.Settings
	extra float64 // share of extra work, see ExtraWork

	calls  map[string]*call
	closes []func()
}

// call is what one metric times.
type call struct {
	do    func() error
	batch int
}

func (a *server) close() {
	for _, c := range slices.Backward(a.closes) {
		c()
	}
	a.calls, a.closes = nil, nil
}

// open loads a cell and warms up what will be timed.
func (a *server) open(q Request) (answer Answer, err error) {
	a.close()
	a.set = stage.Settings{}
	if err := json.Unmarshal(q.Settings, &a.set); err != nil {
		return answer, worker.Invalid("the settings in the request cannot be read: %v", err)
	}
	m := a.set.Measure
	be, err := a.backend()
	if err != nil {
		return answer, err
	}
	model, err := models.Load(be, q.Model)
	if err != nil {
		return answer, worker.Invalid("%v", err)
	}
	a.closes = append(a.closes, model.Close)
	a.calls = map[string]*call{}
	for _, metric := range q.Metrics {
		var c *call
		switch metric {
		case Throughput:
			c, err = a.sampling(model, m.Batch, false)
		case Latency:
			c, err = a.sampling(model, 1, false)
		case FirstBlock:
			c, err = a.sampling(model, 1, true)
		case Training:
			c, err = a.training()
		default:
			return answer, worker.Invalid("this program's arm does not time %q", metric)
		}
		if err == nil {
			err = a.prepare(c)
		}
		if err != nil {
			return answer, err
		}
		a.calls[metric] = c
	}
	answer.Exact, answer.Backend = a.exact(be), be.Details()
	return answer, nil
}

func (a *server) backend() (device.Backend, error) {
	m := a.set.Measure
	be, err := work.Open(work.Device{Name: m.Device, Threads: m.Threads, Precision: m.Precision})
	if err != nil {
		return nil, err
	}
	a.closes = append(a.closes, func() { be.Close() })
	return be, nil
}

// prepare warms a call up and, for the test of a slow-down, adds work to it.
func (a *server) prepare(c *call) error {
	for range max(1, a.set.Measure.Warmup) {
		if err := c.do(); err != nil {
			return err
		}
	}
	if a.extra <= 0 {
		return nil
	}
	x, bare := newChore(), c.do
	if err := x.fit(a.extra, bare); err != nil {
		return err
	}
	c.do = func() error {
		err := bare()
		x.do()
		return err
	}
	return nil
}

// sampling is a call of the sampler for batch images.
func (a *server) sampling(model models.Model, batch int, firstBlock bool) (*call, error) {
	do, done, err := work.SamplingCall(model, a.set.Params, batch, firstBlock)
	if err != nil {
		return nil, err
	}
	a.closes = append(a.closes, done)
	return &call{batch: batch, do: do}, nil
}

// training is a call of the optimiser, on images without content.
func (a *server) training() (*call, error) {
	be, err := a.backend()
	if err != nil {
		return nil, err
	}
	batch := a.set.Training().Batch
	if batch == 0 {
		return nil, worker.Invalid("a training of the family %s has no steps that could be timed", a.set.Params.Family().Name())
	}
	tr, err := a.set.Params.NewTrainer(be, work.Noise(a.set.Params.Shape(), batch))
	if err != nil {
		return nil, err
	}
	a.closes = append(a.closes, tr.Close)
	if err := models.ForTiming(a.set.Params, tr); err != nil {
		return nil, err
	}
	return &call{batch: batch, do: func() error {
		if err := tr.Step(); err != nil {
			return err
		}
		return be.Sync()
	}}, nil
}

// exact is what of a cell has no noise: counts of the configuration and what
// the backend says that sampling held.
func (a *server) exact(be device.Backend) map[string]float64 {
	costs := a.set.Params.Costs()
	return map[string]float64{
		quantity.Params.Name:            float64(a.set.Params.Size()),
		quantity.FLOPsImage.Name:        costs.FLOPsImage,
		quantity.ARSteps.Name:           float64(costs.ARSteps),
		quantity.NFE.Name:               float64(costs.NFE),
		quantity.MemoryModel.Name:       float64(be.Peak(device.Model)),
		quantity.MemoryCache.Name:       float64(be.Peak(device.Cache)),
		quantity.MemoryActivations.Name: float64(be.Peak(device.Activations)),
	}
}

// most calls of one request: of very short ones, more say nothing new.
const most = 10_000

func (a *server) time(ctx context.Context, q Request) (answer Answer, err error) {
	c := a.calls[q.Metric]
	if c == nil {
		return answer, worker.Invalid("no cell is open whose %s could be timed", q.Metric)
	}
	plan := measure.Plan{Repeats: max(1, q.Least), Enough: q.Spend, Most: most}
	answer.Batch = c.batch
	answer.Seconds, err = measure.Seconds(ctx, plan, c.do)
	return answer, err
}

func (a *server) machine() (answer Answer, err error) {
	if kind, _, _ := strings.Cut(a.set.Measure.Device, ":"); kind != "cpu" && kind != "" {
		return answer, nil // nothing measures another device's: a yardstick of the processor would be none
	}
	threads := max(1, a.set.Measure.Threads)
	answer.Peak, answer.Bandwidth = cpu.PeakFlops(threads), cpu.CopyBandwidth(threads)
	return answer, nil
}

// Seeded leaves a model with the weights that training would begin with at
// path: its speed is that of a trained one, since no operation looks at values.
func Seeded(set stage.Settings, path string) error {
	be, err := work.Open(work.Device{Name: "cpu", Threads: 1, Precision: "fp32"})
	if err != nil {
		return err
	}
	defer be.Close()
	m, err := set.Params.NewModel(be)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.SaveModel(path)
}
