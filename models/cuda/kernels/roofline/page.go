package roofline

import (
	"fmt"
	"io"

	"prabench/models"
)

// Case is a model whose sampling the page predicts.
type Case struct {
	Name   string
	Config models.Config
	Sample models.SampleConfig
	// Earlier is the range, batch 64 to batch 256, of an estimate made before
	// there were kernels, images/s on an H100.
	Earlier [2]float64
}

// batches that the page is about.
var batches = []int{64, 256}

// NodeSeconds is what the page assumes that the replay of one graph node costs
// beside its work. Nobody has measured it here.
const NodeSeconds = 1e-6

// Wasteful is from which quotient of bytes moved and bytes needed a kernel owes a reason.
const Wasteful = 1.5

// Reasons of the kernels that move more than [Wasteful] times what their
// operation needs.
var Reasons = map[string]string{
	"finish": "adds the splits of a product. With 64 or 256 rows a layer has fewer tiles than an H100 has multiprocessors, so its depth is split and every split is written and read once. These bytes were written a moment before and fit the 50 MB cache, so they cost less than the column says; without the split most multiprocessors would idle.",
}

// Write writes the page's tables for the cases.
func Write(w io.Writer, d Device, cases []Case) error {
	fmt.Fprintf(w, `## Predicted sampling

Sequential sampling, one token a step, 256 AR steps, 25 Euler steps a token, no
guidance. Launches are those of an AR step after the first, which are the nodes of
its graph; "with nodes" adds an assumed %.0f µs for each. "Earlier" is an estimate on
the back of an envelope that came before the kernels, weights and cache in bf16.

| model | batch | products | launches an AR step | GB an AR step | of which needed | TFLOP an AR step | images/s at the bound | with nodes | earlier |
|---|--:|---|--:|--:|--:|--:|--:|--:|--:|
`, NodeSeconds*1e6)
	type detail struct {
		name string
		s    Sampling
	}
	var details []detail
	for _, c := range cases {
		for i, batch := range batches {
			for _, bf16 := range []bool{true, false} {
				s, err := Sample(c.Config, c.Sample, batch, bf16, d)
				if err != nil {
					return fmt.Errorf("%s, batch %d: %w", c.Name, batch, err)
				}
				name, earlier := "fp32", ""
				if bf16 {
					name, earlier = "bf16", fmt.Sprintf("%.0f", c.Earlier[i])
					details = append(details, detail{fmt.Sprintf("%s, batch %d, bf16", c.Name, batch), s})
				}
				t, k := s.Whole.Total(), float64(c.Config.ARSteps())
				fmt.Fprintf(w, "| %s | %d | %s | %d | %.2f | %.2f | %.2f | %.0f | %.0f | %s |\n", c.Name, batch, name, s.PerStep,
					t.Cost.Bytes/k/1e9, t.Cost.Least/k/1e9, t.Cost.FLOPs/k/1e12, s.ImagesPerSecond(0), s.ImagesPerSecond(NodeSeconds), earlier)
			}
		}
	}
	fmt.Fprintf(w, "\n## Where the time goes\n\nPer AR step, the mean over all of them, at the bound on an %s.\n", d.Name)
	for _, x := range details {
		fmt.Fprintf(w, "\n**%s**\n\n| kernel | launches | MB | MB needed | quotient | GFLOP | µs |\n|---|--:|--:|--:|--:|--:|--:|\n", x.name)
		steps := float64(cases[0].Config.ARSteps())
		for _, l := range append(x.s.Whole.Lines(), x.s.Whole.Total()) {
			name := "together"
			if l.Kernel != nil {
				name = l.Kernel.Name
			}
			fmt.Fprintf(w, "| %s | %.1f | %.2f | %.2f | %.2f | %.1f | %.1f |\n", name, float64(l.Launches)/steps, l.Cost.Bytes/steps/1e6, l.Cost.Least/steps/1e6,
				l.Cost.Bytes/l.Cost.Least, l.Cost.FLOPs/steps/1e9, l.Seconds/steps*1e6)
		}
	}
	return nil
}
