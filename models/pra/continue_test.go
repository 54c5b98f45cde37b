package pra

import (
	"bytes"
	"math"
	"testing"

	"prabench/models"
)

// continued draws images with given real tokens; given < 0 makes teacher-forced samples.
func continued(t *testing.T, m *Model, sc SampleConfig, real models.Images, given int) []uint8 {
	t.Helper()
	if given < 0 {
		sc.RolloutDepth = 1
	}
	s, err := NewSampler(m, sc, real.N)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ids := make([]uint32, real.N)
	for i := range ids {
		ids[i] = uint32(i + 5)
	}
	out := make([]uint8, len(real.Pixels))
	switch {
	case given < 0:
		err = s.Mosaic(real.Pixels, real.Labels, ids, out)
	default:
		err = s.Continue(real.Pixels, real.Labels, ids, given, out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// blockPixels are the bytes of an image set's tokens of AR step k.
func blockPixels(c Config, pixels []uint8, k int) []uint8 {
	var out []uint8
	size, g, p := c.Size*c.Size*c.Channels, c.Grid(), c.Patch
	for i := range len(pixels) / size {
		for _, at := range c.StepPositions()[k] {
			for y := range p {
				from := i*size + ((at/g*p+y)*c.Size+at%g*p)*c.Channels
				out = append(out, pixels[from:from+p*c.Channels]...)
			}
		}
	}
	return out
}

// near holds that bytes agree but for the rounding of a value that lies
// between two.
func near(t *testing.T, what string, a, b []uint8) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%s: %d bytes and %d", what, len(a), len(b))
	}
	for i := range a {
		if d := math.Abs(float64(a[i]) - float64(b[i])); d > 1 {
			t.Fatalf("%s: byte %d is %d and %d", what, i, a[i], b[i])
		}
	}
}

func TestContinuationsAreSamplesWithARealPrefix(t *testing.T) {
	be := openDevice(t, 1)
	for _, v := range variants() {
		for _, guidance := range []float64{0, 1.5} {
			c := v.cfg
			m, sc := warmModel(t, be, c), DefaultSample()
			sc.FlowSteps, sc.Guidance = 3, guidance
			real := smallImages(c, 4)

			s, err := NewSampler(m, sc, real.N)
			if err != nil {
				t.Fatal(err)
			}
			free := make([]uint8, len(real.Pixels))
			if err := s.Sample(real.Labels, []uint32{5, 6, 7, 8}, free); err != nil {
				t.Fatal(err)
			}
			s.Close()
			if got := continued(t, m, sc, real, 0); !bytes.Equal(got, free) {
				t.Errorf("%s: with no given token it is not the sample", v.name)
			}
			if got := continued(t, m, sc, real, c.Tokens()); !bytes.Equal(got, real.Pixels) {
				t.Errorf("%s: with all tokens given it is not the real image", v.name)
			}
			mosaic := continued(t, m, sc, real, -1)
			for k := range c.ARSteps() {
				got := continued(t, m, sc, real, k*c.Block)
				for j := range k {
					if !bytes.Equal(blockPixels(c, got, j), blockPixels(c, real.Pixels, j)) {
						t.Errorf("%s: given block %d of %d is not the real one", v.name, j, k)
					}
				}
				// The first block after the prefix has seen what the teacher-forced sample's saw.
				near(t, v.name+": mosaic", blockPixels(c, got, k), blockPixels(c, mosaic, k))
			}
		}
	}
}

func TestContinueRefuses(t *testing.T) {
	be := openDevice(t, 1)
	c := smallConfig()
	c.Block = 2
	m, real := warmModel(t, be, c), smallImages(c, 2)
	ids, out := []uint32{0, 1}, make([]uint8, len(real.Pixels))
	sequential, err := NewSampler(m, DefaultSample(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer sequential.Close()
	sc := DefaultSample()
	sc.RolloutDepth = 1
	sweeping, err := NewSampler(m, sc, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer sweeping.Close()
	for name, err := range map[string]error{
		"half a block":      sequential.Continue(real.Pixels, real.Labels, ids, 1, out),
		"more than all":     sequential.Continue(real.Pixels, real.Labels, ids, 18, out),
		"a sweeping one":    sweeping.Continue(real.Pixels, real.Labels, ids, 2, out),
		"a sequential one":  sequential.Mosaic(real.Pixels, real.Labels, ids, out),
		"an unknown class":  sweeping.Mosaic(real.Pixels, []int32{0, 9}, ids, out),
		"too few images":    sweeping.Mosaic(real.Pixels[1:], real.Labels, ids, out),
		"more than a batch": sweeping.Mosaic(make([]uint8, 3*64), []int32{0, 0, 0}, []uint32{0, 1, 2}, make([]uint8, 3*64)),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// A strided step's tokens lie K apart, and every token is emitted once.
func TestStepPositions(t *testing.T) {
	c := smallConfig()
	c.Block, c.Order = 4, "strided"
	steps := c.StepPositions()
	if len(steps) != 4 || len(steps[1]) != 4 || steps[1][0] != 1 || steps[1][1] != 5 {
		t.Errorf("%v", steps)
	}
	seen := map[int]bool{}
	for _, at := range steps {
		for _, p := range at {
			seen[p] = true
		}
	}
	if len(seen) != c.Tokens() {
		t.Errorf("%d of %d tokens are emitted", len(seen), c.Tokens())
	}
}
