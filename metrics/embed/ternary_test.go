package embed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"testing"
)

// scene draws n smooth coloured images, the same on every machine.
func scene(n, size, channels int, seed uint64) []uint8 {
	draw := splitmix(seed)
	images := make([]uint8, 0, n*size*size*channels)
	for range n {
		a, b, c := draw.below(9), draw.below(9), draw.below(256)
		for y := range uint64(size) {
			for x := range uint64(size) {
				for ch := range uint64(channels) {
					images = append(images, uint8(a*x+b*y+c*(ch+1)+draw.below(8)))
				}
			}
		}
	}
	return images
}

// The features and the filters are the same bits everywhere: these hashes were
// written by this test and may change only with the version in the hash text.
func TestTernaryGolden(t *testing.T) {
	for _, c := range []struct {
		size, channels int
		features, hash string
	}{
		{8, 1, "43735db07d2b68c7", "01da93d2d0d159bc"},
		{28, 1, "0605d6d941f6e00a", "01da93d2d0d159bc"},
		{33, 3, "693ba3cd1bf939a2", "120ad620e75b8a06"},
		{64, 3, "fc86241dacfd0e03", "120ad620e75b8a06"},
	} {
		e, err := NewTernary(c.channels)
		if err != nil {
			t.Fatal(err)
		}
		images := scene(20, c.size, c.channels, 1)
		x, err := e.Embed(images, 20, c.size, c.channels, 2)
		if err != nil {
			t.Fatal(err)
		}
		var bits []byte
		for _, v := range x {
			bits = binary.LittleEndian.AppendUint32(bits, math.Float32bits(v))
		}
		sum := sha256.Sum256(bits)
		if got := hex.EncodeToString(sum[:8]); got != c.features || e.Hash()[:16] != c.hash {
			t.Errorf("%d×%d×%d: features %s, embedder %s; want %s, %s", c.size, c.size, c.channels, got, e.Hash()[:16], c.features, c.hash)
		}
		for _, threads := range []int{1, 5} {
			if y, _ := e.Embed(images, 20, c.size, c.channels, threads); !slices.Equal(x, y) {
				t.Errorf("%d threads gave other features", threads)
			}
		}
	}
}

// plainTernary is the definition in the doc comment, one pixel at a time.
func plainTernary(e *Ternary, image []uint8, size int) []float64 {
	out := make([]float64, ternaryDim)
	for level := range ternaryScales {
		s := 1 << level
		side := size / s
		pixel := func(y, x, c int) int64 {
			y, x = min(max(y, 0), side-1), min(max(x, 0), side-1)
			var sum int64
			for dy := range s {
				for dx := range s {
					sum += int64(image[((y*s+dy)*size+x*s+dx)*e.channels+c])
				}
			}
			return sum
		}
		for i := range ternaryFilters {
			f := e.filters[level*ternaryFilters+i]
			var sum, count [4]float64
			for y := range side {
				for x := range side {
					var r int64
					for _, p := range f.plus {
						r += pixel(y+p.dy-1, x+p.dx-1, p.channel)
					}
					for _, p := range f.minus {
						r -= pixel(y+p.dy-1, x+p.dx-1, p.channel)
					}
					if r < 0 && f.absolute {
						r = -r
					}
					q := 0
					if y >= side/2 {
						q += 2
					}
					if x >= side/2 {
						q++
					}
					sum[q] += float64(max(r, 0))
					count[q]++
				}
			}
			for q := range 4 {
				out[(level*4+q)*ternaryFilters+i] = sum[q] / (count[q] * float64(ternaryUnit*e.channels*s*s))
			}
		}
	}
	return out
}

func TestTernaryEqualsItsDefinition(t *testing.T) {
	for _, c := range [][2]int{{8, 1}, {13, 2}, {28, 1}, {30, 3}} {
		size, channels := c[0], c[1]
		e, _ := NewTernary(channels)
		images := scene(3, size, channels, 4)
		got, err := e.Embed(images, 3, size, channels, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			want := plainTernary(e, images[i*size*size*channels:], size)
			for j, w := range want {
				if g := got[i*ternaryDim+j]; math.Abs(float64(g)-w) > 1e-6*(1+w) {
					t.Fatalf("size %d, %d channels, image %d, feature %d: %g, want %g", size, channels, i, j, g, w)
				}
			}
		}
	}
}

func TestTernaryFilters(t *testing.T) {
	for _, channels := range []int{1, 3} {
		e, _ := NewTernary(channels)
		for i, f := range e.filters {
			if f.absolute && len(f.plus) != len(f.minus) {
				t.Errorf("%d channels: filter %d has %d taps of +1 and %d of −1", channels, i, len(f.plus), len(f.minus))
			}
			if len(f.plus)+len(f.minus) == 0 {
				t.Errorf("%d channels: filter %d is empty", channels, i)
			}
		}
	}
}
