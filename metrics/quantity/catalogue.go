package quantity

import (
	"strings"

	"prabench/metrics/stat"
)

// The catalogue; what is asked for by a key of [metrics], and curves, are in
// catalogue_diagnostics.go. A stage writes a value with its row: t.estimate(quantity.KID, e).

// Quality: generated images against real ones, in the features of an embedder.
var (
	FIDProxy = metric(Metric{
		Name: "fid_proxy", Unit: "1", Label: "Fréchet distance, proxy features", Short: "FD (proxy)",
		Doc: "Fréchet distance (Heusel et al. 2017) in squared units of the named embedder's features; " +
			"never call it FID, which is this formula on Inception features.",
		Better: -1, Aim: "lower, down to the floor", Group: Quality, Interval: stat.Jackknife, Check: CheckedByModel, Front: true, Stage: "score",
	})
	KID = metric(Metric{
		Name: "kid", Unit: "1", Label: "kernel distance, proxy features", Short: "KD (proxy)",
		Doc:    "Unbiased squared maximum mean discrepancy with a cubic kernel (Bińkowski et al. 2018).",
		Better: -1, Aim: "lower, around 0", Group: Quality, Interval: stat.Jackknife, Stage: "score",
	})
	Precision = metric(Metric{
		Name: "precision", Unit: "1", Label: "precision",
		Doc:    "Share of generated images that lie among the real ones (Kynkäänniemi et al. 2019, k = 3).",
		Better: +1, Aim: "higher, up to the floor's value", Group: Quality, Interval: stat.Jackknife, Stage: "score",
	})
	Recall = metric(Metric{
		Name: "recall", Unit: "1", Label: "recall",
		Doc:    "Share of real images that lie among the generated ones (Kynkäänniemi et al. 2019, k = 3).",
		Better: +1, Aim: "higher, up to the floor's value", Group: Quality, Interval: stat.Jackknife, Stage: "score",
	})
	Density = metric(Metric{
		Name: "density", Unit: "1", Label: "density",
		Doc: "Mean number of balls around real images that a generated image lies in, over k " +
			"(Naeem et al. 2020, k = 5). Unlike precision it is not raised by outliers among real images.",
		Better: +1, Aim: "higher, up to the floor's value; about 1 for real images", Group: Quality, Interval: stat.Jackknife,
		Stage: "density", Key: "metrics.also",
	})
	Coverage = metric(Metric{
		Name: "coverage", Unit: "1", Label: "coverage",
		Doc:    "Share of real images whose ball, up to their fifth real neighbour, holds a generated image (Naeem et al. 2020, k = 5).",
		Better: +1, Aim: "higher, up to the floor's value", Group: Quality, Interval: stat.Jackknife,
		Stage: "density", Key: "metrics.also",
	})
	ClassAccuracy = metric(Metric{
		Name: "class_accuracy", Unit: "1", Scale: Share, Label: "generated images of the asked class", Short: "class accuracy",
		Doc:    "Share of generated images that the data set's classifier gives the class they were made for.",
		Better: +1, Aim: "higher, up to the classifier's own accuracy", Group: Quality, Interval: stat.Wilson, Front: true, Stage: "score",
	})
	EmbedderAccuracy = metric(Metric{
		Name: "embedder_accuracy", Unit: "1", Scale: Share, Label: "accuracy of the trained classifier", Short: "classifier",
		Doc: "Share of held-out real images that the classifier gives their class that was trained on the experiment's own data for " +
			"metrics.embedder: how far its features know the data.",
		Better: +1, Aim: "higher; near the share of the largest class its features say little", Group: Quality, Interval: stat.Wilson,
		Stage: "classifier", Key: "metrics.embedder",
	})
	FIDProxyFloor = metric(Metric{
		Name: "fid_proxy_floor", Unit: "1", Label: "Fréchet distance of real images", Short: "FD floor",
		Doc:   "fid_proxy of held-out real images scored as if they had been generated, at the same count.",
		Group: Quality, Interval: stat.Jackknife, Stage: "reference",
	})
	KIDFloor = metric(Metric{
		Name: "kid_floor", Unit: "1", Label: "kernel distance of real images", Short: "KD floor",
		Doc:   "kid of held-out real images scored as if they had been generated.",
		Group: Quality, Interval: stat.Jackknife, Stage: "reference",
	})
	PrecisionFloor = metric(Metric{
		Name: "precision_floor", Unit: "1", Label: "precision of real images", Short: "precision floor",
		Doc:   "precision of held-out real images scored as if they had been generated.",
		Group: Quality, Interval: stat.Jackknife, Stage: "reference",
	})
	RecallFloor = metric(Metric{
		Name: "recall_floor", Unit: "1", Label: "recall of real images", Short: "recall floor",
		Doc:   "recall of held-out real images scored as if they had been generated.",
		Group: Quality, Interval: stat.Jackknife, Stage: "reference",
	})
	DensityFloor = metric(Metric{
		Name: "density_floor", Unit: "1", Label: "density of real images", Short: "density floor",
		Doc:   "density of held-out real images scored as if they had been generated.",
		Group: Quality, Interval: stat.Jackknife, Stage: "density_floor", Key: "metrics.also",
	})
	CoverageFloor = metric(Metric{
		Name: "coverage_floor", Unit: "1", Label: "coverage of real images", Short: "coverage floor",
		Doc:   "coverage of held-out real images scored as if they had been generated.",
		Group: Quality, Interval: stat.Jackknife, Stage: "density_floor", Key: "metrics.also",
	})
)

