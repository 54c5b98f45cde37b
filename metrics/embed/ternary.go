package embed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Ternary is the data-independent embedder: fixed random 3×3 convolutions with
// weights −1, 0 and +1 at three scales, pooled over the quadrants of the image.
//
// At scale s ∈ {1,2,4} the image is summed over s×s pixels (a remainder at the
// right and bottom edge is left out), convolved with 8 filters (edge pixels
// repeated outside), and each response is reduced to a feature per quadrant:
// the mean of |r| for the first 4 filters, whose weights sum to 0 (texture and
// edges), and of max(r,0) for the other 4 (brightness, colour, polarity).
// Everything is integer until one division per feature, so the bits are the
// same on every machine. 3·4·8 = 96 features in [0, 36], in grey levels of
// 64; on real images their variances are below 1.
type Ternary struct {
	channels int
	filters  [ternaryScales * ternaryFilters]ternaryFilter
	hash     string
}

const (
	ternaryScales  = 3
	ternaryFilters = 8 // a scale
	ternaryDim     = ternaryScales * ternaryFilters * 4
	ternaryLeast   = 8 // side of the smallest image: 2×2 pixels at the coarsest scale
	ternaryUnit    = 64
)

// A ternaryFilter lists the taps with weight +1 and those with weight −1.
type ternaryFilter struct {
	plus, minus []tap
	absolute    bool // mean of |r| rather than of max(r, 0)
}

type tap struct{ dy, dx, channel int } // dy, dx ∈ {0,1,2} in the padded plane

// NewTernary draws the filters for a channel count; they do not depend on size.
func NewTernary(channels int) (*Ternary, error) {
	if channels < 1 || channels > 64 {
		return nil, fmt.Errorf("the ternary embedder takes 1 to 64 channels, not %d", channels)
	}
	t := &Ternary{channels: channels}
	description := sha256.New()
	fmt.Fprintf(description, "ternary 1: scales 1 2 4, edge repeated, |r| of balanced and max(r,0) of free filters, unit %d, %d channels\n",
		ternaryUnit, channels)
	draw := splitmix(0x70726162656e6368)
	taps := 9 * channels
	for i := range t.filters {
		f := &t.filters[i]
		f.absolute = i%ternaryFilters < ternaryFilters/2
		weight := make([]int8, taps)
		switch {
		case f.absolute: // as many +1 as −1, a third of the taps each
			order := shuffled(&draw, taps)
			for k := range taps / 3 {
				weight[order[2*k]], weight[order[2*k+1]] = 1, -1
			}
		default:
			for k := range weight {
				weight[k] = int8(draw.below(3)) - 1
			}
			weight[draw.below(uint64(taps))] = 1 // never all zero
		}
		for k, w := range weight {
			at := tap{k / channels / 3, k / channels % 3, k % channels}
			switch w {
			case 1:
				f.plus = append(f.plus, at)
			case -1:
				f.minus = append(f.minus, at)
			}
			description.Write([]byte{byte(w)})
		}
	}
	t.hash = hex.EncodeToString(description.Sum(nil))
	return t, nil
}

func (t *Ternary) Name() string { return AnyImages }
func (t *Ternary) Hash() string { return t.hash }
func (t *Ternary) Dim() int     { return ternaryDim }

func (t *Ternary) fits(size, channels int) error {
	if channels != t.channels {
		return fmt.Errorf("this ternary embedder was made for %d channels, the images have %d", t.channels, channels)
	}
	// Sums stay below 2³¹ in a filter and 2⁶³ in a quadrant for any such size.
	if size < ternaryLeast || size > 1<<14 {
		return fmt.Errorf("the ternary embedder takes images of %d to %d pixels a side, not %d", ternaryLeast, 1<<14, size)
	}
	return nil
}

