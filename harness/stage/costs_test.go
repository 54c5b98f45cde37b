package stage

import (
	"math"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	_ "prabench/models/families"
	"prabench/models/pra"
)

// plain is a family's defaults for small images.
func plain(f models.Family) models.Params {
	return f.Defaults().For(models.Shape{Size: 14, Channels: 1, Classes: 3})
}

// What the plan says that sampling holds is what a sampler on the processor does
// hold, with the copies of weights, up to the rounding of each allocation.
func TestSampleMemoryIsWhatASamplerHolds(t *testing.T) {
	for _, f := range models.Families() {
		for _, precision := range []string{"fp32", "bf16"} {
			t.Run(f.Name()+" "+precision, func(t *testing.T) {
				s := &Settings{Params: plain(f), Measure: Measure{Device: "cpu", Precision: precision, Batch: 24}}
				be, err := cpu.NewPrecision(1, precision)
				if err != nil {
					t.Skip(err)
				}
				defer be.Close()
				m, err := s.Params.NewModel(be)
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				smp, err := m.Sampler(s.Params, s.Measure.Batch)
				if err != nil {
					t.Fatal(err)
				}
				defer smp.Close()
				n := s.Measure.Batch
				if err := smp.Sample(make([]int32, n), make([]uint32, n), make([]uint8, n*s.Params.Shape().Bytes())); err != nil {
					t.Fatal(err)
				}
				want := s.Costs().Sample
				for class, want := range map[device.Class]int64{device.Model: want.Model, device.Cache: want.Cache} {
					if got := be.Peak(class); got < want-want/20 || got > want+want/20+64*300 {
						t.Errorf("class %v: %d bytes held, %d planned", class, got, want)
					}
				}
				// A processor computes the modulations of the flow's steps a part at a
				// time, where the plan has room for all at once.
				if got := be.Peak(device.Activations); got > want.Activations+64*300 {
					t.Errorf("activations: %d bytes held, %d planned", got, want.Activations)
				}
				if copies := be.Peak(device.Model) - 4*s.Params.Size(); f.Name() == "pra" && precision == "fp32" && copies < 3*s.Params.Size() {
					t.Errorf("the copies take %d bytes of a model of %d numbers", copies, s.Params.Size())
				}
			})
		}
	}
}

// Of the head's arithmetic only the embedding of the flow times is shared by the
// images of a call: 2·steps·(features·H + H·H) operations, written down here.
func TestArithmeticOfACall(t *testing.T) {
	f, err := models.Named("pra")
	if err != nil {
		t.Fatal(err)
	}
	p := plain(f).(pra.Params)
	one := p.Costs().FLOPsImage
	h := float64(p.Model.HeadWidth)
	once := 2 * float64(p.Sample.FlowSteps) * (64*h + h*h)
	for _, batch := range []int{1, 2, 7, 64} {
		got, err := SamplingFLOPs(p, batch)
		if want := float64(batch)*(one-once) + once; err != nil || math.Abs(got-want) > 1e-9*want {
			t.Errorf("%d images: %g operations, by hand %g (%v)", batch, got, want, err)
		}
	}
}
