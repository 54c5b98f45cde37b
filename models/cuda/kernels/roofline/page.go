package roofline

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"prabench/models/cuda/kernels"
	"prabench/models/pra"
)

// Case is a model that the page is about.
type Case struct {
	Name   string
	Config pra.Config
	Sample pra.SampleConfig
	Train  pra.TrainConfig // with the batch of one training step on one device
	// Earlier is the range, batch 64 to batch 256, of an estimate made before
	// there were kernels, images/s on an H100.
	Earlier [2]float64
}

var batches = []int{64, 256}

var productNames = map[kernels.Precision]string{kernels.FP32: "fp32", kernels.BF16: "bf16", kernels.Packed: "bf16, kept weights"}

// ways are how products are done; a detail has a table of its kernels.
var ways = []struct {
	p                kernels.Precision
	cublas, noFusion bool
	also             string
	detail           bool
}{
	{p: kernels.BF16, cublas: true, also: ", cuBLAS", detail: true},
	{p: kernels.BF16, cublas: true, noFusion: true, also: ", cuBLAS, no fusion"},
	{p: kernels.FP32, cublas: true, also: ", cuBLAS"},
	{p: kernels.Packed, detail: true},
	{p: kernels.BF16},
	{p: kernels.FP32},
}

// NodeSeconds is what the page assumes that a graph node costs beside its work.
const NodeSeconds = 1e-6

// WaitSeconds is what an H100 took from one launch to the next that waits for it, and
// BarrierSeconds what the page assumes of a barrier of the grid.
const (
	WaitSeconds    = 4e-6
	BarrierSeconds = 1.5e-6
)

// Wasteful is from which quotient of bytes moved and bytes needed a kernel owes a reason.
const Wasteful = 1.5

// Reasons of the kernels that move more than [Wasteful] times what their
// operation needs.
var Reasons = map[string]string{
	"finish": "adds the splits of a product. With 64 rows a layer has fewer tiles than the device multiprocessors, so its depth " +
		"is split; every split is written and read once. Smaller tiles instead would read the activations more often: a 64 × 32 tile doubles " +
		"that traffic. What finish reads was written a moment before and lies in the 50 MB cache.",
	"attention_32": "counts the keys and values that every tile of 32 queries reads, though the tiles of one head run side by side " +
		"and share them through the cache: from memory they come about once.",
	"attention_dq_32":  "as attention_32.",
	"attention_dkv_32": "as attention_32, with queries and output gradients in the place of keys and values.",
	"column_sum": "is the second stage of a sum over rows, all of whose reading is scratch: up to 264 parts a column. The first " +
		"stage has read more than a hundred times as much.",
	"embed_class_part": "reads the gradient of the trunk's input a second time, to sum it by image for the classes: once more in a whole " +
		"training step, after a kernel that sums it by token.",
	"layer_64": "splits the depth as the other own products do, for the same reason, and what it writes beyond its result is scratch: " +
		"without that it moves what it needs.",
	"layer_norm_64":     "as layer_64.",
	"sum_squares_total": "is the second stage of a sum: it reads some hundred numbers.",
}

// Wasters are the lines that owe a reason, by name.
func Wasters(lines []Line) (out []string) {
	for _, l := range lines {
		if l.Cost.Bytes > Wasteful*l.Cost.Least {
			out = append(out, l.Kernel.Name)
		}
	}
	slices.Sort(out)
	return out
}

