package certificate

import (
	"math"
	"math/rand/v2"
)

// Severities is how many there are of each kind of damage.
const Severities = 6

// damage is one way to spoil an image. Severities are scaled to the image, and the
// random numbers of an image are the same at all of them, so that a harsher one is
// the same damage and more of it.
type damage struct {
	kind, unit string
	severities [Severities]float64
	// apply changes image [size, size, channels] in place.
	apply func(image []uint8, size, channels int, severity float64, r *rand.Rand)
}

// grid is how many patches a side has for damage that works on patches.
const grid = 4

var damages = []damage{
	{"noise", "standard deviation, grey levels", [6]float64{4, 8, 16, 32, 64, 128}, noise},
	{"blur", "standard deviation, parts of the side", [6]float64{.0125, .018, .027, .036, .054, .09}, blur},
	{"salt and pepper", "share of pixels", [6]float64{.005, .01, .02, .04, .08, .16}, saltAndPepper},
	{"occlusion", "side of a grey square, parts of the side", [6]float64{.1, .15, .2, .3, .4, .5}, occlusion},
	{"patch shuffle", "of 16 patches moved", [6]float64{2, 4, 6, 8, 12, 16}, patchShuffle},
	{"seam offset", "each patch brighter or darker, grey levels", [6]float64{2, 4, 8, 16, 32, 64}, seamOffset},
	{"raster drift", "brightness at the last patch, grey levels", [6]float64{4, 8, 16, 32, 64, 128}, rasterDrift},
}

func byteOf(v float64) uint8 { return uint8(min(max(math.Round(v), 0), 255)) }

func noise(image []uint8, _, _ int, s float64, r *rand.Rand) {
	for i, v := range image {
		image[i] = byteOf(float64(v) + s*r.NormFloat64())
	}
}

// blur is a Gaussian filter, edge pixels repeated outside.
func blur(image []uint8, size, channels int, s float64, _ *rand.Rand) {
	sigma := s * float64(size)
	reach := int(math.Ceil(3 * sigma))
	weights := make([]float64, 2*reach+1)
	var sum float64
	for i := range weights {
		d := float64(i - reach)
		weights[i] = math.Exp(-d * d / (2 * sigma * sigma))
		sum += weights[i]
	}
	rows := make([]float64, len(image))
	inside := func(i int) int { return min(max(i, 0), size-1) }
	for y := range size {
		for x := range size {
			for c := range channels {
				var v float64
				for i, w := range weights {
					v += w * float64(image[(y*size+inside(x+i-reach))*channels+c])
				}
				rows[(y*size+x)*channels+c] = v / sum
			}
		}
	}
	for y := range size {
		for x := range size {
			for c := range channels {
				var v float64
				for i, w := range weights {
					v += w * rows[(inside(y+i-reach)*size+x)*channels+c]
				}
				image[(y*size+x)*channels+c] = byteOf(v / sum)
			}
		}
	}
}

func saltAndPepper(image []uint8, size, channels int, s float64, r *rand.Rand) {
	for i := range size * size {
		hit, white := r.Float64() < s, r.IntN(2) == 1
		if !hit {
			continue
		}
		for c := range channels {
			image[i*channels+c] = 0
			if white {
				image[i*channels+c] = 255
			}
		}
	}
}

// occlusion covers a square whose centre is anywhere in the image that it fits.
func occlusion(image []uint8, size, channels int, s float64, r *rand.Rand) {
	side := min(max(1, int(math.Round(s*float64(size)))), size)
	y0, x0 := int(r.Float64()*float64(size-side+1)), int(r.Float64()*float64(size-side+1))
	for y := y0; y < y0+side; y++ {
		for i := (y*size + x0) * channels; i < (y*size+x0+side)*channels; i++ {
			image[i] = 127
		}
	}
}

// patchShuffle moves patches around a circle of some of them; pixels that are left
// over at the right and bottom stay.
func patchShuffle(image []uint8, size, channels int, s float64, r *rand.Rand) {
	side := size / grid
	order := r.Perm(grid * grid)[:int(s)]
	before := append([]uint8(nil), image...)
	for k, to := range order {
		from := order[(k+1)%len(order)]
		for y := range side {
			a := ((to/grid*side+y)*size + to%grid*side) * channels
			b := ((from/grid*side+y)*size + from%grid*side) * channels
			copy(image[a:a+side*channels], before[b:b+side*channels])
		}
	}
}

// patchOf is the number of the patch of a pixel, in raster order.
func patchOf(y, x, size int) int { return y*grid/size*grid + x*grid/size }

func seamOffset(image []uint8, size, channels int, s float64, r *rand.Rand) {
	var offset [grid * grid]float64
	for i := range offset {
		offset[i] = s * float64(2*r.IntN(2)-1)
	}
	brighten(image, size, channels, func(patch int) float64 { return offset[patch] })
}

// rasterDrift is an error that grows from patch to patch, as one that a model makes
// and goes on from does.
func rasterDrift(image []uint8, size, channels int, s float64, r *rand.Rand) {
	s *= float64(2*r.IntN(2) - 1)
	brighten(image, size, channels, func(patch int) float64 { return s * float64(patch) / (grid*grid - 1) })
}

func brighten(image []uint8, size, channels int, by func(patch int) float64) {
	for y := range size {
		for x := range size {
			d := by(patchOf(y, x, size))
			for i := (y*size + x) * channels; i < (y*size+x+1)*channels; i++ {
				image[i] = byteOf(float64(image[i]) + d)
			}
		}
	}
}
