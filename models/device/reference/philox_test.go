package reference

import (
	"math"
	"testing"

	"prabench/models/device"
)

// The known answers that are published with Random123 (kat_vectors).
func TestPhiloxKnownAnswers(t *testing.T) {
	const f = 0xffffffff
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{f, f, f, f}, [2]uint32{f, f}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0}, // digits of π
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := Philox(c.counter, c.key); got != c.want {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

// The first numbers of the π counter by hand: u = (0xd16cfe+1)/2²⁴ and
// v = 0x94fdcc/2²⁴.
func TestNormalIsAddressed(t *testing.T) {
	d := New()
	dst, _ := d.Alloc(device.Activations, 2*3*6)
	ids, _ := d.AllocInts(2)
	d.UploadInts(ids, []int32{5, 0x13198a2e})
	const at = 0x85a308d3 - 1 // so that token 1 is the counter's second word
	device.Do(d, device.Normal{Dst: dst, IDs: ids, Batch: 2, Tokens: 3, At: at, Dim: 6, Key: 0x299f31d0_a4093822, Stream: 0x03707344})
	id := [4]uint32{1, 0x85a308d3, 0x13198a2e, 0x03707344}
	want := Normals(Philox(id, [2]uint32{0xa4093822, 0x299f31d0}))
	got := d.Host(dst)[(1*3+1)*6+4:][:2]
	if got[0] != want[0] || got[1] != want[1] {
		t.Errorf("numbers 4 and 5 of the token are %v, want %v", got, want[:2])
	}
	n := Normals([4]uint32{0xd16cfe09, 0x94fdcceb, 0x000000ff, 0x80000000})
	u, v := float64(0xd16cff)/(1<<24), float64(0x94fdcc)/(1<<24)
	if w := math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v); math.Abs(n[0]-w) > 1e-15 {
		t.Errorf("number 0 is %v, want %v", n[0], w)
	}
	if w := math.Sqrt(-2*math.Log(u)) * math.Sin(2*math.Pi*v); math.Abs(n[1]-w) > 1e-15 {
		t.Errorf("number 1 is %v, want %v", n[1], w)
	}
	// u = 2⁻²⁴, the smallest, and half a turn.
	if w := -math.Sqrt(48 * math.Ln2); math.Abs(n[2]-w) > 1e-14 || math.Abs(n[3]) > 1e-14 {
		t.Errorf("numbers 2 and 3 are %v, %v, want %v, 0", n[2], n[3], w)
	}
}

func TestNormalMoments(t *testing.T) {
	d := New()
	const n = 1 << 16
	dst, _ := d.Alloc(device.Activations, n)
	ids, _ := d.AllocInts(1)
	device.Do(d, device.Normal{Dst: dst, IDs: ids, Batch: 1, Tokens: n / 64, Dim: 64, Key: 1})
	var moments [5]float64
	for _, x := range d.Host(dst) {
		for k := range moments {
			moments[k] += math.Pow(x, float64(k)) / n
		}
	}
	for k, want := range []float64{1, 0, 1, 0, 3} {
		// var(x⁴) = 96: five standard errors of the fourth moment are 0.19
		if tol := 5 * math.Sqrt([]float64{0, 1, 2, 15, 96}[k]/n); math.Abs(moments[k]-want) > tol {
			t.Errorf("moment %d is %.4f, want %g ± %.4f", k, moments[k], want, tol)
		}
	}
}
