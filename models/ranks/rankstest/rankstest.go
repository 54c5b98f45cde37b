// Package rankstest holds that a family's training is the same at any number of ranks.
package rankstest

import (
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/ranks"
)

// Opener opens the device of one rank.
type Opener func(threads int) (device.Backend, error)

// Steps is how many steps trainings are compared over.
const Steps = 50

// Trained is what the ranks of a training came to.
type Trained struct {
	Losses []models.Losses // after each step, of rank 0
	Model  string          // path of its model
	State  string          // of what it can be gone on from
}

// Train trains as a group of size processes from a state, "" for the beginning, to a
// step. The ranks are goroutines; each must end with the same files.
func Train(t *testing.T, open Opener, p models.Params, images models.Images, size int, from string, to int) Trained {
	t.Helper()
	dir := t.TempDir()
	out := Trained{Model: filepath.Join(dir, "model"), State: filepath.Join(dir, "state")}
	path := ""
	if size > 1 {
		var err error
		if path, err = ranks.Meet(size); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
	}
	models := make([][]byte, size)
	var wg sync.WaitGroup
	for r := range size {
		wg.Go(func() {
			raw, err := rank(&out, open, p, images, path, r, from, to)
			if models[r] = raw; err != nil {
				t.Errorf("rank %d of %d: %v", r, size, err)
			}
		})
	}
	wg.Wait()
	for r := range models {
		if string(models[r]) != string(models[0]) {
			t.Errorf("rank %d of %d has other weights than rank 0", r, size)
		}
	}
	return out
}

func rank(out *Trained, open Opener, p models.Params, images models.Images, path string, r int, from string, to int) (model []byte,
	err error,
) {
	var g ranks.Group = ranks.Alone{}
	if path != "" {
		if g, err = ranks.Join(path, r); err != nil {
			return nil, err
		}
		defer g.Close()
	}
	be, err := open(1)
	if err != nil {
		return nil, err
	}
	defer be.Close()
	tr, err := p.(models.Shared).NewRank(be, images, g)
	if err != nil {
		return nil, err
	}
	defer tr.Close()
	if from != "" {
		if _, err := tr.Resume(from); err != nil {
			return nil, err
		}
	}
	for tr.Done() < to {
		if err := tr.Step(); err != nil {
			return nil, err
		}
		if r == 0 {
			out.Losses = append(out.Losses, tr.Losses())
		}
	}
	own := filepath.Join(filepath.Dir(out.Model), "rank"+string(rune('0'+r)))
	if err := tr.SaveModel(own); err != nil {
		return nil, err
	}
	if r == 0 {
		if err := tr.SaveModel(out.Model); err != nil {
			return nil, err
		}
		if err := tr.Save(out.State, "note"); err != nil {
			return nil, err
		}
	}
	return os.ReadFile(own)
}

// Apart is the largest relative difference of total losses.
func Apart(a, b []models.Losses) (most float64) {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	for i := range a {
		most = math.Max(most, math.Abs(a[i].Total()-b[i].Total())/math.Abs(b[i].Total()))
	}
	return most
}

// Law is that 1, 2 and 4 ranks do the same training within 1e-5 of each loss, and that
// what some of them saved any number of others goes on from. The batch of p must be
// one that 4 divides.
func Law(t *testing.T, p models.Params, images models.Images) {
	t.Helper()
	LawOn(t, func(threads int) (device.Backend, error) { return cpu.New(threads) }, p, images)
}

// LawOn is Law on another device.
func LawOn(t *testing.T, open Opener, p models.Params, images models.Images) {
	t.Helper()
	alone := Train(t, open, p, images, 1, "", Steps)
	for _, size := range []int{2, 4} {
		many := Train(t, open, p, images, size, "", Steps)
		d := Apart(many.Losses, alone.Losses)
		if !(d <= 1e-5) {
			t.Errorf("%d ranks: losses differ by %.2g", size, d)
		}
		t.Logf("%d ranks: losses differ by at most %.2g over %d steps", size, d, Steps)
		again := Train(t, open, p, images, size, "", Steps)
		if a, b := read(t, many.Model), read(t, again.Model); a != b {
			t.Errorf("%d ranks do not repeat their training to the bit", size)
		}
	}
	const half = Steps / 2
	two := Train(t, open, p, images, 2, "", half)
	for _, size := range []int{1, 2, 4} {
		rest := Train(t, open, p, images, size, two.State, Steps)
		if d := Apart(rest.Losses, alone.Losses[half:]); !(d <= 1e-5) {
			t.Errorf("2 ranks, then %d: losses differ by %.2g", size, d)
		}
	}
	whole := Train(t, open, p, images, 2, "", Steps)
	if rest := Train(t, open, p, images, 2, two.State, Steps); read(t, rest.State) != read(t, whole.State) {
		t.Error("2 ranks that stopped and went on are not 2 ranks that did not stop")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
