package embed

import (
	"math"

	"prabench/models/gemm"
)

const normEps = 1e-5

// shard is the forward and backward pass of `chunk` images in one goroutine.
type shard struct {
	l      *learner
	layers [len(widths)]layerTrace
	mean   [len(widths)][]float32 // statistics of this shard, [out]
	vari   [len(widths)][]float32
	out    []float32   // [chunk, featureDim]
	probs  []float32   // [chunk, classes]
	dOut   []float32   // [chunk, featureDim]
	grads  [][]float32 // as learner.parameters, summed over the shard's images
	loss   float64     // summed
	hits   int
}

// layerTrace keeps what the backward pass of a convolution needs.
type layerTrace struct {
	padded []float32 // input [chunk, side+2, side+2, in], zero border; later its gradient
	cols   []float32 // [chunk·side², 9·in]; later its gradient
	z      []float32 // convolution [chunk·side², out]; later its gradient
	where  []uint8   // which of the 2×2 was largest [rows, out]
	hat    []float32 // pooled, normalised [rows, out]
	act    []float32 // after gain, bias and max(·,0) [rows, out]
	grad   []float32 // of act, then of the pooled convolution [rows, out]
}

func (l *learner) newShard() *shard {
	s := &shard{l: l}
	for i := range l.net.convs {
		c := &l.net.convs[i]
		full, rows := chunk*c.side*c.side, chunk*c.outSide()*c.outSide()
		s.layers[i] = layerTrace{
			padded: make([]float32, chunk*(c.side+2)*(c.side+2)*c.in),
			cols:   make([]float32, full*9*c.in), z: make([]float32, full*c.out), where: make([]uint8, rows*c.out),
			hat: make([]float32, rows*c.out), act: make([]float32, rows*c.out), grad: make([]float32, rows*c.out),
		}
		s.mean[i], s.vari[i] = make([]float32, c.out), make([]float32, c.out)
	}
	s.out, s.dOut = make([]float32, chunk*featureDim), make([]float32, chunk*featureDim)
	s.probs = make([]float32, chunk*l.net.classes)
	for _, p := range l.parameters() {
		s.grads = append(s.grads, make([]float32, len(p)))
	}
	return s
}

func (s *shard) run(images []uint8, labels []int32) {
	s.forward(images)
	s.head(labels)
	s.backward()
}

func (s *shard) forward(images []uint8) {
	net := s.l.net
	clear(s.layers[0].padded)
	loadPixels(images, chunk, net.size, net.channels, s.layers[0].padded)
	for i := range net.convs {
		c, t := &net.convs[i], &s.layers[i]
		rows, k := chunk*c.side*c.side, 9*c.in
		gather(t.padded, c.side, c.in, t.cols)
		gemm.Sgemm(1, false, false, rows, c.out, k, 1, t.cols, k, c.weight, c.out, 0, t.z, c.out)
		t.pool(c)
		normalise(t.hat, s.mean[i], s.vari[i])
		gain, bias := s.l.gain[i], s.l.bias[i]
		for at := 0; at < len(t.hat); at += c.out {
			affine(t.act[at:at+c.out], t.hat[at:at+c.out], gain, bias)
		}
		if i+1 < len(net.convs) {
			clear(s.layers[i+1].padded)
			embedRows(t.act, s.layers[i+1].padded, c.outSide(), c.out, true)
		}
	}
	last := &s.layers[len(s.layers)-1]
	each := len(last.act) / chunk
	for i := range chunk {
		meanPositions(last.act[i*each:(i+1)*each], s.out[i*featureDim:(i+1)*featureDim])
	}
	net.logits(s.out, chunk, s.probs)
}

// head is the loss, cross-entropy against smoothed targets, and the gradients
// of the last layer and of the features.
func (s *shard) head(labels []int32) {
	net := s.l.net
	dWeight, dBias := s.grads[len(s.grads)-2], s.grads[len(s.grads)-1]
	clear(dWeight)
	clear(dBias)
	s.loss, s.hits = 0, 0
	k := net.classes
	for i, label := range labels {
		d := s.probs[i*k : (i+1)*k]
		if softmax(d) == int(label) {
			s.hits++
		}
		for j, p := range d {
			target := float32(smoothing) / float32(k)
			if j == int(label) {
				target += 1 - smoothing
			}
			s.loss -= float64(target) * math.Log(max(float64(p), 1e-30))
			d[j] = p - target
			dBias[j] += d[j]
		}
		for f := range featureDim {
			v, sum := s.out[i*featureDim+f], float32(0)
			w, dw := net.headWeight[f*k:(f+1)*k], dWeight[f*k:(f+1)*k]
			for j, g := range d {
				dw[j] += v * g
				sum += w[j] * g
			}
			s.dOut[i*featureDim+f] = sum
		}
	}
}

func (s *shard) backward() {
	net := s.l.net
	last := &s.layers[len(s.layers)-1]
	positions := len(last.act) / chunk / featureDim
	for i := range chunk {
		for p := range positions {
			row := last.grad[(i*positions+p)*featureDim:][:featureDim]
			for j, g := range s.dOut[i*featureDim : (i+1)*featureDim] {
				row[j] = g / float32(positions)
			}
		}
	}
	for i := len(net.convs) - 1; i >= 0; i-- {
		c, t := &net.convs[i], &s.layers[i]
		rows, k := chunk*c.side*c.side, 9*c.in
		normaliseBack(t, s.l.gain[i], s.vari[i], s.grads[3*i+1], s.grads[3*i+2])
		t.unpool(c)
		gemm.Sgemm(1, true, false, k, c.out, rows, 1, t.cols, k, t.z, c.out, 0, s.grads[3*i], c.out)
		if i == 0 {
			break
		}
		gemm.Sgemm(1, false, true, rows, k, c.out, 1, t.z, c.out, c.weight, c.out, 0, t.cols, k)
		scatter(t.cols, c.side, c.in, t.padded)
		embedRows(s.layers[i-1].grad, t.padded, c.side, c.in, false)
	}
}

// embedRows copies [chunk, side, side, f] into the interior of a padded buffer,
// or back out of it.
func embedRows(rows, padded []float32, side, f int, in bool) {
	wide := side + 2
	for i := range chunk {
		for y := range side {
			inner := padded[((i*wide+y+1)*wide+1)*f:][:side*f]
			row := rows[(i*side+y)*side*f:][:side*f]
			if in {
				copy(inner, row)
			} else {
				copy(row, inner)
			}
		}
	}
}
