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
	"finish": "adds the splits of a product. With 64 rows a layer has fewer tiles than the device has multiprocessors, so its " +
		"depth is split, and every split is written and read once. Smaller tiles would read the activations more often: a 64 × 32 " +
		"tile doubles that traffic. What finish reads was just written and is still in the 50 MB cache.",
	"attention_32": "counts the keys and values that every tile of 32 queries reads. But the tiles of one head run side by side " +
		"and share them through the cache, so they are read from memory about once.",
	"attention_dq_32":  "as attention_32.",
	"attention_dkv_32": "as attention_32, with queries and output gradients in place of keys and values.",
	"column_sum": "is the second stage of a sum over rows. It reads only scratch: up to 264 parts per column. The first " +
		"stage reads more than a hundred times as much.",
	"embed_class_part": "reads the gradient of the trunk's input a second time, to sum it by image for the classes: once per " +
		"training step, after a kernel that sums it by token.",
	"layer_64": "splits the depth as the other built-in products do, for the same reason. What it writes beyond its result is " +
		"scratch; without it the kernel moves what it needs.",
	"layer_norm_64":     "as layer_64.",
	"sum_squares_total": "is the second stage of a sum. It reads a few hundred numbers.",
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

Nothing on this page was measured. [cuda-reports](../measurements/cuda-reports/README.md) has the measurements of an
H100 beside its predictions, and says why they differ. Here the real
model core runs on a backend without memory that counts launches, bytes and
operations (` + "`models/cuda/kernels/roofline`" + `). A launch's time is the larger of its bytes over
%.2f TB/s and its operations over %.0f TFLOP/s (bf16) or %.0f TFLOP/s (fp32): the data sheet of
an %s. The page is a golden file:

    go test ./models/cuda/kernels/roofline -update

A device may be slower than this bound: our products use mma.sync, which on
this device reaches less than two thirds of the data sheet's rate, a kernel rarely moves more than
90 %% of the bandwidth, and there is a pause between launches. It may also be faster, because much
of what is counted as memory traffic comes from the 50 MB cache: the head's weights apart from
its modulation (26 MB in PRA-S, 41 MB in PRA-L), the splits of a product, and all small operands.

## Sampling

Sampling is sequential: 256 AR steps of one token, 25 Euler steps per token, no guidance.
In bf16 the cache holds bf16, and the operands of products are rounded as they are read from
fp32 memory. Kept weights are copies in bf16, made once before sampling. With them a layer of
few rows is one launch (` + "`skinny_bf16.cu`" + `): the last block to finish adds the partial sums of a split
depth and applies the epilogue, and a layer normalises its input as it reads it.

The rows with cuBLAS describe a device that has the library, and the first of them
is the default: layers of up to %d rows are one launch each, and cuBLAS computes all other products.
The number of rows decides, not a measurement, so that a result has the same bits
everywhere. "No fusion" is the path of ` + "`PRABENCH_CUDA_NO_FUSION=1`" + `: a product, then a pass
for its epilogue, then one for the next normalisation. Without the library layers of up to %d
rows are one launch ("kept weights"). cuBLAS's products are counted from fp32 memory. The bf16
copies that large products read are not in these rows, and neither are cuBLAS's own second
launches. For PRA-S at 64 images without fusion an H100 recorded 227 nodes more than are
counted here, because cuBLAS sums the parts of split products in a separate kernel.
No GPU has run the layers in one launch yet.

Launches are those of an AR step after the first: the nodes of its graph. "With nodes" adds an
assumed %.0f µs for each. An H100 took 0.79 µs for empty nodes, and 4 µs for nodes that wait for each
other. "Scratch" is the part of the bytes that a launch writes and reads again itself: the
partial sums of a split depth. They take up to 2 MB in one place, which every launch uses again, so the cache
of 50 MB holds them. "Earlier" is an estimate for bf16, made by hand before there were kernels. It counts weights
once per use, keys and values, and nothing else.

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
%sThese rates are above the earlier estimate because the modulations of all flow steps of a token
come from one product: the head's largest weights are read once per AR step instead of once per
evaluation. At batch 256 they are below it because activations are fp32, and the %d
modulations of each evaluation are written once and read once.

The following tables show where the time of an AR step goes (the mean over all steps):
`, chained.String(), 3*cases[0].Config.HeadDepth+2)
	for _, x := range details {
		lines(w, x.name, x.steps, x.t)
	}
	fmt.Fprintf(w, "\n## Training\n\nThis is one step without the host's part. Products read fp32 memory and round to bf16.\n")
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
launch, with a barrier of the grid between steps (`+"`chain_bf16.cu`"+`, [cuda.md](cuda.md)). The bytes and
operations stay the same. The table adds %.0f µs for every launch, the time that an H100
took between launches that wait for each other, and %.1f µs for every barrier. **The latter is an assumption**: no
GPU has run a chain, and no barrier has been timed. A barrier is an atomic and then a read in the second-level
cache, with fences; the self-test times steps that do little else. Two effects are left out: a step of
a chain has fewer blocks than a launch of its own (one per multiprocessor, 132 at most), and weights
are fetched during the barrier.

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
