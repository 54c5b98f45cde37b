package work

import (
	"prabench/harness/worker"
	"prabench/metrics"
)

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
		return err
	}
	t.about("samples", gen.N, "held_out", real.N, "train_images", train.N)
	t.estimate("nearest_distance", n.Generated)
	t.estimate("nearest_distance_real", n.HeldOut)
	t.estimate("nearest_ratio", n.Ratio)
	t.estimate("near_share", n.Near)
	return t.keepNumbers()
}
