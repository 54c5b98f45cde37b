package families_test

import (
	"slices"
	"testing"

	"prabench/models"
)

// pixelsOf reads the images of a set that is in memory.
type pixelsOf struct{ of models.Images }

func (p pixelsOf) Read(i int, into []uint8) error { return p.of.Read(i, into) }

// A training sees the same images whether they are in memory or read one at a time,
// and mirrored ones make it another training.
func TestTrainingsOfStreamedImagesAreTheSame(t *testing.T) {
	const n = 14
	shape := models.Shape{Size: 8, Channels: 1, Classes: 2}
	images := models.Images{N: n, Size: 8, Channels: 1, Pixels: make([]uint8, n*64), Labels: make([]int32, n)}
	for i := range images.Pixels {
		images.Pixels[i] = uint8(i * i * 37)
	}
	for _, f := range models.Families() {
		small := f.Defaults().For(shape)
		for key, v := range map[string]int{"model.patch": 4, "model.width": 16, "model.depth": 1, "model.heads": 2, "model.head_width": 16,
			"model.head_depth": 1, "model.coder_width": 16, "model.state": 6, "train.steps": 5, "train.batch": 4} {
			small, _ = models.Set(small, key, v)
		}
		var plain []float64
		for _, flip := range []float64{0, 0.5} {
			images.Flip = flip
			want := trained(t, small, images)
			if flip == 0 {
				plain = want
			} else if slices.Equal(want, plain) {
				t.Errorf("%s: mirrored images change nothing", f.Name())
			}
			streamed := images
			streamed.Pixels, streamed.Reader = nil, pixelsOf{images}
			for _, workers := range []string{"1", "2", "4"} {
				t.Setenv("PRABENCH_DECODERS", workers)
				if got := trained(t, small, streamed); !slices.Equal(got, want) {
					t.Errorf("%s, flip %g, %s workers: streamed images make another model", f.Name(), flip, workers)
				}
			}
		}
	}
}
