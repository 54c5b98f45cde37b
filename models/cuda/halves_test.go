//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"prabench/models/device"
)

// everyHalf has all products that can be multiplied on bf16 copies.
func everyHalf(t *testing.T) {
	t.Helper()
	usual := leastHalf
	leastHalf = 0
	t.Cleanup(func() { leastHalf = usual })
}

// Every form of a product on bf16 copies: transposed operands, strides, sums onto
// what is there, weights on either side.
func TestHalvesInEveryForm(t *testing.T) {
	everyHalf(t)
	b := open(t, Options{Precision: "bf16"})
	defer closed(t, b)
	if _, ok := b.BLAS(); !ok {
		t.Skip("there is no cuBLAS")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	filled := func(c device.Class, n int) (device.Buffer, []float32) {
		x, err := b.Alloc(c, n)
		if err != nil {
			t.Fatal(err)
		}
		h := make([]float32, n)
		for i := range h {
			h[i] = float32(rng.NormFloat64())
		}
		b.Upload(x, h)
		return x, h
	}
	element := func(h []float32, ld, i, j int, transposed bool) float64 {
		if transposed {
			i, j = j, i
		}
		return float64(toBF16(h[i*ld+j]))
	}
	for form := range 16 {
		ta, tb, wa, wb := form&1 == 1, form&2 == 2, form&4 == 4, form&8 == 8
		const m, n, k, pad = 5, 9, 12, 3
		class := func(weight bool) device.Class {
			if weight {
				return device.Model
			}
			return device.Activations
		}
		lda, ldb := k+pad, n+pad
		if ta {
			lda = m + pad
		}
		if tb {
			ldb = k + pad
		}
		a, hostA := filled(class(wa), (m+k)*lda)
		w, hostB := filled(class(wb), (n+k)*ldb)
		c, hostC := filled(device.Activations, m*n)
		device.Do(b, device.Gemm{TransA: ta, TransB: tb, M: m, N: n, K: k, Alpha: 0.5, A: a, LDA: lda, B: w, LDB: ldb, Beta: 2, C: c, LDC: n})
		got := make([]float32, m*n)
		b.Download(got, c)
		for i := range got {
			want := 2 * float64(hostC[i])
			for l := range k {
				want += 0.5 * element(hostA, lda, i/n, l, ta) * element(hostB, ldb, l, i%n, tb)
			}
			if math.Abs(float64(got[i])-want) > 1e-4*(1+math.Abs(want)) {
				t.Fatalf("form %04b: element %d is %g, want %g", form, i, got[i], want)
			}
		}
	}
	if len(b.halves.weights) != 16 {
		t.Errorf("%d weights were copied, want 16", len(b.halves.weights))
	}
}

// product is y = x·w in bf16 on a device, and what it should be.
type product struct {
	t            *testing.T
	b            *Backend
	rows, in     int
	out          int
	x, w, y      device.Buffer
	hostX, hostW []float32
	rng          *rand.Rand
}

func newProduct(t *testing.T, rows, in, out int) *product {
	b := open(t, Options{Precision: "bf16"})
	t.Cleanup(func() { closed(t, b) })
	if _, ok := b.BLAS(); !ok {
		t.Skip("there is no cuBLAS")
	}
	p := &product{t: t, b: b, rows: rows, in: in, out: out, rng: rand.New(rand.NewPCG(1, 2))}
	alloc := func(c device.Class, n int) device.Buffer {
		x, err := b.Alloc(c, n)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	p.x, p.w, p.y = alloc(device.Activations, rows*in), alloc(device.Model, in*out), alloc(device.Activations, rows*out)
	p.hostX, p.hostW = p.fill(p.x), p.fill(p.w)
	return p
}

func (p *product) fill(x device.Buffer) []float32 {
	h := make([]float32, x.N)
	for i := range h {
		h[i] = float32(p.rng.NormFloat64())
	}
	p.b.Upload(x, h)
	return h
}

func (p *product) multiply() {
	device.Do(p.b, device.Linear{Y: p.y, X: p.x, W: p.w, Rows: p.rows, In: p.in, Out: p.out})
}

func (p *product) check(what string) {
	p.t.Helper()
	got := make([]float32, p.y.N)
	p.b.Download(got, p.y)
	for i := range got {
		var want float64
		for k := range p.in {
			want += float64(toBF16(p.hostX[i/p.out*p.in+k])) * float64(toBF16(p.hostW[k*p.out+i%p.out]))
		}
		if math.Abs(float64(got[i])-want) > 1e-4*(1+math.Abs(want)) {
			p.t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], want)
		}
	}
}

