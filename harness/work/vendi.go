package work

import (
	"time"

	"prabench/harness/stage"
	"prabench/metrics"
	"prabench/metrics/quantity"
)

// Vendi counts how many images unlike each other the drawn ones are worth, in
// the embedder's features, beside as many held-out images.
var Vendi = &stage.Kind{
	Name:     "vendi",
	Inputs:   []*stage.Kind{Sample},
	Optional: featured(),
	Chief:    Sample,
	Wanted:   func(s *stage.Settings) bool { return s.Extras.Vendi > 0 },
	Version:  "1",
	Part:     func(s *stage.Settings) any { return vendiPart{s.DataHash, s.EmbedderHash, s.Extras.Vendi} },
	Effort:   func(*stage.Settings, *stage.Costs) stage.Effort { return stage.Effort{Other: 3 * time.Second} },
	Memory:   func(h stage.Host) int64 { return h.Data() + h.Images(min(h.Extras.Vendi, h.Count)) + embedding(h) },
	Lacks: func(s *stage.Settings, n stage.Images) error {
		return stage.HeldOut("metrics.vendi", min(s.Extras.Vendi, s.Count), n.Test, metrics.Least)
	},
}

type vendiPart struct {
	Data     string `json:"data"`     // hash
	Embedder string `json:"embedder"` // hash
	Count    int    `json:"count"`
}

// vendi scores the first drawn images and as many held-out ones: the score grows
// with the number of images, so only sets of one size compare.
func (t *task) vendi() error {
	data, err := t.data()
	if err != nil {
		return err
	}
	embedder, err := t.embedder(data.Size, data.Channels)
	if err != nil {
		return err
	}
	gen, err := t.drawnPictures(min(t.set.Extras.Vendi, data.Test.N))
	if err != nil {
		return err
	}
	real, err := t.heldOut("metrics.vendi", data, data.Test, gen.N)
	if err != nil {
		return err
	}
	t.about("samples", gen.N, "held_out", real.N, "embedder", embedder.Name(), "embedder_hash", embedder.Hash(), "similarity", "cosine")
	for _, of := range []struct {
		metric *quantity.Metric
		images metrics.Pictures
	}{{quantity.Vendi, gen}, {quantity.VendiReal, real}} {
		x, err := t.embed(embedder, of.images.Pixels, of.images.N, of.images.Size, of.images.Channels)
		if err != nil {
			return err
		}
		f, err := metrics.FromFloat32(x, embedder.Dim(), of.images.Labels)
		if err != nil {
			return err
		}
		e, err := metrics.Vendi(f)
		if err != nil {
			return fitting(err)
		}
		t.estimate(of.metric, e)
	}
	return t.keepNumbers()
}
