package work

import (
	"time"

	"prabench/harness/stage"
	"prabench/metrics"
	"prabench/metrics/quantity"
	"prabench/models"
)

// Seam compares the borders of patches with the same lines of real images.
var Seam = &stage.Kind{
	Name:    "seam",
	Inputs:  []*stage.Kind{Train, Sample},
	Chief:   Sample,
	Wanted:  func(s *stage.Settings) bool { return s.Extras.Seam > 0 },
	Asks:    []stage.Capability{stage.HasBorders},
	Version: "1",
	Part:    func(s *stage.Settings) any { return stage.CountPart{Count: s.Extras.Seam} },
	Effort:  func(*stage.Settings, *stage.Costs) stage.Effort { return stage.Effort{Other: 2 * time.Second} },
	Memory:  func(h stage.Host) int64 { return h.Data() + h.Images(min(h.Extras.Seam, h.Count)) },
	Lacks: func(s *stage.Settings, n stage.Images) error {
		_, other := n.Splits(s)
		return stage.HeldOut("metrics.seam", min(s.Extras.Seam, s.Count), other, metrics.Least)
	},
}

// seam compares the borders of patches in drawn images with the same lines of
// held-out real ones.
func (t *task) seam() error {
	data, err := t.data()
	if err != nil {
		return err
	}
	gen, err := t.drawnPictures(t.set.Extras.Seam)
	if err != nil {
		return err
	}
	_, other := t.splits(data)
	real, err := t.heldOut("metrics.seam", data, other, gen.N)
	if err != nil {
		return err
	}
	e, err := metrics.SeamIndex(real, gen, t.set.Params.(models.Patched).PatchSide())
	if err != nil {
		return fitting(err)
	}
	t.about("samples", gen.N, "held_out", real.N)
	t.estimate(quantity.SeamIndex, e)
	return t.keepNumbers()
}
