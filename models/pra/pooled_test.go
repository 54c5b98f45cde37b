package pra

import (
	"math"
	"testing"

	"prabench/models"
	"prabench/models/layers"
)

func pooled(t *testing.T, m *Model, d models.Images, batch int) []float32 {
	t.Helper()
	x, err := m.PooledFeatures(d, "ema", batch, func(int) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// The features are the mean of h over the tokens, whatever is read at once.
func TestPooledFeatures(t *testing.T) {
	be := openDevice(t, 1)
	c := smallConfig()
	m, d := warmModel(t, be, c), smallImages(c, 7)
	got := pooled(t, m, d, 7)
	for _, batch := range []int{1, 3} {
		within4(t, "another batch", pooled(t, m, d, batch), got)
	}

	// h itself, token by token, of one image in the null class.
	mem := layers.Memory{Be: be}
	defer mem.Free()
	N, P, W := c.Tokens(), c.TokenDim(), c.Width
	acts, x, labels := m.net.trunkActs(&mem, 1, false), mem.Act(N*P), mem.Ints(1)
	tokens := make([]float32, N*P)
	c.patches().Cut(tokens, d.Pixels[2*c.Size*c.Size:3*c.Size*c.Size], c.order())
	be.Upload(x, tokens)
	be.UploadInts(labels, []int32{int32(c.Classes)})
	m.net.trunk(m.ema, acts, x, labels, 1)
	h := make([]float32, N*W)
	be.Download(h, acts.H)
	for k := range W {
		var mean float64
		for j := range N {
			mean += float64(h[j*W+k]) / float64(N)
		}
		if math.Abs(mean-float64(got[2*W+k])) > 1e-5 {
			t.Fatalf("feature %d of image 2 is %g, the mean of h %g", k, got[2*W+k], mean)
		}
	}
}

// The features must not know the label.
func TestPooledFeaturesDoNotSeeTheLabel(t *testing.T) {
	be := openDevice(t, 1)
	c := smallConfig()
	m, d := warmModel(t, be, c), smallImages(c, 3)
	before := pooled(t, m, d, 3)
	d.Labels = []int32{2, 0, 0}
	within4(t, "other labels", pooled(t, m, d, 3), before)
}
