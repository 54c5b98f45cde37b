package cpu

import (
	"math"
	"testing"

	"prabench/models/device"
)

// act evaluates an activation on a grid through Linear with one input of 1,
// and its derivative through BiasActBackward.
func act(t *testing.T, a device.Act, x []float32) (y, slope []float32) {
	d := open(t, 1)
	defer d.Close()
	n := len(x)
	var b [5]device.Buffer
	for i := range b {
		var err error
		if b[i], err = d.Alloc(device.Activations, n); err != nil {
			t.Fatal(err)
		}
		device.Do(d, device.Fill{Dst: b[i]})
	}
	d.Upload(b[0], x)
	device.Do(d, device.Fill{Dst: b[3], Value: 1})
	device.Do(d, device.Linear{Y: b[1], X: b[3], W: b[0], Rows: 1, In: 1, Out: n, Epilogue: device.Epilogue{Act: a}})
	device.Do(d, device.Fill{Dst: b[3], Value: 1})
	device.Do(d, device.BiasActBackward{DPre: b[4], DBias: b[2], DY: b[3], Pre: b[0], Rows: 1, N: n, Act: a})
	y, slope = make([]float32, n), make([]float32, n)
	d.Download(y, b[1])
	d.Download(slope, b[4])
	return y, slope
}

// grid is dense over [−limit, limit] and geometric towards 0.
func grid(limit float64) []float32 {
	var x []float32
	const n = 200_000
	for i := range n + 1 {
		x = append(x, float32(limit*(2*float64(i)/n-1)))
	}
	for v := 1.0; v > 1e-30; v *= 0.93 {
		x = append(x, float32(v), float32(-v))
	}
	return x
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// An activation is x·σ(arg) with σ of float32's accuracy: the value is right to
// 3e-7 of itself and, where σ is small, to one rounding of its argument more
// (σ′ ≈ σ there, so an argument of size a that is off by 2⁻²⁴·a moves the
// value by that much of itself).
func TestActivationAccuracy(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		for _, c := range []struct {
			name      string
			act       device.Act
			limit     float64
			arg       func(x float64) float64
			roundings float64 // of the argument before exp
		}{
			{"silu", device.SiLU, 80, func(x float64) float64 { return x }, 0},
			{"gelu", device.GELU, 9, func(x float64) float64 { return 2 * math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x) }, 4},
		} {
			t.Run(c.name, func(t *testing.T) {
				x := grid(c.limit)
				y, slope := act(t, c.act, x)
				var worst, worstSlope float64
				var at, atSlope float32
				for i, v := range x {
					a := c.arg(float64(v))
					want := float64(v) * sigmoid(a)
					allowed := 3e-7 + c.roundings*max(0, -a)*0x1p-24
					if e := math.Abs(float64(y[i])-want) / math.Abs(want) / allowed; v != 0 && !(e <= worst) {
						worst, at = e, v
					}
					const h = 1e-6
					up, down := float64(v)+h, float64(v)-h
					deriv := (up*sigmoid(c.arg(up)) - down*sigmoid(c.arg(down))) / (2 * h)
					// the slope crosses 0 and its terms reach 1: absolute
					if e := math.Abs(float64(slope[i]) - deriv); !(e <= worstSlope) {
						worstSlope, atSlope = e, v
					}
				}
				t.Logf("value: %.2f of the allowed error at %g; slope: %.2g at %g", worst, at, worstSlope, atSlope)
				if !(worst <= 1) {
					t.Errorf("value at %g: %.3g of the allowed error", at, worst)
				}
				if !(worstSlope <= 3e-6) {
					t.Errorf("slope at %g is off by %.3g", atSlope, worstSlope)
				}
			})
		}
	})
}

// Far out the activations are x and 0, never NaN or infinite, and NaN stays.
func TestActivationExtremes(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		for _, a := range []device.Act{device.SiLU, device.GELU} {
			x := []float32{1e3, 1e6, -1e3, -1e6, -88, -100, 0}
			y, slope := act(t, a, x)
			for i, v := range x {
				if want := max(v, 0); math.Abs(float64(y[i]-want)) > 1e-30*math.Abs(float64(v)) {
					t.Errorf("act %d at %g is %g, want %g", a, v, y[i], want)
				}
				want := float32(1)
				if v < 0 {
					want = 0
				} else if v == 0 {
					want = 0.5
				}
				if !(math.Abs(float64(slope[i]-want)) < 1e-6) {
					t.Errorf("act %d at %g has slope %g, want %g", a, v, slope[i], want)
				}
			}
			y, _ = act(t, a, []float32{float32(math.NaN())})
			if !math.IsNaN(float64(y[0])) {
				t.Errorf("act %d of NaN is %g: a diverged training would look healthy", a, y[0])
			}
		}
	})
}
