package noise

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"unsafe"

	"prabench/models/device/reference"
)

func draw(threads int, ids []int32, tokens, at, dim int, key uint64, stream uint32) []float32 {
	out := make([]float32, len(ids)*tokens*dim)
	Normal(threads, unsafe.Pointer(&out[0]), unsafe.Pointer(&ids[0]), len(ids), tokens, at, dim, key, stream)
	return out
}

// Counter and key of zero: Random123's published words are 6627e8d5 e169c58d
// bc57ac4c 9b00dbd8, the normals follow from their upper 24 bits.
func TestKnownAnswer(t *testing.T) {
	got := draw(1, []int32{0}, 1, 0, 4, 0, 0)
	want := reference.Normals([4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8})
	for i, w := range want {
		if !(math.Abs(float64(got[i])-w) < 1e-6) {
			t.Errorf("number %d is %v, want %v", i, got[i], w)
		}
	}
}

// Every part of key and counter matters, in its place.
func TestAddress(t *testing.T) {
	for _, c := range []struct {
		id      int32
		at, dim int
		key     uint64
		stream  uint32
	}{
		{0, 0, 1, 1, 0}, {0, 0, 1, 1 << 32, 0}, {1, 0, 1, 0, 0}, {-1, 0, 1, 0, 0}, {0, 1, 1, 0, 0}, {0, 0, 1, 0, 1}, {0, 0, 1, 0, math.MaxUint32},
		{7, 12, 300, 0xfedcba9876543210, 9}, {1 << 30, 1 << 20, 256, math.MaxUint64, 1 << 16}, {3, 2, 255, 5, 5}, {3, 2, 257, 5, 5},
	} {
		got := draw(2, []int32{c.id}, 2, c.at, c.dim, c.key, c.stream)
		for i, g := range got {
			counter := [4]uint32{uint32(i%c.dim) / 4, uint32(c.at + i/c.dim), uint32(c.id), c.stream}
			want := reference.Normals(reference.Philox(counter, [2]uint32{uint32(c.key), uint32(c.key >> 32)}))[i%c.dim%4]
			if !(math.Abs(float64(g)-want) < 1e-6) {
				t.Fatalf("%+v: number %d is %v, want %v", c, i, g, want)
			}
		}
	}
}

// The bits themselves, which results on other machines and with other
// compilers must share: a change here changes every image of every seed.
func TestGoldenBits(t *testing.T) {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, draw(2, []int32{0, 1, 2, 1000}, 64, 0, 1024, 42, 0))
	const want = "b9235561b59421270653af3957dd8cdd5473ec611a2bfe5eeb19f2fbed29f422"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("262,144 normals hash to %s, want %s", got, want)
	}
}

// Moments and tails of a million numbers, and none correlated with its
// neighbour, the same number of the next token, or of the next image.
func TestDistribution(t *testing.T) {
	const images, tokens, dim = 16, 64, 1024
	const n = images * tokens * dim
	ids := make([]int32, images)
	for i := range ids {
		ids[i] = int32(i)
	}
	x := draw(2, ids, tokens, 0, dim, 7, 3)
	var mean, square, fourth, beyond float64
	correlation := map[int]float64{1: 0, 2: 0, dim: 0, tokens * dim: 0}
	for i, f := range x {
		v := float64(f)
		mean += v / n
		square += v * v / n
		fourth += v * v * v * v / n
		if math.Abs(v) > 3 {
			beyond++
		}
		for lag := range correlation {
			if i+lag < n {
				correlation[lag] += v * float64(x[i+lag]) / n
			}
		}
	}
	within := func(what string, got, want, deviation float64) {
		if math.Abs(got-want) > 5*deviation {
			t.Errorf("%s is %.5f, want %.5f ± %.5f", what, got, want, 5*deviation)
		}
	}
	root := math.Sqrt(n)
	within("mean", mean, 0, 1/root)
	within("mean square", square, 1, math.Sqrt2/root)
	within("mean fourth power", fourth, 3, math.Sqrt(96)/root)
	p := math.Erfc(3 / math.Sqrt2)
	within("part beyond 3", beyond/n, p, math.Sqrt(p)/root)
	for lag, c := range correlation {
		within(fmt.Sprintf("correlation at distance %d", lag), c, 0, 1/root)
	}
}