// Scores that came later, by [metrics] also: each a stage of the features that a
// score keeps, with its floor.
var (
	FDInf = later("fd_inf", "fd_inf", "Fréchet distance at infinitely many images", "FD∞ (proxy)",
		"Fréchet distance extrapolated to infinitely many images: twice that of all images less that of halves of both sets "+
			"(Chong and Forsyth 2020 halve the generated ones alone). Real images against real ones lie around 0.",
		-1, "lower, around 0")
	Sliced = later("sliced", "sliced_wasserstein", "sliced Wasserstein distance", "sliced W2",
		"Sliced Wasserstein distance by the formula of MIND (Berthet et al. 2026, there on Inception features): 3·D times the mean "+
			"squared distance of sorted projections on 1000 fixed directions, at equal counts.",
		-1, "lower, down to the floor")
	RBF = later("mmd_rbf", "mmd_rbf", "kernel distance, Gaussian kernel", "RBF MMD",
		"The distance of CMMD (Jayasumana et al. 2024, there on CLIP features): 1000 times the squared maximum mean discrepancy with "+
			"a Gaussian kernel of width 10 of features at length 1, all pairs, at equal counts.",
		-1, "lower, down to the floor")
	Duplicates = later("duplicates", "duplicates", "share of repeated images", "duplicates",
		"Share of generated images as near to another generated one as the nearest 1 % of real images are to another real one, "+
			"in the embedder's features, at equal counts.",
		-1, "lower; about 0.01 for real images")
	KIDClass = later("kid_class", "kid_class", "kernel distance within classes", "KD by class",
		"kid of the images of one class against the real ones of that class, mean over the classes.",
		-1, "lower, around 0")
	KIDClassWorst = later("kid_class", "kid_class_worst", "kernel distance of the worst class", "KD, worst class",
		"The largest kid of a class; the largest of many is biased upwards, as its floor is.",
		-1, "lower, down to the floor")
)

// Fréchet distances in features that reviewers know, written beside fid_proxy where the
// file beside a network says so; fid is checked.
var (
	FID = named("fid", "Fréchet Inception distance", "FID",
		"fid_proxy in the features of Inception-v3 with the weights of FID (Heusel et al. 2017), found in the network byte for byte; "+
			"the protocol has the resizing.")
	FDDINOv2 = named("fd_dinov2", "Fréchet distance, DINOv2 features", "FD DINOv2",
		"fid_proxy in features that the file beside the network calls DINOv2's (Stein et al. 2023).")
	FDCLIP = named("fd_clip", "Fréchet distance, CLIP features", "FD CLIP",
		"fid_proxy in features that the file beside the network calls CLIP's.")
)

