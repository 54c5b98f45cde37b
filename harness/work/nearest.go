package work

import (
	"math"
	"time"

	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/quantity"
)

// Nearest looks for drawn images among those the model was trained on.
var Nearest = &stage.Kind{
	Name:    "nearest",
	Inputs:  []*stage.Kind{Sample},
	Chief:   Sample,
	Wanted:  func(s *stage.Settings) bool { return s.Extras.Nearest > 0 },
	Version: "2", // 2: distances are exact, not those of products in single precision
	Part:    func(s *stage.Settings) any { return stage.CountPart{Count: s.Extras.Nearest} },
	Effort:  func(*stage.Settings, *stage.Costs) stage.Effort { return stage.Effort{Other: 2 * time.Second} },
	Memory: func(h stage.Host) int64 {
		tile := h.Images(4*(4096+256)) + 4*4096*256 // pairs: both sides, and their distances
		return h.Data() + h.Images(min(h.Extras.Nearest, h.Count)) + tile
	},
	Lacks: func(s *stage.Settings, n stage.Images) error {
		if err := stage.HeldOut("metrics.nearest", min(s.Extras.Nearest, s.Count), n.Test, metrics.Least); err != nil {
			return err
		}
		return stage.HeldOut("metrics.nearest", math.MaxInt, n.Train, metrics.Least)
	},
}

// nearest measures how near drawn images come to the images the model was
// trained on, beside test images, which it was not.
func (t *task) nearest() error {
	data, err := t.data()
	if err != nil {
		return err
	}
	gen, err := t.drawnPictures(t.set.Extras.Nearest)
	if err != nil {
		return err
	}
	real, err := t.heldOut("metrics.nearest", data, data.Test, gen.N)
	if err != nil {
		return err
	}
	train, err := choose(data, data.Train, 0)
	if err != nil {
		return err
	}
	t.report(worker.Progress{What: "seeking the nearest training images"})
	n, err := metrics.Nearest(train, real, gen, t.job.Threads)
	if err != nil {
		return fitting(err)
	}
	t.about("samples", gen.N, "held_out", real.N, "train_images", train.N)
	t.estimate(quantity.NearestDistance, n.Generated)
	t.estimate(quantity.NearestDistanceReal, n.HeldOut)
	t.estimate(quantity.NearestRatio, n.Ratio)
	t.estimate(quantity.NearShare, n.Near)
	return t.keepNumbers()
}
