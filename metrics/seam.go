package metrics

import (
	"fmt"
	"math"

	"prabench/metrics/stat"
)

// SeamIndex says how much the borders of patches show. Over all pairs of
// neighbouring pixels, horizontal and vertical, it takes the mean absolute
// difference across a border of patches over that inside a patch, and divides
// this ratio by the same of real images, which have no patches: 1 is no seam,
// more is a visible one, less is borders smoother than the patches' insides.
// The interval is a jackknife over both sets of images.
//
// A patch as large as the image has no border, one of a single pixel no inside.
func SeamIndex(real, gen Pictures, patch int) (stat.Estimate, error) {
	if err := samePictures(real, gen); err != nil {
		return stat.Estimate{}, fmt.Errorf("blockiness: %w", err)
	}
	if patch < 2 || patch >= real.Size {
		return stat.Estimate{}, fmt.Errorf("blockiness: patches of %d pixels in images of %d have no seams to compare; they must be larger "+
			"than 1 and smaller than the image", patch, real.Size)
	}
	r, g := gradientsOf(real, patch), gradientsOf(gen, patch)
	if r.all.inside == 0 || g.all.inside == 0 || r.all.across == 0 {
		return stat.Estimate{}, fmt.Errorf("blockiness: images without any difference between neighbouring pixels")
	}
	left := [2][]float64{}
	for _, b := range r.blocks {
		left[0] = append(left[0], g.all.ratio()/r.all.without(b).ratio())
	}
	for _, b := range g.blocks {
		left[1] = append(left[1], g.all.without(b).ratio()/r.all.ratio())
	}
	return stat.DeleteGroup(g.all.ratio()/r.all.ratio(), gen.N, left[0], left[1]).Within(0, math.Inf(1)), nil
}

// gradient is sums of absolute differences; the numbers of pairs are the same
// for all images of a size and cancel in the index.
type gradient struct{ across, inside float64 }

func (g gradient) ratio() float64 { return g.across / g.inside }

func (g gradient) without(b gradient) gradient {
	return gradient{g.across - b.across, g.inside - b.inside}
}

// gradients are the sums over a set and over each block of its interval.
type gradients struct {
	all    gradient
	blocks []gradient
}

func gradientsOf(p Pictures, patch int) gradients {
	at := p.deal()
	g := gradients{blocks: make([]gradient, len(at))}
	parallel(len(at), func(b int) {
		for _, i := range at[b] {
			g.blocks[b].add(p.image(i), p.Size, p.Channels, patch)
		}
	})
	for _, b := range g.blocks {
		g.all.across += b.across
		g.all.inside += b.inside
	}
	return g
}

func (g *gradient) add(image []uint8, size, channels, patch int) {
	row := size * channels
	var across, inside int
	for y := range size {
		for x := range size {
			at := y*row + x*channels
			for c := range channels {
				v := int(image[at+c])
				if x+1 < size {
					d := abs(int(image[at+channels+c]) - v)
					if (x+1)%patch == 0 {
						across += d
					} else {
						inside += d
					}
				}
				if y+1 < size {
					d := abs(int(image[at+row+c]) - v)
					if (y+1)%patch == 0 {
						across += d
					} else {
						inside += d
					}
				}
			}
		}
	}
	g.across += float64(across)
	g.inside += float64(inside)
}

func abs(v int) int { return max(v, -v) }
