package families_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
)

// A training that keeps several averages has for each what a training with that one alone
// has, before and after it was resumed, and sampling draws from the one it names.
func TestAveragesAreThoseOfTrainingsWithOne(t *testing.T) {
	const n, batch = 14, 4
	shape := models.Shape{Size: 8, Channels: 1, Classes: 2}
	images := models.Images{N: n, Size: 8, Channels: 1, Pixels: make([]uint8, n*64), Labels: make([]int32, n)}
	for i := range images.Pixels {
		images.Pixels[i] = uint8(i * i * 37)
	}
	be, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	several := 0
	for _, f := range models.Families() {
		small := f.Defaults().For(shape)
		for key, v := range map[string]any{"model.patch": 4, "model.width": 16, "model.depth": 1, "model.heads": 2, "model.head_width": 16,
			"model.head_depth": 1, "model.coder_width": 16, "model.state": 6, "train.steps": 30, "train.batch": batch, "train.lr": 0.01} {
			small, _ = models.Set(small, key, v)
		}
		with := func(decays ...float64) models.Params {
			p, ok := models.Set(small, "train.ema", models.AveragesOf(decays...))
			if !ok || p.Validate() != nil {
				return nil
			}
			return p
		}
		all := with(0.9, 0, 0.5)
		if all == nil {
			continue // it keeps one average, or has no training
		}
		several++
		open := func(p models.Params) models.Trainer {
			tr, err := p.NewTrainer(be, images)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(tr.Close)
			return tr
		}
		step := func(tr models.Trainer, to int) {
			for tr.Done() < to {
				if err := tr.Step(); err != nil {
					t.Fatal(err)
				}
			}
		}
		drawn := func(tr models.Trainer, weights string) []byte {
			path := filepath.Join(t.TempDir(), "model.safetensors")
			if err := tr.SaveModel(path); err != nil {
				t.Fatal(err)
			}
			m, err := models.Load(be, path)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			p, _ := models.Set(m.Params(), "sample.weights", weights)
			s, err := m.Sampler(p, batch)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			out := make([]byte, batch*64)
			if err := s.Sample([]int32{0, 1, 0, 1}, []uint32{1, 2, 3, 4}, out); err != nil {
				t.Fatal(err)
			}
			return out
		}

		other, _ := models.Set(all, "sample.weights", "0.5")
		if c, usual := other.Costs(), all.Costs(); c != usual || c.FLOPsImage == 0 {
			t.Errorf("%s: another average costs %+v, the first %+v", f.Name(), c, usual)
		}
		one, two, three := with(0.9).SampleMemory(2).Model, with(0.9, 0).SampleMemory(2).Model, other.SampleMemory(2).Model
		if one == 0 || two <= one || three-two != two-one {
			t.Errorf("%s: a model holds %d bytes with an average, %d with two, %d with three", f.Name(), one, two, three)
		}

		half, kept := open(all), filepath.Join(t.TempDir(), "half.safetensors")
		step(half, 12)
		if err := half.Save(kept, ""); err != nil {
			t.Fatal(err)
		}
		whole, resumed := open(all), open(all)
		if _, err := resumed.Resume(kept); err != nil {
			t.Fatal(err)
		}
		step(whole, 30)
		step(resumed, 30)
		var seen [][]byte
		for _, c := range []struct {
			name  string
			decay float64
		}{{"ema", 0.9}, {"0.9", 0.9}, {"0", 0}, {"0.5", 0.5}, {"raw", 0}} {
			single := open(with(c.decay))
			step(single, 30)
			want := drawn(single, "ema")
			if !bytes.Equal(drawn(whole, c.name), want) {
				t.Errorf("%s: the average %s of several draws other images than alone", f.Name(), c.name)
			}
			if !bytes.Equal(drawn(resumed, c.name), want) {
				t.Errorf("%s: the average %s draws other images once it was resumed", f.Name(), c.name)
			}
			seen = append(seen, want)
		}
		if bytes.Equal(seen[0], seen[2]) || bytes.Equal(seen[2], seen[3]) || bytes.Equal(seen[0], seen[3]) {
			t.Errorf("%s: two decays draw the same images, so this compares nothing", f.Name())
		}
		if one := with(0.9); one != nil {
			m, _ := models.Set(one, "sample.weights", "0.9")
			if m.Validate() == nil {
				t.Errorf("%s: a training with one average takes sample.weights = \"0.9\"", f.Name())
			}
		}
	}
	if trained := len(models.Families()) - 1; several != trained { // all but the Gaussians
		t.Errorf("%d of %d families that are trained keep several averages", several, trained)
	}
}
