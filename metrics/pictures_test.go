package metrics

import (
	"math"
	"math/rand/v2"
	"testing"

	"prabench/metrics/stat"
)

// painted makes n images of size×size×channels from a function of image, row,
// column and channel.
func painted(n, size, channels int, at func(i, y, x, c int) int) Pictures {
	p := Pictures{N: n, Size: size, Channels: channels}
	for i := range n {
		p.Labels = append(p.Labels, int32(i%2))
		for y := range size {
			for x := range size {
				for c := range channels {
					p.Pixels = append(p.Pixels, uint8(at(i, y, x, c)))
				}
			}
		}
	}
	return p
}

// A ramp has the difference 2 everywhere. Raising each second column of patches
// by 4 makes vertical borders alternate between 6 and −2 in size.
func TestSeamIndexOfKnownSteps(t *testing.T) {
	const patch = 4
	ramp := painted(40, 12, 3, func(i, y, x, c int) int { return 2*x + 2*y + i + c })
	steps := painted(40, 12, 3, func(i, y, x, c int) int { return 2*x + 2*y + 4*(x/patch%2) + i + c })
	for _, c := range []struct {
		name string
		gen  Pictures
		want float64
	}{
		{"the same images", ramp, 1},
		// 12 rows × 2 vertical borders of 6 and 2, 12 columns × 2 horizontal
		// ones of 2: a mean of (6+2+2+2)/4 against 2 inside.
		{"a step of 4", steps, 1.5},
	} {
		e, err := SeamIndex(ramp, c.gen, patch)
		if err != nil || math.Abs(e.Value-c.want) > 1e-12 || e.HasInterval() {
			t.Errorf("%s: %+v %v, want %g without an interval", c.name, e, err, c.want)
		}
	}
}

// Real images against real ones: the interval holds 1 about 95 times of 100.
func TestSeamIndexIntervalCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() Pictures {
		return painted(60, 8, 1, func(i, y, x, c int) int { return 100 + r.IntN(1+10*(i%5)) })
	}
	held := 0
	for range 60 {
		e, err := SeamIndex(draw(), draw(), 4)
		if err != nil {
			t.Fatal(err)
		}
		if e.Lo <= 1 && 1 <= e.Hi {
			held++
		}
	}
	if held < 50 {
		t.Errorf("1 lies in %d of 60 intervals", held)
	}
}

