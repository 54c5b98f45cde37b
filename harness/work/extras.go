package work

import (
	"fmt"

	"prabench/harness/artifact"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/device"
)

// heldOut takes at most n images of a split, which must have enough for an
// interval; key is what asks for them.
func (t *task) heldOut(key string, data *dataset.Data, s dataset.Split, n int) (metrics.Pictures, error) {
	n = min(n, s.N)
	if n < 4 {
		return metrics.Pictures{}, worker.Invalid("%s: %d held-out images of %s; at least 4 are needed: set %s = 0, or hold out more", key, n,
			t.set.Data.Set, key)
	}
	return choose(data, s, n)
}

// drawnPictures is the first n drawn images.
func (t *task) drawnPictures(n int) (metrics.Pictures, error) {
	drawn, images, err := OpenDrawn(t.store, t.input(Sample).Key)
	if err != nil {
		return metrics.Pictures{}, err
	}
	defer images.Close()
	n = min(n, drawn.Count)
	pixels, err := images.First(n)
	return metrics.Pictures{N: n, Size: drawn.Size, Channels: drawn.Channels, Pixels: pixels, Labels: drawn.Labels[:n]}, err
}

// model loads the trained model; both are to be closed, the model first.
func (t *task) model() (device.Backend, models.Model, error) {
	path, err := t.store.Path(t.input(Train), ModelFile)
	if err != nil {
		return nil, nil, err
	}
	be, err := t.open(t.set.Training().Threads)
	if err != nil {
		return nil, nil, err
	}
	m, err := models.Load(be, path)
	if err != nil {
		be.Close()
		return nil, nil, err
	}
	return be, m, nil
}

// about is the protocol of a measurement on the data set.
func (t *task) about(pairs ...any) {
	t.attempt.Protocol = map[string]string{"data": t.set.Data.Set, "data_hash": t.set.DataHash}
	for i := 0; i+1 < len(pairs); i += 2 {
		t.attempt.Protocol[fmt.Sprint(pairs[i])] = fmt.Sprint(pairs[i+1])
	}
}

// keepNumbers commits an artifact that holds the attempt alone, so that another
// database can take its numbers over.
func (t *task) keepNumbers() error { return t.keep(func(*artifact.Draft) error { return nil }) }
