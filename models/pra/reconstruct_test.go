package pra

import (
	"bytes"
	"fmt"
	"testing"
)

// A reconstruction is what a training without state noise decodes, whatever is read at
// once and whatever encoder and decoder see.
func TestReconstructionIsWhatATrainingDecodes(t *testing.T) {
	be := openDevice(t, 1)
	for _, v := range variants() {
		c, tc := v.cfg, DefaultTrain()
		tc.Batch, tc.StateNoise, tc.ClassDropout = 5, 0, 0
		d := smallImages(c, 5)
		tr, err := NewTrainer(be, c, tc, d)
		if err != nil {
			t.Fatal(err)
		}
		warm := warmModel(t, be, c)
		flat := make([]float32, tr.net.Total)
		be.Download(flat, warm.raw)
		be.Upload(tr.Model.raw, flat)
		if err := tr.loadBatch(0); err != nil {
			t.Fatal(err)
		}
		tr.forwardBackward(0)
		size, per := c.Size*c.Size*c.Channels, c.Tokens()*c.TokenDim()
		tokens := make([]float32, 5*per)
		if c.State > 0 {
			be.Download(tokens, tr.acts.rec)
		} else {
			be.Download(tokens, tr.acts.x)
		}
		seen := make([]float32, 5*per) // in the order of the training
		be.Download(seen, tr.acts.x)
		for _, batch := range []int{1, 2, 5, 100} {
			reported := 0
			got, codes, err := warm.Reconstruct(d, "raw", batch, func(done int) error { reported = done; return nil })
			if err != nil || codes != nil || reported != 5 {
				t.Fatalf("%s: %v, %d codes, %d done", v.name, err, len(codes), reported)
			}
			for i := range 5 {
				image := make([]uint8, size)
				c.patches().Join(image, seen[i*per:(i+1)*per], c.order())
				for j := range 5 {
					if bytes.Equal(image, d.Pixels[j*size:(j+1)*size]) {
						c.patches().Join(image, tokens[i*per:(i+1)*per], c.order())
						near(t, fmt.Sprintf("%s: image %d in batches of %d", v.name, j, batch), got[j*size:(j+1)*size], image)
					}
				}
			}
		}
		tr.Close()
	}
}

func TestReconstructRefuses(t *testing.T) {
	c := smallConfig()
	m, d := warmModel(t, openDevice(t, 1), c), smallImages(c, 3)
	done := func(int) error { return nil }
	other, none, unlabelled := d, d, d
	other.Size, none.N, unlabelled.Labels = 4, 0, nil
	for name, err := range map[string]error{
		"another size":  third(m.Reconstruct(other, "ema", 2, done)),
		"no images":     third(m.Reconstruct(none, "ema", 2, done)),
		"no labels":     third(m.Reconstruct(unlabelled, "ema", 2, done)),
		"none at once":  third(m.Reconstruct(d, "ema", 0, done)),
		"a stop midway": third(m.Reconstruct(d, "ema", 1, func(n int) error { return fmt.Errorf("stopped at %d", n) })),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }
