package bench

import (
	"fmt"
	"io"

	"prabench/internal/numeral"

	"golang.org/x/perf/benchfmt"
)

// Print writes the result for people.
func (b *Result) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d threads, %s\n", b.CPU, b.Threads, b.Backend)
	if b.PeakGFLOPS > 0 {
		fmt.Fprintf(w, "peak            %s GFLOP/s, copies %s GB/s\nmatrix product  %s GFLOP/s (%s)\n", numeral.Digits(b.PeakGFLOPS, 3),
			numeral.Digits(b.CopyGBPerS, 3), numeral.Digits(b.GEMMGFLOPS, 3), b.GEMM)
	}
	if _, err := fmt.Fprintf(w, `model %s, patch %d, %s parameters, %s products
training        %s, %s allocated a step
sampling        %s
one image       %s ms, first block after %s ms
peak memory     %s
`, b.Model, b.Patch, numeral.Count(b.Params), b.Precision, b.Train, numeral.Bytes(int64(b.Train.AllocBytes)), b.Sample,
		numeral.Digits(1e3*b.Latency, 3), numeral.Digits(1e3*b.FirstBlock, 3), numeral.Bytes(b.MemoryPeak)); err != nil {
		return err
	}
	if err := b.printBefore(w); err != nil {
		return err
	}
	for _, t := range b.Ops {
		if err := t.print(w, b.PeakGFLOPS*1e9); err != nil {
			return err
		}
	}
	return nil
}

// String is the rate, and the share of the peak where that is known.
func (r Rate) String() string {
	share := ""
	if r.MFU > 0 {
		share = fmt.Sprintf(", %s %% of the peak", numeral.Digits(100*r.MFU, 2))
	}
	return fmt.Sprintf("%s images/s%s (batch %d)", numeral.Digits(r.ImagesPerS, 3), share, r.Batch)
}

// printBefore says how the result stands to the last recorded one.
func (b *Result) printBefore(w io.Writer) error {
	p := b.Before
	if p == nil {
		return nil
	}
	one, now := numeral.Digits(1e3*p.Latency, 3), numeral.Digits(b.Latency/p.Latency, 3)
	if p.Train == 0 || p.Sample == 0 || b.PeakGFLOPS == 0 {
		_, err := fmt.Fprintf(w, "before          one image took %s ms (revision %.12s, same processor): now %s times that\n", one,
			p.GitRevision, now)
		return err
	}
	_, err := fmt.Fprintf(w, "before          shares of the peak were %s and %s %%, one image took %s ms (revision %.12s, same "+
		"processor): now %s, %s and %s times that\n",
		numeral.Digits(100*p.Train, 2), numeral.Digits(100*p.Sample, 2), one, p.GitRevision,
		numeral.Digits(b.Train.MFU/p.Train, 3), numeral.Digits(b.Sample.MFU/p.Sample, 3), now)
	return err
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
		values := []benchfmt.Value{{Value: r.ImagesPerS, Unit: "images/s"}}
		if r.MFU > 0 {
			values = append(values, benchfmt.Value{Value: r.MFU, Unit: "mfu"})
		}
		return append(values, benchfmt.Value{Value: r.AllocBytes, Unit: "B/op"})
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
