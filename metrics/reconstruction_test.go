package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Codebooks whose use and perplexity are known.
func TestCodebook(t *testing.T) {
	for name, c := range map[string]struct {
		codes           []int32
		n, size         int
		use, perplexity float64
	}{
		"one code":               {[]int32{2, 2, 2, 2}, 4, 8, 1. / 8, 1},
		"all equally often":      {[]int32{0, 1, 2, 3, 3, 2, 1, 0}, 4, 4, 1, 4},
		"half of the book":       {[]int32{0, 1, 0, 1, 1, 0, 1, 0}, 8, 4, .5, 2},
		"a quarter and the rest": {[]int32{0, 1, 1, 1, 0, 1, 1, 1}, 8, 2, 1, 4 / math.Pow(3, .75)}, // exp(−¾ln¾ − ¼ln¼)
	} {
		use, perplexity, err := Codebook(c.codes, c.n, nil, c.size)
		if err != nil || math.Abs(use.Value-c.use) > 1e-12 || math.Abs(perplexity.Value-c.perplexity) > 1e-12 {
			t.Errorf("%s: use %g, perplexity %g (%v), want %g and %g", name, use.Value, perplexity.Value, err, c.use, c.perplexity)
		}
		if use.HasInterval() {
			t.Errorf("%s: the share of codes that occur has the interval %+v", name, use)
		}
		if perplexity.HasInterval() && (perplexity.Lo < 1 || perplexity.Hi > float64(c.size)) {
			t.Errorf("%s: %+v reaches beyond what there is", name, perplexity)
		}
	}
	for name, err := range map[string]error{
		"three images":         third(Codebook([]int32{0, 1, 2}, 3, nil, 4)),
		"half a code an image": third(Codebook([]int32{0, 1, 2, 3, 0, 1}, 4, nil, 4)),
		"a code beyond":        third(Codebook([]int32{0, 1, 2, 4}, 4, nil, 4)),
		"none":                 third(Codebook(nil, 4, nil, 4)),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

// The interval of the perplexity holds that of the source in about 95 of 100 sets.
func TestCodebookCovers(t *testing.T) {
	p := []float64{.4, .3, .2, .1}
	want := perplexityOf(p)
	held, sets := 0, 400
	for s := range sets {
		r := rand.New(rand.NewPCG(uint64(s), 5))
		codes := make([]int32, 400*8)
		for i := range codes {
			u := r.Float64()
			for k := range p {
				if u -= p[k]; u < 0 {
					codes[i] = int32(k)
					break
				}
			}
		}
		_, e, err := Codebook(codes, 400, nil, 4)
		if err != nil {
			t.Fatal(err)
		}
		if e.Lo <= want && want <= e.Hi {
			held++
		}
	}
	if share := float64(held) / float64(sets); share < .92 || share > .98 {
		t.Errorf("%d of %d intervals hold the perplexity", held, sets)
	}
}

func TestReconstructionError(t *testing.T) {
	real := Pictures{N: 6, Size: 2, Channels: 1, Pixels: make([]uint8, 24)}
	made := real
	made.Pixels = make([]uint8, 24)
	for i := range made.Pixels {
		made.Pixels[i] = uint8(i / 4 * 10) // image i is off by 10·i everywhere
	}
	var want float64
	for i := range 6 {
		want += math.Pow(float64(10*i)/127.5, 2) / 6
	}
	e, err := ReconstructionError(real, made)
	if err != nil || math.Abs(e.Value-want) > 1e-12 || !(e.Lo < want && want < e.Hi) || e.Lo < 0 {
		t.Errorf("%+v (%v), want %g", e, err, want)
	}
	if e, err := ReconstructionError(real, real); err != nil || e.Value != 0 || e.HasInterval() {
		t.Errorf("images as they are: %+v (%v)", e, err)
	}
	made.N, made.Pixels = 5, made.Pixels[:20]
	if _, err := ReconstructionError(real, made); err == nil {
		t.Error("six images and five reconstructions were compared")
	}
}
