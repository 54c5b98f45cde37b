//go:build cuda

package selftest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"prabench/models/cuda"
	"prabench/models/cuda/kernels"
	"prabench/models/cuda/kernels/roofline"
	"prabench/models/device"
	"prabench/models/pra"
	"prabench/models/pra/sizes"
)

// subject is a model to be timed in one way.
type subject struct {
	name  string
	batch int
	o     cuda.Options
	plain bool // also without graphs
	train bool
}

// subjects are rows in the order of what is most asked for: the time may end.
func (r *report) subjects() (out []subject) {
	if r.doc.StandIn {
		for _, o := range ways {
			if !(o.NoBLAS && o.Precision == "bf16") { // minutes, on a CPU
				out = append(out, subject{"micro", 2, o, o.NoBLAS, true})
			}
		}
		return out
	}
	bf16, fp32, own, own32 := ways[0], ways[1], ways[2], ways[3]
	chain := cuda.Options{Precision: "bf16", Chain: true}
	return []subject{
		{"pra-s", 64, bf16, true, true}, {"pra-s", 64, chain, true, false}, {"pra-s", 1, bf16, true, false}, {"pra-s", 1, chain, true, false},
		{"pra-l", 64, chain, false, false}, {"pra-s", 256, bf16, false, false}, {"pra-l", 64, bf16, false, false},
		{"pra-s", 64, fp32, false, true}, {"small", 64, bf16, true, true}, {"micro", 64, bf16, true, true}, {"pra-s", 64, own, false, true},
		{"small", 64, fp32, false, true}, {"pra-s", 1, own, false, false}, {"pra-s", 256, own, false, false}, {"micro", 64, fp32, false, true},
		{"pra-s", 64, own32, false, true},
	}
}

// models times sampling and training beside a roofline made of what speed
// measured.
func (r *report) models(t *testing.T, d roofline.Device) {
	for _, s := range r.subjects() {
		size, err := sizes.Named(s.name)
		must(t, err)
		if r.doc.StandIn {
			size.Model.Patch, size.Sample.FlowSteps, size.Train.FlowSamples = 14, 2, 1
		}
		size.Train.Batch = s.batch
		line := row{Model: s.name, Params: size.Model.Params(), Precision: s.o.Precision, Products: products(s.o), Batch: s.batch,
			FlowSteps: size.Sample.FlowSteps}
		if *budget > 0 && time.Since(begun) > *budget {
			line.Error = "not reached in time"
		} else {
			t.Run(fmt.Sprint(s.name, " ", s.batch, " ", way(s.o)), func(t *testing.T) { r.model(t, s, size, d, &line) })
		}
		r.doc.Models = append(r.doc.Models, line)
		r.save()
	}
}

func (r *report) model(t *testing.T, s subject, size sizes.Size, d roofline.Device, line *row) {
	be, why := r.openWay(t, s.o)
	if be == nil {
		line.Error = why
		return
	}
	if why := chainless(be, s.o); why != "" {
		line.Error = why
		return
	}
	calls, err := sampling(be, be, size, s.batch, 4) // plainly, recorded, replayed twice
	if err != nil {
		line.Error = err.Error()
		t.Error(err)
		return
	}
	line.Sampling = float64(s.batch) / min(calls[2], calls[3])
	line.Recording = max(0, calls[1]-min(calls[2], calls[3]))
	for class := range device.Classes {
		line.Memory += be.Peak(class)
	}
	if recorded, _, nodes := be.Graphs(); recorded > 0 {
		line.Launches = nodes / recorded
	}
	be.Close()
	if s.plain {
		o := s.o
		o.NoGraphs = true
		if be, _ := r.openWay(t, o); be != nil {
			if calls, err := sampling(be, be, size, s.batch, 2); err == nil {
				line.Plain = float64(s.batch) / calls[1]
			}
			be.Close()
		}
	}
	if d.Bandwidth > 0 {
		products := kernels.FP32
		if s.o.Precision == "bf16" {
			products = kernels.BF16
		}
		d.CuBLAS = !s.o.NoBLAS
		bound, err := roofline.Sample(size.Model, size.Sample, s.batch, products, d)
		must(t, err)
		line.Bound = bound.ImagesPerSecond(0)
	}
	if s.train {
		if be, _ := r.openWay(t, s.o); be != nil {
			seconds, err := trainingStep(be, size)
			if err != nil {
				t.Log("training: ", err)
			} else {
				line.Training = float64(s.batch) / seconds
			}
			be.Close()
		}
	}
}

// sampling is the seconds of calls for a batch on w, which is be or wraps it, by
// the device's clock. The graphs are kept until the backend is closed, so that
// they can be counted.
func sampling(be *cuda.Backend, w device.Backend, size sizes.Size, batch, n int) (out []float64, err error) {
	m, err := pra.NewModel(w, size.Model, 1)
	if err != nil {
		return nil, err
	}
	s, err := pra.NewSampler(m, size.Sample, batch)
	if err != nil {
		return nil, err
	}
	labels, ids := make([]int32, batch), make([]uint32, batch)
	for i := range labels {
		labels[i], ids[i] = int32(i%size.Model.Classes), uint32(i)
	}
	for range n {
		seconds, err := be.Time(func() error { _, err := s.Tokens(labels, ids); return err })
		if err == nil && !(seconds > 0) {
			err = fmt.Errorf("the device's clock says that sampling took %v s", seconds)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, seconds)
	}
	return out, nil
}

// trainingStep is the shortest of some steps after the first.
func trainingStep(be *cuda.Backend, size sizes.Size) (float64, error) {
	tr, err := pra.NewTrainer(be, size.Model, size.Train, images(size.Model, size.Train.Batch))
	if err != nil {
		return 0, err
	}
	defer tr.Close()
	least := math.Inf(1)
	for i := range 4 {
		seconds, err := be.Time(tr.Step)
		if err != nil {
			return 0, err
		}
		if i > 0 {
			least = min(least, seconds)
		}
	}
	return least, nil
}
