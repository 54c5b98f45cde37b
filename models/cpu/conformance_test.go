package cpu

import (
	"math/rand/v2"
	"slices"
	"testing"

	"prabench/models/device"
	"prabench/models/device/devicetest"
)

// eachPath runs f on every vector path of the machine.
func eachPath(t *testing.T, f func(t *testing.T)) {
	now, err := path()
	if err != nil {
		t.Fatal(err)
	}
	defer SelectPath(now)
	for _, p := range Paths() {
		t.Run(p, func(t *testing.T) {
			if !SelectPath(p) {
				t.Fatalf("path %s is listed and cannot be selected", p)
			}
			f(t)
		})
	}
}

func open(t *testing.T, threads int) device.Backend {
	be, err := New(threads)
	if err != nil {
		t.Fatal(err)
	}
	return be
}

func TestConformance(t *testing.T) {
	eachPath(t, func(t *testing.T) { devicetest.Run(t, open, devicetest.Float32()) })
}

// BenchmarkOps tells what every operation reaches at the largest of its trials.
func BenchmarkOps(b *testing.B) {
	be, err := New(0)
	if err != nil {
		b.Fatal(err)
	}
	defer be.Close()
	devicetest.Benchmark(b, be)
}

// The CPU has every operation.
func TestSupport(t *testing.T) {
	be := open(t, 1)
	defer be.Close()
	does, not := devicetest.Support(be)
	if len(not) > 0 || len(does) == 0 {
		t.Errorf("does not do %v", not)
	}
}

// An Euler step in one call has the bits of Velocity and Mix, on every path.
func TestFlowStep(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		be := open(t, 2)
		defer be.Close()
		const n = 5001
		rng := rand.New(rand.NewPCG(1, 2))
		var b [5]device.Buffer
		for i := range b {
			x := make([]float32, n)
			for j := range x {
				x[j] = float32(rng.NormFloat64())
			}
			var err error
			if b[i], err = be.Alloc(device.Activations, n); err != nil {
				t.Fatal(err)
			}
			be.Upload(b[i], x)
		}
		z, v, o, z2, v2 := b[0], b[1], b[2], b[3], b[4]
		for _, inv := range []float32{0, 1.25} {
			device.Do(be, device.Copy{Dst: z2, Src: z})
			device.Do(be, device.FlowStep{Z: z2, V: v2, O: o, Inv: inv, DT: 0.04})
			device.Do(be, device.Velocity{V: v, O: o, Z: z, Inv: inv})
			device.Do(be, device.Mix{Dst: z, A: 1, X: z, B: 0.04, Y: v})
			if !slices.Equal(Host(z), Host(z2)) || !slices.Equal(Host(v), Host(v2)) {
				t.Errorf("inverse %g: one call and two differ", inv)
			}
		}
	})
}