// named is a Fréchet distance with the name of its features, and its floor.
func named(name, label, short, doc string) *Metric {
	score := metric(Metric{Name: name, Unit: "1", Label: label, Short: short, Doc: doc, Better: -1, Aim: "lower, down to the floor",
		Group: Quality, Interval: stat.Jackknife, Stage: "score"})
	metric(Metric{Name: name + "_floor", Unit: "1", Label: label + ", of real images", Short: short + " floor",
		Doc: name + " of held-out real images scored as if they had been generated.", Group: Quality, Interval: stat.Jackknife,
		Stage: "reference"})
	return score
}

// later is a score that metrics.also asks for by the name of its stage, and its floor.
func later(stage, name, label, short, doc string, better int, aim string) *Metric {
	score := metric(Metric{Name: name, Unit: "1", Label: label, Short: short, Doc: doc, Better: better, Aim: aim, Group: Quality,
		Interval: stat.Jackknife, Stage: stage, Key: "metrics.also"})
	metric(Metric{Name: name + "_floor", Unit: "1", Label: label + " of real images", Short: short + " floor",
		Doc: name + " of held-out real images scored as if they had been generated.", Group: Quality, Interval: stat.Jackknife,
		Stage: stage + "_floor", Key: "metrics.also"})
	return score
}

// FloorOf is the same score of real images, nil where there is none.
func FloorOf(m *Metric) *Metric { return byName[m.Name+"_floor"] }

// Sampling that cells chose for themselves.
var (
	TuneSelected = metric(Metric{
		Name: "tune_selected", Unit: "1", Label: "score of the chosen sampling on the trials' noise", Short: "score when chosen",
		Doc:   "tune.metric of the chosen sampling on the noise it was chosen on: better than it is, since it was chosen for it.",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "tune", Key: "tune.metric",
	})
	TuneFresh = metric(Metric{
		Name: "tune_fresh", Unit: "1", Label: "score of the chosen sampling on fresh noise", Short: "score on fresh noise",
		Doc:   "The same of as many images of other noise; the difference to tune_selected is the optimism of choosing.",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "tune", Key: "tune.metric",
	})
	TuneTrials = metric(Metric{
		Name: "tune_trials", Unit: "1", Label: "combinations of sampling tried", Short: "tried",
		Doc: "Combinations of tune.grid that were tried.", Group: Diagnostics, Stage: "tune", Key: "tune.metric",
	})
	TuneAtEnd = metric(Metric{
		Name: "tune_at_end", Unit: "1", Label: "chosen values at an end of their grid", Short: "at an end",
		Doc:   "Keys whose chosen value is the least or the largest that was tried (0 apart): the optimum may lie beyond.",
		Group: Diagnostics, Stage: "tune", Key: "tune.metric",
	})
	// Tuned are the chosen values; of words 1 stands for one of them.
	Tuned = []struct {
		Key, Word string
		Metric    *Metric
	}{
		{"guidance", "", tuned("guidance", "chosen guidance", "sample.guidance that the cell chose.")},
		{"guidance_from", "", tuned("guidance_from", "chosen start of guidance", "sample.guidance_from that the cell chose.")},
		{"guidance_to", "", tuned("guidance_to", "chosen end of guidance", "sample.guidance_to that the cell chose.")},
		{"flow_steps", "", tuned("flow_steps", "chosen flow steps", "sample.flow_steps that the cell chose.")},
		{"rollout_depth", "", tuned("rollout_depth", "chosen sampling sweeps", "sample.rollout_depth that the cell chose.")},
		{"last_step", "", tuned("last_step", "chosen last step", "sample.last_step that the cell chose.")},
		{"guidance_schedule", "linear", chosenWord("guidance_schedule", "linear", "linear")},
		{"guidance_schedule", "interval", chosenWord("guidance_schedule", "interval", "interval")},
		{"solver", "heun", chosenWord("solver", "heun", "heun")},
		{"solver", "midpoint", chosenWord("solver", "midpoint", "midpoint")},
		{"solver", "euler-maruyama", chosenWord("solver", "euler-maruyama", "euler_maruyama")},
		{"renormalise", "end", chosenWord("renormalise", "end", "renormalise")},
		{"weights", "ema", chosenWord("weights", "ema", "ema")},
	}
)

// chosenWord is that of a key of words: the share of cells that chose one of them.
func chosenWord(key, word, name string) *Metric {
	return tuned(name, "chosen "+strings.ReplaceAll(key, "_", " ")+" is "+word,
		"1 where the cell chose sample."+key+" = "+word+", 0 where another; a mean is the share that chose it.")
}

