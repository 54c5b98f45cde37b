package cpu

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"prabench/models/device"
	"prabench/models/gemm"
)

func TestRefuse(t *testing.T) {
	if err := Refuse("fp32"); err != nil {
		t.Error(err)
	}
	if err := Refuse("tf32"); err == nil || !strings.Contains(err.Error(), "fp32 or bf16") {
		t.Errorf("tf32: %v", err)
	}
	now, _ := path()
	defer SelectPath(now)
	SelectPath("base")
	if err := Refuse("bf16"); err == nil || !strings.Contains(err.Error(), "use fp32") {
		t.Errorf("bf16 on the base path: %v", err)
	}
	if _, err := NewPrecision(1, "bf16"); err == nil {
		t.Error("a bf16 backend on the base path")
	}
}

// A bf16 layer is off by the rounding of its operands, and is not the fp32 one.
func TestBF16Linear(t *testing.T) {
	if !gemm.HasBF16() {
		t.Skip("this CPU has no bf16 products")
	}
	const rows, in, out = 64, 96, 80
	rng := rand.New(rand.NewPCG(1, 2))
	x, w, bias := make([]float32, rows*in), make([]float32, in*out), make([]float32, out)
	for _, v := range [][]float32{x, w, bias} {
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
	}
	layer := func(precision string) []float32 {
		d, err := NewPrecision(2, precision)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		put := func(v []float32) device.Buffer {
			b, err := d.Alloc(device.Activations, len(v))
			if err != nil {
				t.Fatal(err)
			}
			d.Upload(b, v)
			return b
		}
		y := make([]float32, rows*out)
		to, pre := put(y), put(y)
		device.Do(d, device.Linear{Y: to, X: put(x), W: put(w), Rows: rows, In: in, Out: out,
			Epilogue: device.Epilogue{Bias: put(bias), Pre: pre, Act: device.SiLU}})
		d.Download(y, to)
		return y
	}
	full, half := layer("fp32"), layer("bf16")
	differ := false
	for i := range full {
		e := math.Abs(float64(full[i] - half[i]))
		// products of normals, each off by up to 2⁻⁸ of itself at random: the sum by some √in of that
		if e > 8*math.Sqrt(in)*0x1p-8 {
			t.Fatalf("element %d: %v in bf16, %v in fp32", i, half[i], full[i])
		}
		differ = differ || e > 1e-4
	}
	if !differ {
		t.Error("the bf16 layer is the fp32 one")
	}
}