const opening = `# What the CUDA kernels will take: counted, then divided by an H100

Nothing on this page is a measurement: [cuda-reports](../measurements/cuda-reports/README.md) has those of an
H100 beside what was predicted for it, and why they differ. The real
model core runs on a backend without memory that counts launches, bytes and
operations (` + "`models/cuda/kernels/roofline`" + `). A launch's time is the larger of its bytes over
%.2f TB/s and its operations over %.0f TFLOP/s (bf16) or %.0f TFLOP/s (fp32): the data sheet of
an %s. The page is a golden file:

    go test ./models/cuda/kernels/roofline -update

What this bound leaves out, in both directions: our products use mma.sync, which on
this device reaches less than two thirds of the data sheet; a kernel rarely moves more than
90 %% of the bandwidth; one launch follows another with a pause. On the other side, much
of what is counted as memory traffic comes from the 50 MB cache: the head's weights apart from
its modulation (26 MB in PRA-S, 41 MB in PRA-L), the splits of a product, all small operands.

## Sampling

Sequential, one token an AR step, 256 steps, 25 Euler steps a token, no guidance.
In bf16 the cache holds bf16, and the operands of products are rounded on their way in from
fp32 memory; kept weights are copies in bf16, made once before sampling. With them a layer of
few rows is one launch (` + "`skinny_bf16.cu`" + `): the block that comes last adds the parts of a
depth that is split and applies the epilogue, and what a layer reads is normalised on its way in.

The rows with cuBLAS are what a device does where the library is there, and the first of them
is the default: layers of up to %d rows are one launch each, all other products cuBLAS's. It is
the number of rows that chooses, not a measurement, so that a result has the same bits
everywhere. "No fusion" is what ` + "`PRABENCH_CUDA_NO_FUSION=1`" + ` goes back to: a product, then a pass
for its epilogue, then one for the next normalisation. Without the library layers of up to %d
rows are one launch ("kept weights"). cuBLAS's products are counted from fp32 memory: the
copies in bf16 that large ones are given are not in these rows, nor are its own second
launches. An H100 recorded 227 nodes more of PRA-S at 64 images, without fusion, than are
counted here: cuBLAS sums the parts of products whose depth it splits in a kernel of its own.
No GPU has run the layers in one launch yet.

Launches are those of an AR step after the first: the nodes of its graph. "With nodes" adds an
assumed %.0f µs for each; an H100 took 0.79 µs for empty ones, and 4 µs where they wait for each
other. "Scratch" is that part of the bytes which a launch writes and reads again itself: the
parts of a depth that is split, up to 2 MB in one place, launch after launch, which the cache
of 50 MB holds. "Earlier" is an estimate for bf16 by hand that came before the kernels: weights
once for each use, keys and values, nothing else.

| model | batch | products | launches an AR step | GB an AR step | of them scratch | needed | TFLOP an AR step | ` +
	"images/s at the bound | with nodes | earlier |\n" +
	`|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|
`

// Write writes docs/design/cuda-roofline.md.
func Write(w io.Writer, d Device, cases []Case) error {
	fmt.Fprintf(w, opening, d.Bandwidth/1e12, d.BF16/1e12, d.FP32/1e12, d.Name, kernels.NormRows, kernels.LayerRows, NodeSeconds*1e6)
	type detail struct {
		name  string
		steps float64
		t     *Tally
	}
	var details []detail
	for _, c := range cases {
		for i, batch := range batches {
			for _, way := range ways {
				p, on := way.p, d
				on.CuBLAS, on.NoFusion = way.cublas, way.noFusion
				s, err := Sample(c.Config, c.Sample, batch, p, on)
				if err != nil {
					return fmt.Errorf("%s, batch %d: %w", c.Name, batch, err)
				}
				products, earlier := productNames[p]+way.also, ""
				if p == kernels.Packed {
					earlier = fmt.Sprintf("%.0f", c.Earlier[i])
				}
				if way.detail {
					details = append(details, detail{fmt.Sprintf("%s, batch %d, %s", c.Name, batch, products),
						float64(c.Config.ARSteps()), s.Whole})
				}
				t, k := s.Whole.Total(), float64(c.Config.ARSteps())
				fmt.Fprintf(w, "| %s | %d | %s | %d | %.2f | %.2f | %.2f | %.2f | %.0f | %.0f | %s |\n", c.Name, batch, products, s.PerStep,
					t.Cost.Bytes/k/1e9, t.Cost.Scratch/k/1e9, t.Cost.Least/k/1e9, t.Cost.FLOPs/k/1e12, s.ImagesPerSecond(0),
					s.ImagesPerSecond(NodeSeconds), earlier)
			}
		}
	}
	var chained strings.Builder
	if err := chains(&chained, d, cases); err != nil {
		return err
	}
	fmt.Fprintf(w, `
%sWhat lifts this above the earlier estimate: the modulations of all flow steps of a token
come from one product, so the head's largest weights are read once an AR step, not once
an evaluation. What keeps it below at batch 256: activations are fp32, and the %d
modulations of each evaluation are written once and read once.

Where the time goes, per AR step (the mean over all of them):
`, chained.String(), 3*cases[0].Config.HeadDepth+2)
	for _, x := range details {
		lines(w, x.name, x.steps, x.t)
	}
	fmt.Fprintf(w, "\n## Training\n\nOne step, without the host's part; products from fp32 memory rounded to bf16.\n")
	for _, c := range cases {
		on := d
		on.CuBLAS = true
		byDefault, err := Train(c.Config, c.Train, kernels.BF16, on)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		fmt.Fprintf(w, "\n%s by default, products by cuBLAS: %d launches, %.0f GB, %.0f images/s at the bound. With own products:\n", c.Name,
			byDefault.Launches, byDefault.Total().Cost.Bytes/1e9, float64(c.Train.Batch)/byDefault.Total().Seconds)
		t, err := Train(c.Config, c.Train, kernels.BF16, d)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		lines(w, fmt.Sprintf("%s, batch %d, %d flow samples: %.0f images/s at the bound", c.Name, c.Train.Batch, c.Train.FlowSamples,
			float64(c.Train.Batch)/t.Total().Seconds), 1, t)
		details = append(details, detail{c.Name, 1, t})
	}
	fmt.Fprintf(w, "\n## More bytes than needed\n\nKernels above that move more than %.1f times what their operation needs, and why:\n\n",
		Wasteful)
	var named []string
	for _, x := range details {
		for _, name := range Wasters(x.t.Lines()) {
			if !slices.Contains(named, name) {
				named = append(named, name)
			}
		}
	}
	slices.Sort(named)
	for _, name := range named {
		fmt.Fprintf(w, "* `%s` %s\n", name, Reasons[name])
	}
	return nil
}