func tuned(key, label, doc string) *Metric {
	return metric(Metric{Name: "tuned_" + key, Unit: "1", Label: label, Doc: doc, Group: Diagnostics, Stage: "tune", Key: "tune.metric"})
}

// Cost: what follows from the configuration alone.
var (
	Params = metric(Metric{
		Name: "params", Unit: "1", Scale: Count, Label: "parameters",
		Doc:    "Weights of the model, counted once.",
		Better: -1, Group: Cost, Nature: Counted, Interval: stat.Rounds, Check: CheckedAlways, Stage: "time",
	})
	FLOPsImage = metric(Metric{
		Name: "flops_image", Unit: "1", Scale: FLOP, Label: "compute per image", Short: "compute",
		Doc: "Floating point operations that sampling one image takes, counted by running the model on a backend that only counts; " +
			"where images settle by themselves, of one that takes all sweeps.",
		Better: -1, Group: Cost, Nature: Counted, Interval: stat.Rounds, Check: CheckedAlways, Stage: "time",
	})
	ARSteps = metric(Metric{
		Name: "ar_steps", Unit: "1", Label: "autoregressive steps", Short: "AR steps",
		Doc:    "Steps of sampling that wait for each other: K = N/B, or the number of parallel sweeps.",
		Better: -1, Group: Cost, Nature: Counted, Interval: stat.Rounds, Check: CheckedAlways, Stage: "time",
	})
	NFE = metric(Metric{
		Name: "nfe", Unit: "1", Label: "head evaluations per token (NFE)", Short: "NFE",
		Doc: "Evaluations of the flow head for each token; guidance evaluates twice. Where images settle by themselves " +
			"(sample.tolerance), the mean of the images that are timed.",
		Better: -1, Group: Cost, Nature: Counted, Interval: stat.Rounds, Check: CheckedAlways, Stage: "time",
	})
)

// Sweeps is counted while a cell's images are drawn.
var Sweeps = metric(Metric{
	Name: "sweeps", Unit: "1", Label: "Jacobi sweeps per image", Short: "sweeps",
	Doc: "Sweeps that an image took, the mean over its tokens, with the last one of each window, which shows that it has settled. " +
		"Where sampling is sequential there is none.",
	Better: -1, Group: Cost, Interval: stat.Jackknife, Stage: "sample",
})

