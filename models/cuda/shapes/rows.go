//go:build cuda

package shapes

import (
	"fmt"
	"testing"

	"prabench/models/device"
)

func longRows(t *testing.T, ordinal int) {
	const rows = 11
	dev := open(t, ordinal, own("fp32"))
	for _, n := range []int{3500, 6100, 13000} { // sums kept, rows kept, neither fits
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newTwin(t, dev)
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
				device.Do(be, device.Norm{Y: of(y), X: of(x), Gain: of(gain), Bias: of(bias), Stats: of(stats), Rows: rows, N: n})
				device.Do(be, device.NormBackward{
					DX: of(dx), DGain: of(dgain), DBias: of(dbias), DY: of(dy), X: of(x), Gain: of(gain),
					Stats: of(stats), Rows: rows, N: n, Add: true,
				})
			}
			for what, b := range map[string]both{"y": y, "dx": dx, "dgain": dgain, "dbias": dbias} {
				w.same(what, b, 1e-5)
			}
			device.Do(w.want, device.ModNorm{
				Y: y.want, X: x.want, Stats: stats.want, Mod: mod.want, LDMod: 2 * n, Scale: n, Rows: rows, N: n,
			})
			device.Do(w.d, device.ModNorm{Y: y.d, X: x.d, Stats: stats.d, Mod: mod.d, LDMod: 2 * n, Scale: n, Rows: rows, N: n})
			device.Do(w.want, device.ModNormBackward{
				DX: dx.want, DMod: dmod.want, DY: dy.want, X: x.want, Stats: stats.want, Mod: mod.want, LDMod: 2 * n,
				Scale: n, Rows: rows, N: n, Add: true,
			})
			device.Do(w.d, device.ModNormBackward{
				DX: dx.d, DMod: dmod.d, DY: dy.d, X: x.d, Stats: stats.d, Mod: mod.d, LDMod: 2 * n, Scale: n, Rows: rows,
				N: n, Add: true,
			})
			for what, b := range map[string]both{"modulated y": y, "modulated dx": dx, "dmod": dmod} {
				w.same(what, b, 1e-5)
			}
		})
	}
}

// An Euler step in one launch has the bits of Velocity and Mix.
func flowStep(t *testing.T, ordinal int) {
	w := newTwin(t, open(t, ordinal, own("fp32")))
	const n = 5001
	z, v, o, null, z2, v2 := w.normal(n), w.normal(n), w.normal(n), w.normal(n), w.normal(n), w.normal(n)
	for _, c := range []struct {
		null          device.Buffer
		guidance, inv float32
	}{{}, {inv: 20}, {null: null.d, guidance: 1.5, inv: 1.25}} {
		device.Do(w.d, device.Copy{Dst: z2.d, Src: z.d})
		device.Do(w.d, device.FlowStep{Z: z2.d, V: v2.d, O: o.d, Null: c.null, Guidance: c.guidance, Inv: c.inv, DT: 0.04})
		device.Do(w.d, device.Velocity{V: v.d, O: o.d, Null: c.null, Z: z.d, Guidance: c.guidance, Inv: c.inv})
		device.Do(w.d, device.Mix{Dst: z.d, A: 1, X: z.d, B: 0.04, Y: v.d})
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
