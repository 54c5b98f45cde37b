package vq

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"prabench/models/device"
)

// across calls f for every row, on as many threads as the backend has. Rows are
// independent, so the result is that of one thread.
func across(be device.Backend, rows int, f func(row int)) {
	threads := max(1, min(be.Threads(), rows))
	var all sync.WaitGroup
	for t := range threads {
		all.Go(func() {
			for r := t * rows / threads; r < (t+1)*rows/threads; r++ {
				f(r)
			}
		})
	}
	all.Wait()
}

// chooser draws codes from logits. Its slices are room for one row.
type chooser struct {
	cfg    SampleConfig
	weight []float64
	order  []int
}

func newChooser(cfg SampleConfig, codes int) *chooser {
	return &chooser{cfg, make([]float64, codes), make([]int, codes)}
}

// draw is the code that u ∈ [0, 1) chooses; null are the logits without class, absent
// without guidance. Among the codes that are left, in the order of their numbers, it
// is the first up to which more than u of their probability lies.
func (c *chooser) draw(logits, null []float32, u float64) int32 {
	w := c.weight
	top := 0
	for k, v := range logits {
		w[k] = float64(v)
		if null != nil {
			w[k] += c.cfg.Guidance * (float64(v) - float64(null[k]))
		}
		if w[k] > w[top] {
			top = k
		}
	}
	if c.cfg.Temperature == 0 {
		return int32(top)
	}
	var total float64
	for k, highest := 0, w[top]; k < len(w); k++ {
		w[k] = math.Exp((w[k] - highest) / c.cfg.Temperature)
		total += w[k]
	}
	total = c.narrow(total)
	var sum float64
	last := top
	for k, v := range w {
		if v == 0 {
			continue
		}
		if sum += v; sum > u*total {
			return int32(k)
		}
		last = k
	}
	return int32(last)
}

// narrow sets the weights of the codes to 0 that top-k and then top-p leave out, and
// gives the sum of the others. Of codes that are equally likely the first stay.
func (c *chooser) narrow(total float64) float64 {
	w := c.weight
	if (c.cfg.TopK == 0 || c.cfg.TopK == len(w)) && c.cfg.TopP == 1 {
		return total
	}
	for k := range c.order {
		c.order[k] = k
	}
	slices.SortFunc(c.order, func(a, b int) int { return cmp.Or(cmp.Compare(w[b], w[a]), a-b) })
	n := len(w)
	if c.cfg.TopK > 0 {
		n = c.cfg.TopK
	}
	var all, kept float64
	for _, k := range c.order[:n] {
		all += w[k]
	}
	left := 0
	for left < n && (left == 0 || kept < c.cfg.TopP*all) {
		kept += w[c.order[left]]
		left++
	}
	for _, k := range c.order[left:] {
		w[k] = 0
	}
	return kept
}
