package metrics

import (
	"fmt"
	"math"
	"slices"

	"prabench/metrics/stat"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/optimize"
)

// ProbePenalty is λ of the linear probe: it is fixed, so that nothing is chosen
// by looking at the held-out images.
const ProbePenalty = 1e-3

// probeSettled is the largest part of the gradient at which a fit has
// converged; the accuracy does not change any more long before.
const probeSettled = 1e-5

// Probe fits a multinomial logistic regression to frozen features of labelled
// images and returns its accuracy on held-out ones, with Wilson's 95 % interval
// over these. Features are centred and scaled by the training set's mean and
// deviation; the loss is the mean cross-entropy plus λ/2·‖W‖² (biases are free),
// which is strictly convex in W, so the fit has one answer whatever the start.
// It is found by L-BFGS.
func Probe(train, heldOut Features, classes int) (stat.Estimate, error) {
	p, err := fitProbe(train, classes)
	if err != nil {
		return stat.Estimate{}, fmt.Errorf("linear probe: %w", err)
	}
	if err := heldOut.check(); err != nil {
		return stat.Estimate{}, fmt.Errorf("linear probe: held-out images: %w", err)
	}
	if heldOut.D != train.D || heldOut.Labels == nil {
		return stat.Estimate{}, fmt.Errorf("linear probe: %d held-out features against %d in training; both must come from one model, and "+
			"have labels", heldOut.D, train.D)
	}
	return ClassAccuracy(p.classify(heldOut), heldOut.Labels)
}

// probe is a fitted regression: logits of x are W·(x−mean)/scale + bias.
type probe struct {
	classes     int
	mean, scale []float64 // [D]
	weights     []float64 // [D+1, classes], the last row is the bias
}

func fitProbe(f Features, classes int) (*probe, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("training images: %w", err)
	}
	if f.Labels == nil || classes < 2 {
		return nil, fmt.Errorf("%d classes and labels %v; it needs labels of at least 2 classes", classes, f.Labels != nil)
	}
	for i, l := range f.Labels {
		if l < 0 || int(l) >= classes {
			return nil, fmt.Errorf("training image %d has the label %d of %d classes", i, l, classes)
		}
	}
	p := &probe{classes: classes, mean: columnMean(f), scale: make([]float64, f.D)}
	for i := range f.N {
		for j, v := range f.row(i) {
			p.scale[j] += (v - p.mean[j]) * (v - p.mean[j]) / float64(f.N)
		}
	}
	for j, v := range p.scale {
		if p.scale[j] = math.Sqrt(v); v == 0 {
			p.scale[j] = 1 // a constant feature says nothing, and stays 0
		}
	}
	x := p.standard(f)
	// The method asks for loss and gradient of the same weights one after the
	// other, and each costs what both do.
	var at, gradient []float64
	var loss float64
	both := func(w []float64) {
		if !slices.Equal(at, w) {
			at, gradient = append(at[:0], w...), slices.Grow(gradient[:0], len(w))[:len(w)]
			loss = p.loss(x, f.Labels, w, gradient)
		}
	}
	problem := optimize.Problem{
		Func: func(w []float64) float64 { both(w); return loss },
		Grad: func(g, w []float64) { both(w); copy(g, gradient) },
	}
	result, err := optimize.Minimize(problem, make([]float64, (f.D+1)*classes),
		&optimize.Settings{GradientThreshold: probeSettled, MajorIterations: 2000}, &optimize.LBFGS{})
	if err != nil {
		return nil, fmt.Errorf("the fit did not converge: %w", err)
	}
	if result.Status != optimize.GradientThreshold && result.Status != optimize.FunctionConvergence {
		return nil, fmt.Errorf("the fit did not converge in %d steps: %v", result.MajorIterations, result.Status)
	}
	p.weights = result.X
	return p, nil
}

// standard is the standardised features with a column of ones, [N, D+1].
func (p *probe) standard(f Features) blas64.General {
	x := blas64.General{Rows: f.N, Cols: f.D + 1, Stride: f.D + 1, Data: make([]float64, f.N*(f.D+1))}
	for i := range f.N {
		row := x.Data[i*x.Stride : (i+1)*x.Stride]
		for j, v := range f.row(i) {
			row[j] = (v - p.mean[j]) / p.scale[j]
		}
		row[f.D] = 1
	}
	return x
}

// loss is the penalised mean cross-entropy at the weights w, and with g its
// gradient.
func (p *probe) loss(x blas64.General, labels []int32, w, g []float64) float64 {
	c := p.classes
	weights := blas64.General{Rows: x.Cols, Cols: c, Stride: c, Data: w}
	logits := blas64.General{Rows: x.Rows, Cols: c, Stride: c, Data: make([]float64, x.Rows*c)}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, x, weights, 0, logits)
	var loss float64
	share := 1 / float64(x.Rows)
	for i, label := range labels {
		row := logits.Data[i*c : (i+1)*c]
		top := row[0]
		for _, v := range row {
			top = max(top, v)
		}
		var sum float64
		for _, v := range row {
			sum += math.Exp(v - top)
		}
		loss += (top + math.Log(sum) - row[label]) * share
		for k, v := range row {
			row[k] = math.Exp(v-top) / sum * share
		}
		row[label] -= share
	}
	bias := (x.Cols - 1) * c
	for _, v := range w[:bias] {
		loss += ProbePenalty / 2 * v * v
	}
	if g != nil {
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, x, logits, 0, blas64.General{Rows: x.Cols, Cols: c, Stride: c, Data: g})
		for i, v := range w[:bias] {
			g[i] += ProbePenalty * v
		}
	}
	return loss
}

// classify gives the most probable class of every image.
func (p *probe) classify(f Features) []int32 {
	x := p.standard(f)
	c := p.classes
	logits := blas64.General{Rows: x.Rows, Cols: c, Stride: c, Data: make([]float64, x.Rows*c)}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, x, blas64.General{Rows: x.Cols, Cols: c, Stride: c, Data: p.weights}, 0, logits)
	out := make([]int32, f.N)
	for i := range out {
		row := logits.Data[i*c : (i+1)*c]
		for k, v := range row {
			if v > row[out[i]] {
				out[i] = int32(k)
			}
		}
	}
	return out
}
