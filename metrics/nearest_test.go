package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Distances equal those of integers pixel by pixel, to the bit of the root:
// also where many images are nearly as near, and where one is a copy.
func TestNearestIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	for _, c := range []struct{ size, channels, spread, offset int }{
		{4, 1, 256, 0}, {8, 3, 256, 0}, {28, 1, 2, 254}, {28, 1, 2, 0}, {16, 3, 3, 253}, {32, 3, 256, 0}, {28, 1, 1, 255},
	} {
		draw := func(n int) Pictures {
			p := Pictures{N: n, Size: c.size, Channels: c.channels, Pixels: make([]uint8, n*c.size*c.size*c.channels)}
			for i := range p.Pixels {
				p.Pixels[i] = uint8(c.offset + rng.IntN(c.spread))
			}
			return p
		}
		training, images := draw(300), draw(20)
		copy(images.image(3), training.image(299))
		copy(images.image(4), training.image(0))
		images.image(4)[0] ^= 1 // one grey level in one pixel
		per := c.size * c.size * c.channels
		for i, got := range nearest(training, images, 2) {
			best := math.MaxInt
			for j := range training.N {
				sum := 0
				for k, v := range training.image(j) {
					d := int(v) - int(images.image(i)[k])
					sum += d * d
				}
				best = min(best, sum)
			}
			want := math.Sqrt(float64(best)/float64(per)) / 255
			if math.Abs(got-want) > 1e-15*want {
				t.Errorf("%+v, image %d: %.17g, want %.17g", c, i, got, want)
			}
		}
	}
}
