package work

import "prabench/metrics"

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
	e, err := metrics.SeamIndex(real, gen, t.set.Model.Patch)
	if err != nil {
		return err
	}
	t.about("samples", gen.N, "held_out", real.N)
	t.estimate("seam_index", e)
	return t.keepNumbers()
}
