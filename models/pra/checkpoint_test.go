package pra

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/models/safetensors"
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
		"beta": func(_ *Config, tc *TrainConfig) { tc.Beta2 = 0.999 },
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

// A file that was written before train.beta2 came means the value it had then.
func TestFilesOfBeforeALaterKeyAreRead(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	tc.Batch, tc.Steps = 3, 4
	images := smallImages(c, 5)
	open := func(tc TrainConfig) *Trainer {
		tr, err := NewTrainer(openDevice(t, 1), c, tc, images)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.Close)
		return tr
	}
	old := func(path string) string {
		f, err := safetensors.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		train := strings.Replace(f.Metadata["train"], `"beta2":0.95,`, "", 1)
		if train == f.Metadata["train"] {
			t.Fatalf("no beta2 in %s", train)
		}
		f.Metadata["train"] = train
		if err := safetensors.Write(path, f); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dir := t.TempDir()
	first := open(tc)
	if err := first.Step(); err != nil {
		t.Fatal(err)
	}
	if err := first.Save(filepath.Join(dir, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	if err := first.SaveModel(filepath.Join(dir, "model")); err != nil {
		t.Fatal(err)
	}
	again := open(tc)
	if err := again.Resume(old(filepath.Join(dir, "checkpoint"))); err != nil {
		t.Fatalf("a checkpoint of before: %v", err)
	}
	m, err := LoadModel(openDevice(t, 1), old(filepath.Join(dir, "model")))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Train != tc {
		t.Errorf("a model of before was trained with %+v, not with %+v", m.Train, tc)
	}

	// The key is read: the second step differs, by it alone.
	other := tc
	other.Beta2 = 0.5
	changed := open(other)
	for _, tr := range []*Trainer{first, again, changed} {
		for tr.Done() < 3 {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if first.Losses() != again.Losses() {
		t.Errorf("losses %+v after resuming, %+v without", again.Losses(), first.Losses())
	}
	if first.Losses().Total == changed.Losses().Total {
		t.Error("train.beta2 changes nothing")
	}
}