func TestSeamIndexRefuses(t *testing.T) {
	p := painted(8, 8, 1, func(i, y, x, c int) int { return x })
	flat := painted(8, 8, 1, func(i, y, x, c int) int { return 7 })
	for name, err := range map[string]error{
		"one patch":    second(SeamIndex(p, p, 8)),
		"pixels":       second(SeamIndex(p, p, 1)),
		"flat images":  second(SeamIndex(p, flat, 4)),
		"another size": second(SeamIndex(p, painted(8, 4, 1, func(i, y, x, c int) int { return x }), 2)),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Brute force in whole numbers.
func TestNearestIsTheNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	noise := func(n int) Pictures {
		return painted(n, 6, 3, func(i, y, x, c int) int { return r.IntN(256) })
	}
	training, images := noise(5000), noise(300) // more than one tile of both
	got := nearest(training, images, 2)
	for i := range images.N {
		best := math.MaxInt
		for j := range training.N {
			sum := 0
			for k, v := range images.image(i) {
				d := int(v) - int(training.image(j)[k])
				sum += d * d
			}
			best = min(best, sum)
		}
		if want := math.Sqrt(float64(best)/108) / 255; math.Abs(got[i]-want) > 1e-5 {
			t.Fatalf("image %d: %g, want %g", i, got[i], want)
		}
	}
}

func TestNearestOfCopies(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	noise := func(n int) Pictures {
		return painted(n, 6, 1, func(i, y, x, c int) int { return 50 + r.IntN(100) })
	}
	training, held := noise(200), noise(100)
	copies := training
	copies.N, copies.Labels, copies.Pixels = 100, training.Labels[:100], training.Pixels[:100*36]
	n, err := Nearest(training, held, copies, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n.Generated.Value > 1e-3 || n.Ratio.Value > 0.01 || n.Near.Value != 1 {
		t.Errorf("copies: %+v", n)
	}
	// Copies that are brighter by 5 grey levels are 5/255 away.
	lighter := copies
	lighter.Pixels = nil
	for _, v := range copies.Pixels {
		lighter.Pixels = append(lighter.Pixels, v+5)
	}
	if n, err = Nearest(training, held, lighter, 1); err != nil || math.Abs(n.Generated.Value-5.0/255) > 1e-5 {
		t.Errorf("lighter copies: %+v %v", n, err)
	}
	// Held-out images are as near as held-out images.
	other := noise(100)
	if n, err = Nearest(training, held, other, 1); err != nil || n.Ratio.Lo > 1 || n.Ratio.Hi < 1 || n.Near.Value > 0.06 {
		t.Errorf("held-out images: %+v %v", n, err)
	}
}

func every(n int) [][]int {
	out := make([][]int, n)
	for i := range out {
		out[i] = []int{i}
	}
	return out
}

// A patch whose grey is shifted by δ moves its mean by δ in each value: the
// error of its step is δ², that of all others 0, at any size of patch.
func TestBlockErrorOfAShift(t *testing.T) {
	for _, patch := range []int{4, 8, 16} {
		size, r := 2*patch, rand.New(rand.NewPCG(7, 8))
		real := painted(60, size, 1, func(i, y, x, c int) int { return 40 + i + r.IntN(100) })
		gen := real
		gen.Pixels = append([]uint8(nil), real.Pixels...)
		for i := range gen.N {
			for y := range patch {
				for x := patch; x < size; x++ { // the second patch
					gen.Pixels[i*size*size+y*size+x] += 51
				}
			}
		}
		e, err := BlockErrors(real, gen, patch, every(4))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range e {
			want := 0.0
			if k == 1 {
				want = 0.16 // 51/127.5 = 0.4
			}
			if math.Abs(v.Value-want) > 1e-9 {
				t.Errorf("patch %d, step %d: %g, want %g", patch, k+1, v.Value, want)
			}
		}
		// Steps of two tokens have the mean of their patches.
		if e, err = BlockErrors(real, gen, patch, [][]int{{1, 2}, {0, 3}}); err != nil || math.Abs(e[0].Value-0.08) > 1e-9 || e[1].Value > 1e-9 {
			t.Errorf("patch %d, blocks: %+v %v", patch, e, err)
		}
	}
}

// Scaling a Gaussian's deviation from a to b alone is a distance of (a−b)².
func TestBlockErrorOfAScale(t *testing.T) {
	values := func(scale float64) func(i, y, x, c int) int {
		return func(i, y, x, c int) int {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			return int(math.Round(127.5 + scale*max(-3, min(3, r.NormFloat64()))))
		}
	}
	real, gen := painted(800, 4, 1, values(40)), painted(800, 4, 1, values(20))
	e, err := BlockErrors(real, gen, 4, every(1))
	if err != nil {
		t.Fatal(err)
	}
	if want := (20 / 127.5) * (20 / 127.5); math.Abs(e[0].Value-want) > 0.1*want || e[0].Lo > want || e[0].Hi < want {
		t.Errorf("%+v, want %g", e[0], want)
	}
}

// The cosines are orthonormal: all of them keep every length.
func TestCosines(t *testing.T) {
	for _, n := range []int{8, 14, 16} {
		b := cosines(n, n)
		for u := range n {
			for v := range n {
				want := 0.0
				if u == v {
					want = 1
				}
				if got := dot(b[u*n:(u+1)*n], b[v*n:(v+1)*n]); math.Abs(got-want) > 1e-12 {
					t.Fatalf("rows %d and %d of %d: %g", u, v, n, got)
				}
			}
		}
	}
}

func TestGap(t *testing.T) {
	of := func(values ...float64) (out []stat.Estimate) {
		for _, v := range values {
			out = append(out, stat.Estimate{Value: v})
		}
		return out
	}
	// Ratios 1, 2, 9, 9, 9, 9, 3, 5: their mean is 47/8.
	gap, growth, ok := Gap(of(2, 2, 9, 9, 9, 9, 3, 5), of(2, 1, 1, 1, 1, 1, 1, 1))
	if !ok || math.Abs(gap-39.0/8) > 1e-12 || math.Abs(growth-4/1.5) > 1e-12 {
		t.Errorf("gap %g, growth %g, %v", gap, growth, ok)
	}
	if _, _, ok := Gap(of(1), of(1)); ok {
		t.Error("one step has a gap")
	}
	if _, _, ok := Gap(of(1, 1), of(1, 0)); ok {
		t.Error("a gap over no error")
	}
}