// chains writes what chains change, for those batches whose layers are launches of their own.
func chains(w io.Writer, d Device, cases []Case) error {
	d.CuBLAS = true
	fmt.Fprintf(w, `### Chains

With `+"`PRABENCH_CUDA_CHAIN=1`"+` consecutive launches of small kernels are steps of one cooperative
launch, with a barrier of the grid between two of them (`+"`chain_bf16.cu`"+`, [cuda.md](cuda.md)). The bytes and
operations stay the same. Below, every launch costs %.0f µs beside its work, what an H100
took between launches that wait for each other, and every barrier %.1f µs. **The latter is an assumption**: no
GPU has run a chain, and no barrier has been timed. A barrier is an atomic and a read in the second
cache, one after the other, and the fences; the self-test times steps that do little else. What a step of
a chain loses against a launch of its own (one block a multiprocessor, 132 at most) and what it gains from
weights that are fetched during the barrier is left out.

| model | batch | launches an AR step | with chains | barriers | images/s | with chains | s a batch | with chains |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
`, WaitSeconds*1e6, BarrierSeconds*1e6)
	for _, c := range cases {
		for _, batch := range []int{1, kernels.NormRows} {
			apart, err := Sample(c.Config, c.Sample, batch, kernels.BF16, d)
			if err != nil {
				return fmt.Errorf("%s, batch %d: %w", c.Name, batch, err)
			}
			with, err := SampleChained(c.Config, c.Sample, batch, kernels.BF16, d)
			if err != nil {
				return fmt.Errorf("%s, batch %d, chains: %w", c.Name, batch, err)
			}
			a, b := apart.ImagesPerSecond(WaitSeconds), with.ImagesPerSecond(WaitSeconds)
			fmt.Fprintf(w, "| %s | %d | %d | %d | %.0f | %.3g | %.3g | %.3g | %.3g |\n", c.Name, batch, apart.PerStep, with.PerStep,
				float64(with.Whole.Barriers)/float64(c.Config.ARSteps()), a, b, float64(batch)/a, float64(batch)/b)
		}
	}
	fmt.Fprintln(w)
	return nil
}

func lines(w io.Writer, name string, steps float64, t *Tally) {
	fmt.Fprintf(w, "\n**%s**\n\n| kernel | launches | MB | of them scratch | MB needed | quotient | GFLOP | µs |\n"+
		"|---|--:|--:|--:|--:|--:|--:|--:|\n", name)
	for _, l := range append(t.Lines(), t.Total()) {
		name, quotient := "together", "–"
		if l.Kernel != nil {
			name = l.Kernel.Name
		}
		if l.Cost.Least > 0 {
			quotient = fmt.Sprintf("%.2f", l.Cost.Bytes/l.Cost.Least)
		}
		fmt.Fprintf(w, "| %s | %.3g | %.2f | %.2f | %.2f | %s | %.1f | %.1f |\n", name, float64(l.Launches)/steps, l.Cost.Bytes/steps/1e6,
			l.Cost.Scratch/steps/1e6, l.Cost.Least/steps/1e6, quotient, l.Cost.FLOPs/steps/1e9, l.Seconds/steps*1e6)
	}
}
