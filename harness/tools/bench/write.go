package bench

import (
	"fmt"
	"io"

	"prabench/internal/numeral"

	"golang.org/x/perf/benchfmt"
)

// Print writes the result for people.
func (b *Result) Print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, `%s, %d threads, %s
peak            %s GFLOP/s, copies %s GB/s
matrix product  %s GFLOP/s (%s)
model %s, patch %d, %s parameters, %s products
training        %s images/s, %s %% of the peak (batch %d), %s allocated a step
sampling        %s images/s, %s %% of the peak (batch %d)
one image       %s ms, first block after %s ms
peak memory     %s
`, b.CPU, b.Threads, b.Backend, numeral.Digits(b.PeakGFLOPS, 3), numeral.Digits(b.CopyGBPerS, 3), numeral.Digits(b.GEMMGFLOPS, 3), b.GEMM,
		b.Model, b.Patch, numeral.Count(b.Params), b.Precision,
		numeral.Digits(b.Train.ImagesPerS, 3), numeral.Digits(100*b.Train.MFU, 2), b.Train.Batch, numeral.Bytes(int64(b.Train.AllocBytes)),
		numeral.Digits(b.Sample.ImagesPerS, 3), numeral.Digits(100*b.Sample.MFU, 2), b.Sample.Batch,
		numeral.Digits(1e3*b.Latency, 3), numeral.Digits(1e3*b.FirstBlock, 3), numeral.Bytes(b.MemoryPeak)); err != nil {
		return err
	}
	if p := b.Before; p != nil {
		if _, err := fmt.Fprintf(w, "before          shares of the peak were %s and %s %%, one image took %s ms (revision %.12s, same "+
			"processor): now %s, %s and %s times that\n",
			numeral.Digits(100*p.Train, 2), numeral.Digits(100*p.Sample, 2), numeral.Digits(1e3*p.Latency, 3), p.GitRevision,
			numeral.Digits(b.Train.MFU/p.Train, 3), numeral.Digits(b.Sample.MFU/p.Sample, 3), numeral.Digits(b.Latency/p.Latency, 3)); err != nil {
			return err
		}
	}
	for _, t := range b.Ops {
		if err := t.print(w, b.PeakGFLOPS*1e9); err != nil {
			return err
		}
	}
	return nil
}

// PrintGo writes the Go benchmark format.
func (b *Result) PrintGo(w io.Writer) error {
	out := benchfmt.NewWriter(w)
	write := func(what string, batch, n int, seconds float64, more ...benchfmt.Value) error {
		r := &benchfmt.Result{
			Name: benchfmt.Name(fmt.Sprintf("%s/model=%s/patch=%d/batch=%d/precision=%s-%d", what, b.Model, b.Patch, batch,
				b.Precision, b.Threads)),
			Iters:  n,
			Values: append([]benchfmt.Value{{Value: 1e9 * seconds, Unit: "ns/op"}}, more...),
		}
		for _, c := range [][2]string{{"cpu", b.CPU}, {"backend", b.Backend}, {"revision", b.GitRevision}} {
			if c[1] != "" { // the writer prints it where it changes
				r.Config = append(r.Config, benchfmt.Config{Key: c[0], Value: []byte(c[1]), File: true})
			}
		}
		return out.Write(r)
	}
	of := func(r Rate) []benchfmt.Value {
		return []benchfmt.Value{{Value: r.ImagesPerS, Unit: "images/s"}, {Value: r.MFU, Unit: "mfu"}, {Value: r.AllocBytes, Unit: "B/op"}}
	}
	if err := write("Train", b.Train.Batch, b.Train.N, float64(b.Train.Batch)/b.Train.ImagesPerS, of(b.Train)...); err != nil {
		return err
	}
	if err := write("Sample", b.Sample.Batch, b.Sample.N, float64(b.Sample.Batch)/b.Sample.ImagesPerS, of(b.Sample)...); err != nil {
		return err
	}
	if err := write("Latency", 1, 1, b.Latency); err != nil {
		return err
	}
	return write("FirstBlock", 1, 1, b.FirstBlock)
}