// Copies follow what they are copies of, whatever writes it: an upload, an operation,
// another product; in a recorded graph too.
func TestHalvesFollow(t *testing.T) {
	everyHalf(t)
	p := newProduct(t, 5, 6, 7)
	p.multiply()
	p.check("first")
	p.hostX = p.fill(p.x)
	p.multiply()
	p.check("after an upload of x")
	p.hostW = p.fill(p.w)
	p.multiply()
	p.check("after an upload of w")

	rec, ok := p.b.Record(p.multiply)
	if !ok {
		t.Fatal("nothing was recorded")
	}
	defer rec.Close()
	for i := range 3 {
		p.hostX, p.hostW = p.fill(p.x), p.fill(p.w)
		rec.Play()
		p.check(fmt.Sprintf("played, %d", i))
	}
	device.Do(p.b, device.Fill{Dst: p.w, Value: 0.5})
	for i := range p.hostW {
		p.hostW[i] = 0.5
	}
	rec.Play()
	p.check("played after an operation wrote w")
	device.Do(p.b, device.Fill{Dst: p.x.Slice(6, 6), Value: 2})
	for i := range 6 {
		p.hostX[6+i] = 2
	}
	p.multiply()
	p.check("after an operation wrote a row of x")

	// x ← y·v: what another product writes.
	v, err := p.b.Alloc(device.Activations, p.out*p.in)
	if err != nil {
		t.Fatal(err)
	}
	p.fill(v)
	device.Do(p.b, device.Linear{Y: p.x, X: p.y, W: v, Rows: p.rows, In: p.out, Out: p.in})
	p.b.Download(p.hostX, p.x)
	p.multiply()
	p.check("after a product wrote x")
}

// A weight is converted once for many products, and its copy goes when it goes.
func TestHalvesOfWeightsAreKept(t *testing.T) {
	everyHalf(t)
	p := newProduct(t, 5, 6, 7)
	p.multiply()
	before := p.b.queue.launches
	p.multiply()
	if n := p.b.queue.launches - before; n != 0 {
		t.Errorf("the same product again took %d conversions", n)
	}
	p.fill(p.x)
	before = p.b.queue.launches
	p.multiply()
	if n := p.b.queue.launches - before; n != 1 {
		t.Errorf("with another x %d conversions, want that of x", n)
	}
	held := len(p.b.pool.held)
	p.b.Free(p.w)
	if n := held - len(p.b.pool.held); n != 2 {
		t.Errorf("freeing the weight gave %d allocations back, want 2", n)
	}
}

// Small products, and strided ones whose gaps are larger than they are, stay as they
// were.
func TestHalvesWhereTheyPay(t *testing.T) {
	p := newProduct(t, 5, 6, 7)
	p.multiply()
	if len(p.b.halves.weights) != 0 {
		t.Error("a small product was multiplied on copies")
	}
	everyHalf(t)
	wide, err := p.b.Alloc(device.Activations, 4*100)
	if err != nil {
		t.Fatal(err)
	}
	p.fill(wide)
	device.Do(p.b, device.Gemm{M: 4, N: 7, K: 6, Alpha: 1, A: wide, LDA: 100, B: p.w, LDB: 7, C: p.y, LDC: 7})
	if err := p.b.Sync(); err != nil || len(p.b.halves.weights) != 0 {
		t.Errorf("%d copies, error %v", len(p.b.halves.weights), err)
	}
}