// Embed implements Embedder.
func (t *Ternary) Embed(images []uint8, n, size, channels, threads int) ([]float32, error) {
	if err := t.fits(size, channels); err != nil {
		return nil, err
	}
	if err := checkImages(images, n, size, channels); err != nil {
		return nil, err
	}
	out := make([]float32, n*ternaryDim)
	pixels := size * size * channels
	chunks(n, 16, threads, func(lo, hi int) {
		var w ternaryPlanes
		for i := lo; i < hi; i++ {
			t.embed(&w, images[i*pixels:(i+1)*pixels], size, out[i*ternaryDim:(i+1)*ternaryDim])
		}
	})
	return out, nil
}

// ternaryPlanes is the scratch space of one goroutine.
type ternaryPlanes struct {
	padded   []int32 // [C, side+2, side+2]
	response []int32 // [side, side+2]: one filter, rows as wide as the padded ones
}

func (t *Ternary) embed(w *ternaryPlanes, image []uint8, size int, out []float32) {
	for level := range ternaryScales {
		scale := 1 << level
		side := size / scale
		w.fill(image, size, t.channels, scale)
		// |r| ≤ 9·C·255·s², of which a mean reaches a small part.
		unit := int64(ternaryUnit) * int64(t.channels) * int64(scale*scale)
		for i := range ternaryFilters {
			f := &t.filters[level*ternaryFilters+i]
			w.convolve(f, side)
			for q := range 4 {
				sum, count := w.pool(f.absolute, side, q/2, q%2)
				out[(level*4+q)*ternaryFilters+i] = float32(float64(sum) / float64(count*unit))
			}
		}
	}
}

// fill sums s×s pixels into planes with a border of repeated edge pixels.
func (w *ternaryPlanes) fill(image []uint8, size, channels, scale int) {
	side := size / scale
	wide := side + 2
	w.padded = grow(w.padded, channels*wide*wide)
	clear(w.padded)
	for y := range side * scale {
		for x := range side * scale {
			to := (y/scale+1)*wide + x/scale + 1
			for c := range channels {
				w.padded[c*wide*wide+to] += int32(image[(y*size+x)*channels+c])
			}
		}
	}
	for c := range channels {
		p := w.padded[c*wide*wide : (c+1)*wide*wide]
		for y := 1; y <= side; y++ {
			p[y*wide], p[y*wide+wide-1] = p[y*wide+1], p[y*wide+side]
		}
		copy(p[:wide], p[wide:2*wide])
		copy(p[(side+1)*wide:], p[side*wide:(side+1)*wide])
	}
}

// convolve adds shifted planes; the last two numbers of each row mean nothing.
func (w *ternaryPlanes) convolve(f *ternaryFilter, side int) {
	wide := side + 2
	n := side*wide - 2
	w.response = grow(w.response, side*wide)
	r := w.response[:n]
	clear(r)
	for _, at := range f.plus {
		for i, v := range w.padded[(at.channel*wide+at.dy)*wide+at.dx:][:n] {
			r[i] += v
		}
	}
	for _, at := range f.minus {
		for i, v := range w.padded[(at.channel*wide+at.dy)*wide+at.dx:][:n] {
			r[i] -= v
		}
	}
}

// pool sums |r| or max(r,0) over the quadrant (row, column).
func (w *ternaryPlanes) pool(absolute bool, side, row, column int) (sum, count int64) {
	half := side / 2
	y0, y1 := row*half, half+row*(side-half)
	x0, x1 := column*half, half+column*(side-half)
	for y := y0; y < y1; y++ {
		for _, v := range w.response[y*(side+2)+x0 : y*(side+2)+x1] {
			if v > 0 {
				sum += int64(v)
			} else if absolute {
				sum -= int64(v)
			}
		}
	}
	return sum, int64((y1 - y0) * (x1 - x0))
}

func grow(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}

// splitmix is SplitMix64: the same draws on every machine and Go version.
type splitmix uint64

func (s *splitmix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (s *splitmix) below(n uint64) uint64 { return s.next() >> 11 % n }

// unit is uniform in [0, 1).
func (s *splitmix) unit() float64 { return float64(s.next()>>11) / (1 << 53) }

// shuffled is a random order of 0…n−1.
func shuffled(s *splitmix, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.below(uint64(i + 1))
		order[i], order[j] = order[j], order[i]
	}
	return order
}
