package layers

import "prabench/models/device"

// Linear is y = x·W + b with W stored [in, out].
type Linear struct {
	W, B    *Tensor
	In, Out int
}

// Forward is y ← x·W + b for x [rows, in], with what else the epilogue says.
func (l *Linear) Forward(p *Pass, y, x device.Buffer, rows int, e device.Epilogue) {
	e.Bias = l.B.Of(p.Weights)
	device.Do(p.Be, device.Linear{Y: y, X: x, W: l.W.Of(p.Weights), Rows: rows, In: l.In, Out: l.Out, Epilogue: e})
}

// Apply is y ← act(x·W + b); pre keeps what the activation saw and may be absent
// where no backward pass follows.
func (l *Linear) Apply(p *Pass, y, pre, x device.Buffer, rows int, act device.Act) {
	l.Forward(p, y, x, rows, device.Epilogue{Pre: pre, Act: act})
}

// Normed is y ← act(norm(x)·W + b) for inference, where n says how x is normalised and
// n.X is x.
func (l *Linear) Normed(p *Pass, y device.Buffer, n device.NormLinear, rows int, act device.Act) {
	n.Linear = device.Linear{Y: y, X: n.X, W: l.W.Of(p.Weights), Rows: rows, In: l.In, Out: l.Out,
		Epilogue: device.Epilogue{Bias: l.B.Of(p.Weights), Act: act}}
	device.Do(p.Be, n)
}

// momentsFor is room for the moments of rows of width values where the backend
// normalises in its layers, and nothing is kept for a backward pass; absent elsewhere.
func momentsFor(m *Memory, rows, width int, keep bool) device.Buffer {
	if keep || m.Be.Caps().NormRows < rows {
		return none
	}
	return m.Act(rows * device.Moments(width))
}

// Backward turns dy into dpre (may be the same buffer) and gives the gradients of
// W, b and, where dx is present, of x (β = 1 adds to it).
func (l *Linear) Backward(p *Pass, dx device.Buffer, beta float32, dpre, dy, pre, x device.Buffer, rows int, act device.Act) {
	device.Do(p.Be, device.BiasActBackward{DPre: dpre, DBias: l.B.Of(p.Grads), DY: dy, Pre: pre, Rows: rows, N: l.Out, Act: act})
	product(p, dx, beta, dpre, x, l.W, rows, l.In, l.Out)
}

// product is the backward pass of y = x·W: it adds to the gradient of W and, where
// dx is present, gives that of x.
func product(p *Pass, dx device.Buffer, beta float32, dy, x device.Buffer, w *Tensor, rows, in, out int) {
	device.Do(p.Be, device.Gemm{
		TransA: true, M: in, N: out, K: rows, Alpha: 1, A: x, LDA: in, B: dy, LDB: out, Beta: 1,
		C: w.Of(p.Grads), LDC: out,
	})
	if !dx.Absent() {
		device.Do(p.Be, device.Gemm{
			TransB: true, M: rows, N: in, K: out, Alpha: 1, A: dy, LDA: out, B: w.Of(p.Weights), LDB: out,
			Beta: beta, C: dx, LDC: in,
		})
	}
}

// Weight is the matrix as a backend can keep copies of it.
func (l *Linear) Weight(flat device.Buffer) device.Weight {
	return device.Weight{W: l.W.Of(flat), In: l.In, Out: l.Out}
}

// Weights are those of the layers that there are.
func Weights(flat device.Buffer, of ...Linear) []device.Weight {
	var out []device.Weight
	for _, l := range of {
		if l.W != nil {
			out = append(out, l.Weight(flat))
		}
	}
	return out
}

// Affine is the gain and the bias of a normalisation; RMSNorm has no bias.
type Affine struct{ Gain, Bias *Tensor }

// Forward is y ← norm(x)·gain + bias over n values a row.
func (a *Affine) Forward(p *Pass, y, x, stats device.Buffer, rows, n int) {
	if a.Bias == nil {
		device.Do(p.Be, device.RMSNorm{Y: y, X: x, Gain: a.Gain.Of(p.Weights), Stats: stats, Rows: rows, N: n, Eps: device.NormEps})
		return
	}
	device.Do(p.Be, device.Norm{
		Y: y, X: x, Gain: a.Gain.Of(p.Weights), Bias: a.Bias.Of(p.Weights), Stats: stats, Rows: rows, N: n,
	})
}

// Backward gives the gradients of gain, bias and x; with add it adds to dx.
func (a *Affine) Backward(p *Pass, dx, dy, x, stats device.Buffer, rows, n int, add bool) {
	if a.Bias == nil {
		device.Do(p.Be, device.RMSNormBackward{
			DX: dx, DGain: a.Gain.Of(p.Grads), DY: dy, X: x, Gain: a.Gain.Of(p.Weights), Stats: stats, Rows: rows, N: n, Add: add,
		})
		return
	}
	device.Do(p.Be, device.NormBackward{
		DX: dx, DGain: a.Gain.Of(p.Grads), DBias: a.Bias.Of(p.Grads), DY: dy, X: x,
		Gain: a.Gain.Of(p.Weights), Stats: stats, Rows: rows, N: n, Add: add,
	})
}
