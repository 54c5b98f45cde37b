package vq

import (
	"prabench/models/device"
	"prabench/models/layers"
)

// book is the codebook: averages of the states that chose them. The host keeps it,
// the device has a copy.
type book struct {
	codes, dim int
	vectors    []float32 // [codes, dim]
	use        []float32 // [codes] averaged number of states a step that chose a code
	half       []float64 // [codes] half the squared length of each
	on         device.Buffer
}

func newBook(c Config, on device.Buffer) *book {
	return &book{codes: c.Codes, dim: c.CodeDim, vectors: make([]float32, c.Codes*c.CodeDim), use: make([]float32, c.Codes),
		half: make([]float64, c.Codes), on: on}
}

// initial draws the codes that a training begins with.
func (b *book) initial(seed uint64) {
	for i := range b.vectors {
		b.vectors[i] = float32(layers.Normal(seed, streamCodes, uint32(i/b.dim), uint32(i%b.dim/2), i%2))
	}
}

// upload brings the codes to the device.
func (b *book) upload(be device.Backend) {
	for k := range b.half {
		b.half[k] = 0
		for _, v := range b.vectors[k*b.dim : (k+1)*b.dim] {
			b.half[k] += float64(v) * float64(v) / 2
		}
	}
	be.Upload(b.on, b.vectors)
}

// nearest puts into codes the nearest code of every state z [rows, dim], the first one
// of several: the one with the largest z·e − |e|²/2. scores is room for all.
func (b *book) nearest(be device.Backend, codes []int32, host []float32, z, scores device.Buffer) {
	rows := len(codes)
	scores = scores.Slice(0, rows*b.codes)
	device.Do(be, device.Gemm{TransB: true, M: rows, N: b.codes, K: b.dim, Alpha: 1, A: z, LDA: b.dim, B: b.on, LDB: b.dim, C: scores,
		LDC: b.codes})
	host = host[:rows*b.codes]
	be.Download(host, scores)
	across(be, rows, func(r int) {
		row, best := host[r*b.codes:(r+1)*b.codes], 0
		for k := range row {
			if float64(row[k])-b.half[k] > float64(row[best])-b.half[best] {
				best = k
			}
		}
		codes[r] = int32(best)
	})
}

// gather writes the vectors of codes to the device: y [rows, dim].
func (b *book) gather(be device.Backend, y device.Buffer, codes device.Ints, rows int) {
	device.Do(be, device.Gather{Y: y, Table: b.on, Index: codes, Rows: rows, N: b.dim})
}

// choosing is a random number for each code of a training step.
func (b *book) choosing(key uint64, step, code, rows int) int {
	return min(rows-1, int(layers.Uniform(key, streamReset, uint32(step), uint32(code))*float64(rows)))
}

// scatter makes every code a state of the batch: how a training begins.
func (b *book) scatter(key uint64, z []float32) {
	rows := len(z) / b.dim
	for k := range b.use {
		r := b.choosing(key, 0, k, rows)
		copy(b.vectors[k*b.dim:(k+1)*b.dim], z[r*b.dim:(r+1)*b.dim])
		b.use[k] = float32(float64(rows) / float64(b.codes))
	}
}

// update moves the codes towards the states z that chose them, and dead ones to a state
// of the batch. It is done in order by one thread, so it is the same everywhere.
func (b *book) update(t TrainConfig, step int, codes []int32, z []float32) (reset int) {
	rows, d := len(codes), b.dim
	count, sum := make([]float64, b.codes), make([]float64, b.codes*d)
	for r, k := range codes {
		count[k]++
		for j, v := range z[r*d : (r+1)*d] {
			sum[int(k)*d+j] += float64(v)
		}
	}
	mean := float64(rows) / float64(b.codes)
	for k := range b.use {
		old := float64(b.use[k])
		use := t.CodeDecay*old + (1-t.CodeDecay)*count[k]
		if use < t.CodeReset*mean {
			r := b.choosing(t.noiseSeed(), step+1, k, rows)
			copy(b.vectors[k*d:(k+1)*d], z[r*d:(r+1)*d])
			b.use[k] = float32(mean)
			reset++
			continue
		}
		b.use[k] = float32(use)
		if count[k] == 0 {
			continue // its average stays where it is
		}
		for j := range d {
			v := &b.vectors[k*d+j]
			*v = float32((t.CodeDecay*old*float64(*v) + (1-t.CodeDecay)*sum[k*d+j]) / use)
		}
	}
	return reset
}
