package families_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
)

// The three seeds apart say all that a training seed says, each moves a training, and
// the training seed no longer does once all three have their own.
func TestSeedsApart(t *testing.T) {
	shape := models.Shape{Size: 8, Channels: 1, Classes: 2}
	images := models.Images{N: 12, Size: 8, Channels: 1, Pixels: make([]uint8, 12*64), Labels: make([]int32, 12)}
	for i := range images.Pixels {
		images.Pixels[i] = uint8(i * 37)
	}
	for _, f := range models.Families() {
		small := f.Defaults().For(shape)
		for key, v := range map[string]int{"model.patch": 4, "model.width": 16, "model.depth": 1, "model.heads": 2, "model.head_width": 16,
			"model.head_depth": 1, "model.coder_width": 16, "model.state": 6, "train.steps": 5, "train.batch": 4} {
			small, _ = models.Set(small, key, v)
		}
		if _, ok := models.Get(small, models.SeedKeys[0]); !ok {
			continue // a family without trainings that seeds decide
		}
		with := func(seed uint64, apart ...uint64) models.Params {
			p := small.Seeded(seed)
			for i, s := range apart {
				p, _ = models.Set(p, models.SeedKeys[i], s)
			}
			return p
		}
		one := trained(t, with(1), images)
		if got := trained(t, with(9, 1, 1, 1), images); !slices.Equal(got, one) {
			t.Errorf("%s: three seeds of 1 are not the training seed 1", f.Name())
		}
		if with(9, 1, 1, 1).Canonical() != with(1).Canonical() || with(1, 1).Canonical() != with(1).Canonical() {
			t.Errorf("%s: the same training is not canonically the same", f.Name())
		}
		known := [][]float64{one}
		for i := range models.SeedKeys {
			apart := []uint64{1, 1, 1}
			apart[i] = 2
			got := trained(t, with(1, apart...), images)
			if slices.ContainsFunc(known, func(k []float64) bool { return slices.Equal(k, got) }) {
				t.Errorf("%s: %s = 2 changes nothing, or what another one does", f.Name(), models.SeedKeys[i])
			}
			known = append(known, got)
			if with(1, apart...).Canonical() == with(1).Canonical() {
				t.Errorf("%s: %s is left out of what names a training", f.Name(), models.SeedKeys[i])
			}
		}
		if initial(t, with(5, 2)) != initial(t, with(2)) || initial(t, with(1, 0, 7, 7)) != initial(t, with(1)) {
			t.Errorf("%s: the initial weights are not those of seed.init", f.Name())
		}
	}
}

// trained is the losses of a few steps.
func trained(t *testing.T, p models.Params, images models.Images) (out []float64) {
	t.Helper()
	be, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	tr, err := p.NewTrainer(be, images)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for range 4 {
		if err := tr.Step(); err != nil {
			t.Fatal(err)
		}
		l := tr.Losses()
		for _, v := range l.Values {
			out = append(out, v.Value)
		}
	}
	return out
}

// initial is the weights that a training begins with, without what the file says of
// its parameters.
func initial(t *testing.T, p models.Params) string {
	t.Helper()
	be, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	m, err := p.NewModel(be)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	path := filepath.Join(t.TempDir(), "m")
	if err := m.SaveModel(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw[len(raw)-2000:])
}
