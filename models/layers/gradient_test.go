package layers

import (
	"math"
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
)

// net is something built of layers: forward leaves its output in y, backward
// accumulates the gradients that dy has, and writes dx where it has one.
type net struct {
	y, x, dx device.Buffer
	forward  func(p *Pass)
	backward func(p *Pass, dy device.Buffer)
}

// room makes buffers on the reference backend, whose fresh memory is NaN.
type room struct {
	Memory
	ref   *reference.Backend
	turns device.Buffer // of what is built; absent: those of four tokens
}

func newRoom() *room {
	be := reference.New()
	return &room{Memory: Memory{Be: be}, ref: be}
}

// filled is n smooth numbers about 0.
func (r *room) filled(n int, phase float64) device.Buffer {
	b := r.Act(n)
	for i := range n {
		r.ref.Host(b)[i] = math.Sin(1.7*float64(i) + phase)
	}
	return b
}

func (r *room) indices(of ...int32) device.Ints {
	b := r.Ints(len(of))
	r.Be.UploadInts(b, of)
	return b
}

// Every pair of a forward and a backward function, and networks of several of them,
// against central differences in float64.
func TestGradients(t *testing.T) {
	for name, build := range map[string]func(l *Parameters, r *room) net{
		"linear": func(l *Parameters, r *room) net {
			f := l.Linear("f", 3, 4)
			x, y, pre, dx := r.filled(6, 0), r.Act(8), r.Act(8), r.Act(6)
			return net{y, x, dx, func(p *Pass) { f.Apply(p, y, pre, x, 2, device.SiLU) },
				func(p *Pass, dy device.Buffer) { f.Backward(p, dx, 0, dy, dy, pre, x, 2, device.SiLU) }}
		},
		"affine": func(l *Parameters, r *room) net {
			f := l.Affine("f", 4)
			x, y, stats, dx := r.filled(8, 0), r.Act(8), r.Act(4), r.Act(8)
			return net{y, x, dx, func(p *Pass) { f.Forward(p, y, x, stats, 2, 4) },
				func(p *Pass, dy device.Buffer) { f.Backward(p, dx, dy, x, stats, 2, 4, false) }}
		},
		"attention, both ways": func(l *Parameters, r *room) net { return attention(l, r, 3) },
		"attention, one token after another": func(l *Parameters, r *room) net {
			return attention(l, r, 1)
		},
		"MLP": func(l *Parameters, r *room) net {
			f := MLP{l.Linear("up", 4, 6), l.Linear("down", 6, 4), device.GELU, false}
			x, y, dx, hidden, a := r.filled(8, 0), r.Act(8), r.Act(8), r.Act(12), f.Acts(&r.Memory, 2, true)
			return net{y, x, dx, func(p *Pass) { f.Forward(p, &a, y, x, 2, device.Epilogue{}) },
				func(p *Pass, dy device.Buffer) { f.Backward(p, &a, hidden, dx, dy, x, 2) }}
		},
		"stack": stack(Trunk{}, false), "stack, computed again": stack(Trunk{}, true),
		"stack with RMSNorm": stack(Trunk{Norm: "rmsnorm"}, false), "stack with SwiGLU": stack(Trunk{MLPKind: "swiglu"}, false),
		"stack with both, computed again": stack(Trunk{Norm: "rmsnorm", MLPKind: "swiglu"}, true),
		"stack with QK norm":              stack(Trunk{QKNorm: "rmsnorm"}, false),
		"stack with rotations":            stack(Trunk{Positions: "rope2d"}, false),
		"stack with all of it":            stack(Trunk{Norm: "rmsnorm", MLPKind: "swiglu", Positions: "rope2d", QKNorm: "rmsnorm"}, true),
		"stack with class tokens":         stack(Trunk{ClassTokens: 3}, false),
		"stack with class tokens and all, computed again": stack(Trunk{Norm: "rmsnorm", MLPKind: "swiglu", Positions: "rope2d", QKNorm: "rmsnorm",
			ClassTokens: 1}, true),

		"denoiser with rotations and QK norm": denoiser(Trunk{Positions: "rope2d", QKNorm: "rmsnorm"}),
		"embedding without places": func(l *Parameters, r *room) net {
			e := NewEmbedding(l, "e", EmbeddingShape{Dim: 3, Width: 4, Tokens: 4, Block: 2, Classes: 2, Trunk: Trunk{Positions: "rope2d"}})
			x, y, proj, dproj := r.filled(24, 0), r.Act(32), r.Act(32), r.Act(32)
			labels, order := r.indices(1, 2), r.indices(0, 2, 1, 3)
			return net{y: y, forward: func(p *Pass) { e.Forward(p, y, proj, x, labels, order, 2) },
				backward: func(p *Pass, dy device.Buffer) { e.Backward(p, dproj, dy, x, labels, order, 2) }}
		},
		"embedding whose classes have tokens": func(l *Parameters, r *room) net {
			e := NewEmbedding(l, "e", EmbeddingShape{Dim: 3, Width: 4, Tokens: 4, Block: 2, Classes: 2, Trunk: Trunk{ClassTokens: 2}})
			x, y, proj, dproj := r.filled(24, 0), r.Act(32), r.Act(32), r.Act(32)
			order := r.indices(0, 2, 1, 3)
			return net{y: y, forward: func(p *Pass) { e.Forward(p, y, proj, x, device.Ints{}, order, 2) },
				backward: func(p *Pass, dy device.Buffer) { e.Backward(p, dproj, dy, x, device.Ints{}, order, 2) }}
		},
		"embedding": func(l *Parameters, r *room) net {
			e := NewEmbedding(l, "e", EmbeddingShape{Dim: 3, Width: 4, Tokens: 4, Block: 2, Classes: 2})
			x, y, proj, dproj := r.filled(24, 0), r.Act(32), r.Act(32), r.Act(32)
			labels, order := r.indices(1, 2), r.indices(0, 2, 1, 3)
			return net{y: y, forward: func(p *Pass) { e.Forward(p, y, proj, x, labels, order, 2) },
				backward: func(p *Pass, dy device.Buffer) { e.Backward(p, dproj, dy, x, labels, order, 2) }}
		},
		"masked embedding whose classes have tokens": maskedEmbedding(Trunk{ClassTokens: 2}), "masked embedding": maskedEmbedding(Trunk{}),
		"head": head(PerBlock), "head with one triple for all blocks": head(Shared), "head of two parts": head(Separable),
		"coder": coder(false, nil), "coder whose decoder sees a share of the state": coder(true, nil),
		"coder with contexts": coder(true, func(s *CoderShape) { s.EncContext, s.DecContext = 5, 5 }),
		"causal coder": coder(false, func(s *CoderShape) {
			s.EncContext, s.Causal = 2, &CausalShape{Tokens: 4, Depth: 2, Heads: 2, MLP: 2}
		}),
		"a diffusion transformer's block": diffusion,
		"denoiser":                        denoiser(Trunk{}), "denoiser with SwiGLU": denoiser(Trunk{MLPKind: "swiglu"}),
		"table": func(l *Parameters, r *room) net {
			f := NewTable(l, "f", 4, 3, 1)
			y, index := r.Act(15), r.indices(3, 0, 3, 1, 3)
			return net{y: y, forward: func(p *Pass) { f.Forward(p, y, index, 5) },
				backward: func(p *Pass, dy device.Buffer) { f.Backward(p, dy, index, 5) }}
		},
		"places": func(l *Parameters, r *room) net {
			f := NewPlaces(l, "f", 3, 2)
			x, y, ones := r.filled(12, 0), r.Act(12), r.Act(6)
			r.Be.Upload(ones, []float32{1, 1, 1, 1, 1, 1})
			return net{y: y, forward: func(p *Pass) {
				device.Do(p.Be, device.Copy{Dst: y, Src: x})
				f.Forward(p, y, ones, 2)
			}, backward: func(p *Pass, dy device.Buffer) { f.Backward(p, dy, ones, 2) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, r := &Parameters{}, newRoom()
			n := build(l, r)
			l.Place()
			p := &Pass{Be: r.Be, Weights: r.Act(l.Total), Grads: r.Act(l.Total)}
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if p.Turns = r.turns; p.Turns.Absent() {
				p.Turns = Trunk{Positions: "rope2d"}.Turns(&r.Memory, []int32{0, 2, 1, 3}, 2, 8, 2) // for those that turn
			}
			w := r.ref.Host(p.Weights)
			for i := range w {
				w[i] = 0.4 * Normal(3, 0, 0, uint32(i), 0)
			}
			of := r.filled(n.y.N, 2)
			dy := append([]float64(nil), r.ref.Host(of)...)
			loss := func() (s float64) {
				n.forward(p)
				for i, v := range r.ref.Host(n.y)[:n.y.N] {
					s += v * dy[i]
				}
				return s
			}
			loss()
			device.Do(r.Be, device.Fill{Dst: p.Grads})
			n.backward(p, of)
			same := func(what string, x, grad []float64) {
				t.Helper()
				got := append([]float64(nil), grad...)
				var diff, size float64
				for i := range x {
					const h = 1e-5
					old := x[i]
					x[i] = old + h
					up := loss()
					x[i] = old - h
					num := (up - loss()) / (2 * h)
					x[i] = old
					diff += (num - got[i]) * (num - got[i])
					size += num*num + got[i]*got[i]
				}
				if !(math.Sqrt(diff) <= 1e-6*math.Sqrt(size)+1e-9) || size == 0 {
					t.Errorf("%s: the gradient differs from central differences by %g of %g", what, math.Sqrt(diff), math.Sqrt(size))
				}
			}
			for _, tensor := range l.Tensors {
				at := tensor.Offset
				same(tensor.Name, w[at:at+tensor.N], r.ref.Host(p.Grads)[at:at+tensor.N])
			}
			if !n.dx.Absent() {
				same("the input", r.ref.Host(n.x)[:n.x.N], r.ref.Host(n.dx)[:n.x.N])
			}
		})
	}
}

func maskedEmbedding(of Trunk) func(l *Parameters, r *room) net {
	return func(l *Parameters, r *room) net {
		e := NewMaskedEmbedding(l, "e", EmbeddingShape{Dim: 3, Width: 4, Tokens: 3, Classes: 2, Trunk: of})
		x, y, proj, m := r.filled(18, 0), r.Act(24), r.Act(24), e.Masks(&r.Memory, 6)
		r.Be.Upload(m.Hidden, []float32{0, 1, 1, 1, 0, 0})
		r.Be.Upload(m.Shown, []float32{1, 0, 0, 0, 1, 1})
		e.Label(r.Be, m, []int32{1, 2})
		return net{y: y, forward: func(p *Pass) { e.Forward(p, y, proj, x, m, 2) },
			backward: func(p *Pass, dy device.Buffer) { e.Backward(p, proj, dy, x, m, 2) }}
	}
}

func attention(l *Parameters, r *room, block int) net {
	f := Attention{QKV: l.Linear("qkv", 4, 12), Out: l.Linear("out", 4, 4), Heads: 2}
	of := Sequences{Batch: 2, Tokens: 3, Block: block}
	x, y, dx := r.filled(24, 0), r.Act(24), r.Act(24)
	a, g := f.Acts(&r.Memory, 6), f.Grads(&r.Memory, 6)
	return net{y, x, dx, func(p *Pass) { f.Forward(p, &a, y, x, 6, device.Epilogue{}, func() { f.Over(p, &a, of) }) },
		func(p *Pass, dy device.Buffer) { f.Backward(p, &a, &g, dx, dy, x, of) }}
}

// diffusion is x ← x + gate·attention(norm(x)·(1+scale) + shift) over all tokens at
// once, then the same with an MLP, under modulations that are one row of parameters
// here: what a transformer is built of that denoises whole images.
func diffusion(l *Parameters, r *room) net {
	const W, rows = 4, 6
	of := Sequences{Batch: 2, Tokens: 3, Block: 3}
	att := Attention{QKV: l.Linear("qkv", W, 3*W), Out: l.Linear("out", W, W), Heads: 2}
	mlp := MLP{l.Linear("up", W, 2*W), l.Linear("down", 2*W, W), device.GELU, false}
	mod := l.Linear("mod", 3, 6*W)
	x, y, cond, m := r.filled(rows*W, 0), r.Act(rows*W), r.filled(rows*3, 1), r.Act(rows*6*W)
	n1, n2, mid, f1, f2, s1, s2 := r.Act(rows*W), r.Act(rows*W), r.Act(rows*W), r.Act(rows*W), r.Act(rows*W), r.Act(rows*2), r.Act(rows*2)
	dx, df, dn, dm, hidden := r.Act(rows*W), r.Act(rows*W), r.Act(rows*W), r.Act(rows*6*W), r.Act(rows*2*W)
	a, b, g := att.Acts(&r.Memory, rows), mlp.Acts(&r.Memory, rows, true), att.Grads(&r.Memory, rows)
	norm := func(p *Pass, y, x, stats device.Buffer, at int) {
		device.Do(p.Be, device.ModNorm{Y: y, X: x, Stats: stats, Mod: m, LDMod: 6 * W, Shift: at, Scale: at + W, Rows: rows, N: W})
	}
	gate := func(pre, residual device.Buffer, at int) device.Epilogue {
		return device.Epilogue{Pre: pre, Gate: m, LDGate: 6 * W, GateOff: at + 2*W, Residual: residual}
	}
	back := func(p *Pass, f, x, stats device.Buffer, at int, sub func()) {
		device.Do(p.Be, device.GateBackward{DF: df, DMod: dm, DOut: dx, F: f, Mod: m, LDMod: 6 * W, Gate: at + 2*W, Rows: rows, N: W})
		sub()
		device.Do(p.Be, device.ModNormBackward{DX: dx, DMod: dm, DY: dn, X: x, Stats: stats, Mod: m, LDMod: 6 * W, Shift: at, Scale: at + W,
			Rows: rows, N: W, Add: true})
	}
	return net{y, x, dx, func(p *Pass) {
		mod.Apply(p, m, none, cond, rows, device.None)
		norm(p, n1, x, s1, 0)
		att.Forward(p, &a, mid, n1, rows, gate(f1, x, 0), func() { att.Over(p, &a, of) })
		norm(p, n2, mid, s2, 3*W)
		mlp.Forward(p, &b, y, n2, rows, gate(f2, mid, 3*W))
	}, func(p *Pass, dy device.Buffer) {
		device.Do(p.Be, device.Copy{Dst: dx, Src: dy})
		back(p, f2, mid, s2, 3*W, func() { mlp.Backward(p, &b, hidden, dn, df, n2, rows) })
		back(p, f1, x, s1, 0, func() { att.Backward(p, &a, &g, dn, df, n1, of) })
		mod.Backward(p, none, 0, dm, dm, none, cond, rows, device.None)
	}}
}

func stack(of Trunk, again bool) func(l *Parameters, r *room) net {
	return func(l *Parameters, r *room) net {
		s := NewStack(l, "s", StackShape{Depth: 2, Width: 8, Heads: 2, MLP: 2, Classes: 1, Trunk: of})
		r.turns = of.Turns(&r.Memory, []int32{0, 2, 1, 3}, 2, 8, 2)
		of := Sequences{Batch: 2, Tokens: 4, Block: 2, Labels: r.indices(1, 0)}
		a, g, x := s.Acts(&r.Memory, 2, 4, true), s.Grads(&r.Memory, 2, 4), r.filled(64, 0)
		if again {
			a = s.InputActs(&r.Memory, 2, 4)
		}
		return net{a.H, x, g.DX, func(p *Pass) {
			device.Do(p.Be, device.Copy{Dst: a.Input(), Src: x})
			s.Forward(p, a, of)
		}, func(p *Pass, dy device.Buffer) { s.Backward(p, a, g, dy, of) }}
	}
}

func denoiser(of Trunk) func(l *Parameters, r *room) net {
	return func(l *Parameters, r *room) net {
		d := NewDenoiser(l, "d", 2, 3, StackShape{Depth: 2, Width: 8, Heads: 2, MLP: 2, Trunk: of})
		of := Sequences{Batch: 2, Tokens: 3}
		x, times, labels := r.filled(48, 0), r.Act(2), r.indices(2, 0)
		r.Be.Upload(times, []float32{0.2, 0.7})
		a, g := d.Acts(&r.Memory, of, 2, true), d.Grads(&r.Memory, of)
		return net{a.Out, x, g.DX, func(p *Pass) {
			device.Do(p.Be, device.Copy{Dst: a.Input(), Src: x})
			d.Condition(p, a, labels, 2)
			d.Time.Forward(p, a.Time, times, 2)
			d.Modulate(p, a, a.Time.Out, 2, 2, true)
			d.Forward(p, a, a.Mod, of)
		}, func(p *Pass, dy device.Buffer) { d.Backward(p, a, g, dy, labels, of) }}
	}
}

// A step from the caches is what the whole sequence gives.
func TestStepsAreTheWholeSequence(t *testing.T) {
	for name, of := range map[string]Trunk{
		"plain": {}, "rotations": {Positions: "rope2d"}, "all": {Norm: "rmsnorm", MLPKind: "swiglu", Positions: "rope2d", QKNorm: "rmsnorm"},
		"one class token": {ClassTokens: 1}, "class tokens with rotations": {Positions: "rope2d", QKNorm: "rmsnorm", ClassTokens: 3},
	} {
		t.Run(name, func(t *testing.T) { stepsAreTheWhole(t, of) })
	}
}

func stepsAreTheWhole(t *testing.T, trunk Trunk) {
	l, r := &Parameters{}, newRoom()
	s := NewStack(l, "s", StackShape{Depth: 2, Width: 4, Heads: 1, MLP: 2, Classes: 2, Trunk: trunk})
	l.Place()
	p := &Pass{Be: r.Be, Weights: r.Act(l.Total), Turns: trunk.Turns(&r.Memory, []int32{0, 3, 1, 4, 2, 5}, 3, 4, 1)}
	r.Be.Upload(p.Weights, l.Initial(5, 0))
	of := Sequences{Batch: 2, Tokens: 6, Block: 2, Labels: r.indices(2, 0)}
	x, whole := r.filled(2*6*4, 0), s.Acts(&r.Memory, 2, 6, true)
	device.Do(r.Be, device.Copy{Dst: whole.Input(), Src: x})
	s.Forward(p, whole, of)
	want := append([]float64(nil), r.ref.Host(whole.H)[:48]...)
	step, room := s.StepActs(&r.Memory, 2, 2), 2*2*(6+trunk.ClassTokens)*4
	caches := []device.Buffer{r.Act(room), r.Act(room)}
	s.Prefix(p, step, caches, of)
	for at := 0; at < 6; at += 2 {
		device.Do(r.Be, device.Copy2D{Dst: step.Input(), LDDst: 8, Src: x.Slice(at*4, 48-at*4), LDSrc: 24, Rows: 2, N: 8})
		s.Step(p, step, caches, of, at)
		for b := range 2 {
			for k := range 8 {
				got, want := r.ref.Host(step.H)[b*8+k], want[(b*6+at)*4+k]
				if !(math.Abs(got-want) <= 1e-12) { // a cache that nothing was put into holds NaN
					t.Fatalf("image %d, token %d: %g, in the whole sequence %g", b, at+k/4, got, want)
				}
			}
		}
	}
}

func head(form Modulation) func(l *Parameters, r *room) net {
	return func(l *Parameters, r *room) net {
		h := NewHead(l, "h", 3, 2, 4, 3, 2, form)
		x, cond, times, dcond := r.filled(8, 0), r.filled(6, 1), r.Act(4), r.Act(6)
		r.Be.Upload(times, []float32{0.1, 0.4, 0.6, 0.9})
		a, g := h.Acts(&r.Memory, 4, 4, 2, 4, true), h.Grads(&r.Memory, 4, 2)
		return net{a.Out, cond, dcond, func(p *Pass) {
			h.Condition(p, a, cond, 2)
			h.Time.Forward(p, a.Time, times, 4)
			h.Times(p, a, a.Time.Out, 4)
			h.Modulate(p, a, a.Time.Out, 4, 0, 4, 2)
			h.Forward(p, a, a.Mod, x, 4)
		}, func(p *Pass, dy device.Buffer) { h.Backward(p, a, g, dcond, dy, x, cond, 4, 2) }}
	}
}

func coder(share bool, set func(*CoderShape)) func(l *Parameters, r *room) net {
	return func(l *Parameters, r *room) net {
		shape := CoderShape{Token: 3, Hidden: 6, State: 4}
		if set != nil {
			set(&shape)
		}
		c := NewCoder(l, "enc", "dec", shape)
		of, rows := Sequences{Batch: 2, Tokens: 4, Block: 2}, 8
		x, y, z, kept := r.filled(3*rows, 0), r.Act(3*rows), r.Act(4*rows), device.Buffer{}
		h := r.filled(rows*max(shape.EncContext, shape.DecContext), 2)
		if share {
			kept = r.Act(2 * rows)
			r.Be.Upload(kept, []float32{0.7, 0.9, 0.5, 0.6, 0.8, 1, 0.3, 0.75, 0, 0, 0, 0, 0, 0, 0, 0})
		}
		a, g := c.Acts(&r.Memory, rows), c.Grads(&r.Memory, rows)
		return net{y: y, forward: func(p *Pass) {
			c.Encode(p, a.EncoderActs, x, h, rows)
			device.Do(r.Be, device.Copy{Dst: z, Src: a.Z})
			if share {
				device.Do(r.Be, device.RowMix{
					Dst: z, A: kept.Slice(0, rows), X: a.Z, B: kept.Slice(rows, rows), Y: a.Z, Rows: rows, N: 4, XRows: rows,
				})
			}
			c.Decode(p, a.Dec, y, z, h, of)
		}, backward: func(p *Pass, dy device.Buffer) { c.Backward(p, a, g, dy, z, x, kept, of) }}
	}
}
