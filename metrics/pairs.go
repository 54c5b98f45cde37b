package metrics

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// blocked is a set of features, block by block.
type blocked struct {
	d     int
	x     []float64 // [N, d], the images of block 0, then those of block 1, …
	start []int     // block b has the images start[b] to start[b+1]
}

// byBlock orders the chosen images by their blocks, of which some may be empty.
func byBlock(f Features, chosen, block []int, blocks int) blocked {
	b := blocked{d: f.D, x: make([]float64, 0, len(chosen)*f.D), start: make([]int, 1, blocks+1)}
	at := make([][]int, blocks)
	for _, i := range chosen {
		at[block[i]] = append(at[block[i]], i)
	}
	for _, images := range at {
		for _, i := range images {
			b.x = append(b.x, f.row(i)...)
		}
		b.start = append(b.start, b.start[len(b.start)-1]+len(images))
	}
	return b
}

func (b blocked) blocks() int { return len(b.start) - 1 }

// n is the number of images that are not in a block; −1 leaves out none.
func (b blocked) n(without int) float64 {
	n := b.start[b.blocks()]
	if without >= 0 {
		n -= b.start[without+1] - b.start[without]
	}
	return float64(n)
}

func (b blocked) matrix(lo, hi int) blas64.General {
	return blas64.General{Rows: hi - lo, Cols: b.d, Stride: b.d, Data: b.x[lo*b.d : hi*b.d]}
}

// pairSums are sums of a kernel over the pairs of two blocks, [rows, cols].
type pairSums struct {
	rows, cols int
	sum        []float64
}

// sumPairs adds up a kernel of the inner product over all pairs of images.
func sumPairs(a, b blocked, kernel func(product float64) float64) pairSums {
	p := pairSums{a.blocks(), b.blocks(), make([]float64, a.blocks()*b.blocks())}
	const height = 256 // images at a time: bounds memory
	parallel(len(p.sum), func(i int) {
		r, c := i/p.cols, i%p.cols
		cols := b.start[c+1] - b.start[c]
		if cols == 0 {
			return
		}
		y, products := b.matrix(b.start[c], b.start[c+1]), make([]float64, height*cols)
		for lo := a.start[r]; lo < a.start[r+1]; lo += height {
			x := a.matrix(lo, min(lo+height, a.start[r+1]))
			out := blas64.General{Rows: x.Rows, Cols: cols, Stride: cols, Data: products[:x.Rows*cols]}
			blas64.Gemm(blas.NoTrans, blas.Trans, 1, x, y, 0, out)
			for _, v := range out.Data {
				p.sum[i] += kernel(v)
			}
		}
	})
	return p
}

// without adds up the pairs without a block of the first set and one of the
// second; −1 leaves out none. Sums are added up again: taking away would leave
// rounding behind.
func (p pairSums) without(row, col int) float64 {
	var total float64
	for r := range p.rows {
		for c := range p.cols {
			if r != row && c != col {
				total += p.sum[r*p.cols+c]
			}
		}
	}
	return total
}

// kidPairs is the kernel distance by its definition: over pairs. It is linear in
// the number of features and quadratic in that of images.
type kidPairs struct {
	sides    [2]blocked
	within   [2]pairSums
	between  pairSums
	diagonal [2][]float64 // Σk(x,x) of each block
}

func newKIDPairs(real, gen blocked) kidPairs {
	d := float64(real.d)
	kernel := func(product float64) float64 {
		k := product/d + 1
		return k * k * k
	}
	p := kidPairs{sides: [2]blocked{real, gen}, between: sumPairs(real, gen, kernel)}
	for s, side := range p.sides {
		p.within[s] = sumPairs(side, side, kernel)
		p.diagonal[s] = make([]float64, side.blocks())
		for b := range p.diagonal[s] {
			for i := side.start[b]; i < side.start[b+1]; i++ {
				row := side.x[i*side.d : (i+1)*side.d]
				p.diagonal[s][b] += kernel(dot(row, row))
			}
		}
	}
	return p
}

// value is the distance without a block of real images and one of generated ones;
// −1 leaves out none.
func (p kidPairs) value(real, gen int) float64 {
	out := [2]int{real, gen}
	var total float64
	for s, side := range p.sides {
		var diagonal float64
		for b, v := range p.diagonal[s] {
			if b != out[s] {
				diagonal += v
			}
		}
		n := side.n(out[s])
		total += (p.within[s].without(out[s], out[s]) - diagonal) / (n * (n - 1))
	}
	return total - 2*p.between.without(real, gen)/(p.sides[0].n(real)*p.sides[1].n(gen))
}