// Speed: timed in rounds over all cells.
var (
	Throughput = metric(Metric{
		Name: "throughput", Unit: "images/s", Label: "sampling throughput", Short: "throughput",
		Doc:    "Images sampled per second in calls of measure.batch images.",
		Better: +1, Group: Speed, Nature: Timed, Interval: stat.Rounds, Check: CheckedByTime, Front: true, Stage: "time",
	})
	Latency = metric(Metric{
		Name: "latency", Unit: "s", Label: "latency per image", Short: "latency",
		Doc:    "Time of a call that samples one image.",
		Better: -1, Group: Speed, Nature: Timed, Interval: stat.Rounds, Check: CheckedByTime, Front: true, Stage: "time",
	})
	FirstBlockLatency = metric(Metric{
		Name: "first_block_latency", Unit: "s", Label: "time to the first block", Short: "first block",
		Doc:    "Time until the first block of one image is sampled.",
		Better: -1, Group: Speed, Nature: Timed, Interval: stat.Rounds, Check: CheckedByTime, Stage: "time",
	})
	MFU = metric(Metric{
		Name: "mfu", Unit: "1", Scale: Share, Label: "share of the measured peak", Short: "share of peak",
		Doc: "Operations per second while sampling (the round's median throughput · arithmetic of a call for measure.batch images / " +
			"measure.batch) " +
			"over peak_flops of the same round. Earlier programs took the " +
			"arithmetic of an image alone (up to 3 % more) and the median of the times.",
		Better: +1, Group: Speed, Nature: Timed, Interval: stat.Rounds, Stage: "time",
	})
	PeakFLOPS = metric(Metric{
		Name: "peak_flops", Unit: "1/s", Scale: FLOPS, Label: "arithmetic peak of the machine", Short: "peak speed",
		Doc:   "Operations per second of a loop of fused multiply-adds on the same threads, measured in the round.",
		Group: Speed, Nature: Timed, Interval: stat.Rounds, Stage: "time",
	})
	JoulesImage = metric(Metric{
		Name: "joules_image", Unit: "J", Label: "energy per image", Short: "energy",
		Doc:    "Energy that the device reports for the timed calls of throughput, per image.",
		Better: -1, Group: Speed, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
)

// Load: what else the machine did while speed was measured.
var (
	DisturbedRounds = metric(Metric{
		Name: "disturbed_rounds", Unit: "1", Label: "rounds under other load", Short: "disturbed rounds",
		Doc:   "Timed rounds during which something else loaded the machine, after the repetitions that measure.repeat_disturbed allows.",
		Aim:   "0",
		Group: Load, Nature: Measured, Stage: "time",
	})
	Jitter = metric(Metric{
		Name: "machine_jitter", Unit: "1", Scale: Share, Label: "jitter of the machine before it was timed", Short: "jitter",
		Doc: "How much longer the slowest twentieth of equal short pieces of arithmetic on one thread took than half of them did, before the " +
			"first round of the run.",
		Aim:   "a few per cent",
		Group: Load, Nature: Measured, Stage: "time",
	})
	MemoryBandwidth = metric(Metric{
		Name: "memory_bandwidth", Unit: "bytes/s", Label: "memory bandwidth before timing", Short: "memory bandwidth",
		Doc:   "Bytes read and written a second by all threads as they copy memory that no cache holds, before the first round of the run.",
		Group: Load, Nature: Measured, Stage: "time",
	})
	ForeignLoad = metric(Metric{
		Name: "foreign_load", Unit: "1", Label: "processors busy with other processes", Short: "foreign load",
		Doc:   "Processors that other processes kept busy, mean over the round.",
		Aim:   "0",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	ForeignLoadWorst = metric(Metric{
		Name: "foreign_load_worst", Unit: "1", Label: "processors busy with other processes, worst second", Short: "foreign load, worst",
		Doc:   "foreign_load in the worst second of the round.",
		Aim:   "0",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	StolenLoad = metric(Metric{
		Name: "stolen_load", Unit: "1", Label: "processors taken away by the host", Short: "stolen load",
		Doc:   "Processors that the host of a virtual machine gave to others (steal time), mean over the round.",
		Aim:   "0",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	CPUFrequency = metric(Metric{
		Name: "cpu_frequency", Unit: "Hz", Label: "clock of the processors", Short: "clock",
		Doc:   "Mean clock of the processors during the round, where the system tells it.",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	DeviceClock = metric(Metric{
		Name: "device_clock", Unit: "Hz", Label: "clock of the device", Short: "device clock",
		Doc:   "Mean clock of the device's processors while throughput was measured.",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	DeviceClockShare = metric(Metric{
		Name: "device_clock_share", Unit: "1", Scale: Share, Label: "clock of the device, share of its default", Short: "device clock share",
		Doc:   "device_clock over the device's default clock: below 1 it was held down.",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	DeviceTemperature = metric(Metric{
		Name: "device_temperature", Unit: "°C", Label: "temperature of the device", Short: "device temperature",
		Doc:   "Temperature of the device at the end of the timed calls of throughput.",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	DevicePower = metric(Metric{
		Name: "device_power", Unit: "W", Label: "power of the device", Short: "device power",
		Doc:   "Mean power of the device while throughput was measured.",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	DeviceOthers = metric(Metric{
		Name: "device_others", Unit: "1", Label: "other processes on the device", Short: "device others",
		Doc:   "Most other processes that computed on the device at once while throughput was measured.",
		Aim:   "0",
		Group: Load, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
)

// Memory.
var (
	MemoryPeak = metric(Metric{
		Name: "memory_peak", Unit: "bytes", Label: "peak memory of the process", Short: "peak memory",
		Doc:    "Largest resident size of the process that samples batches of measure.batch images.",
		Better: -1, Group: Memory, Nature: Measured, Interval: stat.Rounds, Check: CheckedBySize, Front: true, Stage: "time",
	})
	MemoryModel = metric(Metric{
		Name: "memory_model", Unit: "bytes", Label: "model memory",
		Doc:    "Bytes of weights that the backend held while it sampled, with the copies that products read.",
		Better: -1, Group: Memory, Nature: Counted, Interval: stat.Rounds, Check: CheckedAlways, Stage: "time",
	})
	MemoryCache = metric(Metric{
		Name: "memory_cache", Unit: "bytes", Label: "cache memory",
		Doc:    "Bytes of keys and values of earlier tokens that the backend held while it sampled.",
		Better: -1, Group: Memory, Nature: Counted, Interval: stat.Rounds, Check: CheckedAlways, Stage: "time",
	})
	MemoryActivations = metric(Metric{
		Name: "memory_activations", Unit: "bytes", Label: "activation memory", Short: "activations",
		Doc:    "Bytes of everything else that the backend held while it sampled.",
		Better: -1, Group: Memory, Nature: Computed, Interval: stat.Rounds, Check: CheckedBySize, Stage: "time",
	})
	MemoryDevice = metric(Metric{
		Name: "memory_device", Unit: "bytes", Label: "GPU memory of a program", Short: "GPU memory",
		Doc:    "Largest memory of GPUs that all processes of a program outside held together, as NVML says.",
		Better: -1, Group: Memory, Nature: Measured, Interval: stat.Rounds, Stage: "time",
	})
	TrainMemoryPeak = metric(Metric{
		Name: "train_memory_peak", Unit: "bytes", Label: "peak memory in training", Short: "training memory",
		Doc:    "Largest resident size of the process that trained; with a tokenizer in a process of its own the larger of both.",
		Better: -1, Group: Memory, Nature: Measured, Stage: "train",
	})
)

// Training.
var (
	TrainThroughput = metric(Metric{
		Name: "train_throughput", Unit: "images/s", Label: "training throughput", Short: "training",
		Doc:    "Images per second of training steps on images without content.",
		Better: +1, Group: Training, Nature: Timed, Interval: stat.Rounds, Check: CheckedByTime, Front: true, Stage: "time",
	})
	TrainSeconds = metric(Metric{
		Name: "train_seconds", Unit: "s", Label: "training time",
		Doc: "Time spent in training steps, over all attempts of the training, those of its tokenizer included where it has one; it " +
			"depends on what ran beside it.",
		Better: -1, Group: Training, Nature: Timed, Stage: "train",
	})
	TokenizerSeconds = metric(Metric{
		Name: "tokenizer_seconds", Unit: "s", Label: "training time of the tokenizer", Short: "tokenizer",
		Doc: "Time spent in the training steps of a tokenizer that cells share. train_seconds of each of them has it, as if the cell had " +
			"trained it alone.",
		Better: -1, Group: Training, Nature: Timed, Stage: "tokenizer",
	})
	TrainFLOPs = metric(Metric{
		Name: "train_flops", Unit: "1", Scale: FLOP, Label: "training compute",
		Doc:    "Arithmetic of all training steps as the operations state it: compute of a training image times the images read.",
		Better: -1, Group: Training, Stage: "train",
	})
	TrainLoss = metric(Metric{
		Name: "train_loss", Unit: "1", Label: "training loss",
		Doc:    "Flow loss plus the weighted reconstruction loss, mean of the last ten points of the training's curve.",
		Better: -1, Group: Training, Stage: "train",
	})
	FlowLoss = metric(Metric{
		Name: "flow_loss", Unit: "1", Label: "flow loss",
		Doc:    "Squared error of the flow head's velocity, mean of the last ten points of the training's curve.",
		Better: -1, Group: Training, Stage: "train",
	})
	RecLoss = metric(Metric{
		Name: "rec_loss", Unit: "1", Label: "reconstruction loss",
		Doc:    "Squared error of decoded states, mean of the last ten points of the training's curve.",
		Better: -1, Group: Training, Stage: "train",
	})
	LossRise = metric(Metric{
		Name: "loss_rise", Unit: "1", Label: "loss at the end over its lowest", Short: "loss rise",
		Doc: "Median of the last tenth of the curve's losses over the lowest median of its tenths, of curves of at least 50 points; " +
			"where a tokenizer is trained first, of the points after it. " +
			"Above 2 the training is called diverged, by run and status, in tables and figures.",
		Aim: "1", Group: Training, Stage: "train",
	})
)
