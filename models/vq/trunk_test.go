package vq

import (
	"path/filepath"
	"testing"

	"prabench/models/golden"
)

// trunks are settings of the transformer's keys, each apart and all together.
var trunks = map[string]func(c *Config){
	"RMSNorm":      func(c *Config) { c.Norm = "rmsnorm" },
	"SwiGLU":       func(c *Config) { c.MLPKind = "swiglu" },
	"RoPE":         func(c *Config) { c.Positions, c.Block = "rope2d", 2 },
	"QK norm":      func(c *Config) { c.QKNorm = "rmsnorm" },
	"class tokens": func(c *Config) { c.ClassTokens, c.Positions, c.Block = 3, "rope2d", 2 },
	"all": func(c *Config) {
		c.Norm, c.MLPKind, c.Positions, c.QKNorm, c.Block = "rmsnorm", "swiglu", "rope2d", "rmsnorm", 4
	},
}

// An image is the same in any batch and at any number of threads, another one than
// without the key, and the file of a model draws it again.
func TestLawTrunk(t *testing.T) {
	for name, set := range trunks {
		t.Run(name, func(t *testing.T) {
			p := small()
			p.Sample.Temperature = 0
			plain := p
			set(&p.Model)
			plain.Model.Block = p.Model.Block
			images := func(p Params, threads, batch int) []float32 {
				tr := trainer(t, open(t, threads), p, 6)
				warm(tr.model)
				return draw(t, tr.model, p, 7, batch)
			}
			want := images(p, 1, 7)
			for _, x := range []struct{ threads, batch int }{{1, 1}, {2, 3}} {
				if d := golden.Furthest(images(p, x.threads, x.batch), want); !(d <= 1e-4) {
					t.Errorf("%+v: values differ by %g", x, d)
				}
			}
			if golden.Furthest(images(plain, 1, 7), want) < 1e-3 {
				t.Error("the key changes no image")
			}
			tr := trainer(t, open(t, 1), p, 6)
			warm(tr.model)
			path := filepath.Join(t.TempDir(), "model")
			if err := tr.model.SaveModel(path); err != nil {
				t.Fatal(err)
			}
			if d := golden.Furthest(draw(t, load(t, open(t, 1), path), p, 7, 7), want); d != 0 {
				t.Errorf("the model of the file draws values that differ by %g", d)
			}
		})
	}
}

// A training under each key goes on to the bit.
func TestLawTrunkResumes(t *testing.T) {
	for name, set := range trunks {
		t.Run(name, func(t *testing.T) {
			p := small()
			p.Train.TokenizerShare = 0.25
			set(&p.Model)
			run := func(tr *Trainer, steps int) *Trainer {
				for range steps {
					if err := tr.Step(); err != nil {
						t.Fatal(err)
					}
				}
				return tr
			}
			whole, half := run(trainer(t, open(t, 1), p, 9), 8), run(trainer(t, open(t, 1), p, 9), 4)
			path := filepath.Join(t.TempDir(), "half")
			if err := half.Save(path, "note"); err != nil {
				t.Fatal(err)
			}
			again := trainer(t, open(t, 1), p, 9)
			if _, err := again.Resume(path); err != nil {
				t.Fatal(err)
			}
			run(again, 4)
			if a, b := whole.Losses().Total(), again.Losses().Total(); a != b {
				t.Errorf("resumed %g, never stopped %g", b, a)
			}
		})
	}
}
