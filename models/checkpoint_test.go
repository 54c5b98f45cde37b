package models

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A model file reads back to the same images, whatever is flipped in it is
// found, and another architecture's weights are refused.
func TestModelFile(t *testing.T) {
	be := openDevice(t, 1)
	c := smallConfig()
	m := warmModel(t, be, c)
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := m.SaveModel(path); err != nil {
		t.Fatal(err)
	}
	back, err := LoadModel(be, path)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if back.Config != c {
		t.Errorf("configuration %+v, saved %+v", back.Config, c)
	}
	sc := DefaultSample()
	labels, ids := []int32{0, 1}, []uint32{3, 4}
	if d := furthest(draw(t, m, sc, 2, labels, ids), draw(t, back, sc, 2, labels, ids)); d != 0 {
		t.Errorf("images differ by %g after a round trip", d)
	}

	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		bad := append([]byte(nil), whole...)
		at := r.IntN(len(bad))
		bad[at] ^= 1 << r.IntN(8)
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := LoadModel(be, path)
		if err == nil {
			got.Close()
			t.Fatalf("a flipped bit at byte %d of %d went unseen", at, len(bad))
		}
		if !strings.Contains(err.Error(), path) {
			t.Fatalf("the error does not name the file: %v", err)
		}
	}
}

func TestResumeRefusesAnotherTraining(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	tc.Batch = 3
	open := func(c Config, tc TrainConfig) *Trainer {
		tr, err := NewTrainer(openDevice(t, 1), c, tc, smallImages(c, 5))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.Close)
		return tr
	}
	path := filepath.Join(t.TempDir(), "checkpoint")
	if err := open(c, tc).Save(path); err != nil {
		t.Fatal(err)
	}
	same := tc
	same.Anchor = 0.9 // not read at depth 1
	if err := open(c, same).Resume(path); err != nil {
		t.Errorf("the same training: %v", err)
	}
	for name, set := range map[string]func(*Config, *TrainConfig){
		"seed": func(_ *Config, tc *TrainConfig) { tc.Seed++ },
		"lr":   func(_ *Config, tc *TrainConfig) { tc.LR *= 2 },
		"head": func(c *Config, _ *TrainConfig) { c.HeadDepth++ },
	} {
		c2, tc2 := c, tc
		set(&c2, &tc2)
		if err := open(c2, tc2).Resume(path); err == nil {
			t.Errorf("another %s was resumed", name)
		}
	}
	model := filepath.Join(t.TempDir(), "model")
	if err := open(c, tc).SaveModel(model); err != nil {
		t.Fatal(err)
	}
	if err := open(c, tc).Resume(model); err == nil {
		t.Error("a model file was resumed as a training")
	}
}
