//go:build cuda

package shapes

import (
	"fmt"
	"testing"

	"prabench/models/device"
)

func longRows(t *testing.T, ordinal int) {
	const rows = 11
	for _, n := range []int{3500, 6100, 13000} { // sums kept, rows kept, neither fits
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newTwin(t, ordinal, own("fp32"))
			x, y, gain, bias, stats := w.normal(rows*n), w.normal(rows*n), w.normal(n), w.normal(n), w.normal(2*rows)
			dy, dx, dgain, dbias := w.normal(rows*n), w.normal(rows*n), w.normal(n), w.normal(n)
			mod, dmod := w.normal(2*rows*n), w.normal(2*rows*n)
			for _, be := range []device.Backend{w.want, w.d} {
				of := func(b both) device.Buffer {
					if be == device.Backend(w.d) {
						return b.d
					}
					return b.want
				}
				be.Norm(of(y), of(x), of(gain), of(bias), of(stats), rows, n, device.LayerNorm)
				be.NormBackward(of(dx), of(dgain), of(dbias), of(dy), of(x), of(gain), of(stats), rows, n, device.LayerNorm, true)
			}
			for what, b := range map[string]both{"y": y, "dx": dx, "dgain": dgain, "dbias": dbias} {
				w.same(what, b, 1e-5)
			}
			w.want.ModNorm(y.want, x.want, stats.want, mod.want, 2*n, 0, n, rows, n)
			w.d.ModNorm(y.d, x.d, stats.d, mod.d, 2*n, 0, n, rows, n)
			w.want.ModNormBackward(dx.want, dmod.want, dy.want, x.want, stats.want, mod.want, 2*n, 0, n, rows, n, true)
			w.d.ModNormBackward(dx.d, dmod.d, dy.d, x.d, stats.d, mod.d, 2*n, 0, n, rows, n, true)
			for what, b := range map[string]both{"modulated y": y, "modulated dx": dx, "dmod": dmod} {
				w.same(what, b, 1e-5)
			}
		})
	}
}

// An Euler step in one launch has the bits of Velocity and Mix.
func flowStep(t *testing.T, ordinal int) {
	w := newTwin(t, ordinal, own("fp32"))
	const n = 5001
	z, v, o, null, z2, v2 := w.normal(n), w.normal(n), w.normal(n), w.normal(n), w.normal(n), w.normal(n)
	for _, c := range []struct {
		null          device.Buffer
		guidance, inv float32
	}{{}, {inv: 20}, {null: null.d, guidance: 1.5, inv: 1.25}} {
		w.d.Copy(z2.d, z.d)
		w.d.FlowStep(z2.d, v2.d, o.d, c.null, c.guidance, c.inv, 0.04)
		w.d.Velocity(v.d, o.d, c.null, z.d, c.guidance, c.inv)
		w.d.Mix(z.d, 1, z.d, 0.04, v.d)
		for _, pair := range [][2]both{{z, z2}, {v, v2}} {
			x, y := w.got(pair[0]), w.got(pair[1])
			for i := range x {
				if x[i] != y[i] {
					t.Fatalf("guidance %g, inverse %g, element %d: %v in one launch, %v in two", c.guidance, c.inv, i, y[i], x[i])
				}
			}
		}
	}
}
