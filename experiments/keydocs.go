package experiments

import (
	"strings"

	"prabench/metrics/quantity"
	"prabench/models"
)

// How the keys are called and what they do that are fields of this package;
// those of the model core and of the data sets stand beside theirs. A test holds
// that no key lacks its row.
var rows = []struct{}{
	quantity.Keys("",
		quantity.Key{Name: "name", Doc: "name of the experiment and of the folder of its figures; the file's name when absent"},
		quantity.Key{Name: "description", Doc: "one sentence for tables and reports"},
		quantity.Key{Name: "repeats", Doc: "training seeds of every point: seed, seed+1, …"},
		quantity.Key{Name: "seed", Label: "training seed", Doc: "the first training seed"},
	),

	quantity.Keys("model",
		quantity.Key{Name: "family", Label: "family of models", Doc: "kind of model: " + strings.Join(models.Names(), ", ")},
	),

	quantity.Keys("train",
		quantity.Key{Name: "until", Label: "steps trained",
			Doc: "stop after this many of train.steps, as an axis for quality along training (a later stop continues an earlier one); 0: all"},
		quantity.Key{Name: "evaluate", Outside: true,
			Doc: "steps at which a training is sampled and scored in addition to its end: a list such as [100, 300], or one interval"},
		quantity.Key{Name: "keep", Outside: true,
			Doc: "steps whose state a training keeps with its model: a list such as [1000, 5000], or one interval; " +
				"a cell with train.until at one of them trains nothing again"},
	),

	quantity.Keys("sample",
		quantity.Key{Name: "count", Label: "images sampled and scored", Doc: "images sampled and scored"},
		quantity.Key{Name: "batch", Label: "images sampled at once", Doc: "images sampled at once"},
	),

	quantity.Keys("metrics",
		quantity.Key{Name: "embedder", Label: "feature extractor",
			Doc: "features of the scores: auto (the classifier where the set has one, or is a folder of RGB images with classes), " +
				"classifier (trained on the data where none comes with prabench), ternary, or onnx:PATH, a network in a file"},
		quantity.Key{Name: "samples", Label: "reference images", Doc: "real images on the reference side; 0 is all of the split"},
		quantity.Key{Name: "reference", Label: "split of the reference", Doc: "split of the real images: train or test"},
		quantity.Key{Name: "also", Label: "further scores", Outside: true, // cells keep their names and gain values
			Doc: "further scores of the same samples, without sampling again: " + strings.Join(laterScores, ", ")},
	),

	quantity.Keys("measure",
		quantity.Key{Name: "device", Label: "device", Doc: "cpu, cuda or cuda:0", Outside: true},
		quantity.Key{Name: "precision", Label: "precision", Doc: "fp32 or bf16"},
		quantity.Key{Name: "batch", Label: "sampling batch (images)", Short: "sampling batch", Doc: "images per timed call"},
		quantity.Key{Name: "warmup", Label: "warm-up calls", Doc: "calls before the first timed one", Outside: true},
		quantity.Key{Name: "rounds", Label: "timed rounds", Doc: "timed rounds over all cells; 0 times nothing", Outside: true},
		quantity.Key{Name: "interval", Outside: true,
			Doc: "rounds are added until the 95 % intervals of times are within this share of their value, such as 0.02; " +
				"0: only measure.rounds"},
		quantity.Key{Name: "budget", Outside: true, Doc: "time limit of one timing that adds rounds for measure.interval"},
		quantity.Key{Name: "threads", Label: "threads", Doc: "compute threads while timing; 0 is all cores"},
		quantity.Key{Name: "train_steps", Label: "timed training steps", Doc: "training steps of a timed round; 0 measures no training"},
		quantity.Key{Name: "timeout",
			Doc: "longest time of one attempt of a stage; a training has no limit, but ends when a step hangs", Outside: true},
		quantity.Key{Name: "timeouts", Doc: "measure.timeout by kind of stage, such as [\"train=72h\", \"sample=none\"]", Outside: true},
		quantity.Key{Name: "memory_limit",
			Doc: "memory limit of one worker, for example 4GiB; auto is what the machine can spare", Outside: true},
		quantity.Key{Name: "retries", Doc: "further tries of a stage that was ended from outside", Outside: true},
		quantity.Key{Name: "repeat_disturbed",
			Doc: "further tries of a timed round during which something else loaded the machine", Outside: true},
		quantity.Key{Name: "devices", Outside: true,
			Doc: "devices, with one process each, that share one training or one sampling; times are of one device"},
		quantity.Key{Name: "checkpoint_steps", Doc: "training steps between checkpoints; 0 is about one a minute", Outside: true},
	),

	quantity.Keys("tune",
		quantity.Key{Name: "metric", Label: "sampling chosen by", Short: "tuned by",
			Doc: "score by which each cell chooses its own sampling from tune.grid: " + NoTuning + ", " + strings.Join(TuneMetrics, ", ")},
		quantity.Key{Name: "grid", Label: "sampling tried",
			Doc: "values of keys of [sample], tried in every combination: the table [tune.grid], or \"tune.grid\" = { key = [values] } of an arm"},
		quantity.Key{Name: "images", Label: "images of a trial", Doc: "images sampled for each combination"},
		quantity.Key{Name: "seed", Label: "seed of the trials' noise",
			Doc: "sampling seed of the trials; it differs from sample.seed, so that lucky noise does not bias the reported results"},
	),

	quantity.Keys("search",
		quantity.Key{Name: "metric", Outside: true,
			Doc: "score by which run drops points at each stop of train.evaluate: " + NoSearch + ", " + strings.Join(TuneMetrics, ", ")},
		quantity.Key{Name: "keep", Outside: true, Doc: "share of the points that continues at each stop"},
		quantity.Key{Name: "least", Outside: true, Doc: "smallest number of points that continue"},
		quantity.Key{Name: "points", Outside: true,
			Doc: "points of the sweep: all, or the first search.count of a sequence, random or sobol (even on all axes)"},
		quantity.Key{Name: "count", Outside: true, Doc: "number of points from the sweep; a larger number includes the points of a smaller one"},
		quantity.Key{Name: "seed", Outside: true, Doc: "seed of the sequence of points"},
	),

	quantity.Keys("check",
		quantity.Key{Name: "metrics",
			Doc: "what check compares: " + strings.Join(checkMetrics, ", ") + " (requires training)", Outside: true},
		quantity.Key{Name: "throughput", Doc: "change of throughput and train_throughput that matters, as a share", Outside: true},
		quantity.Key{Name: "latency", Doc: "change of latency and first_block_latency that matters, as a share", Outside: true},
		quantity.Key{Name: "memory", Doc: "change of memory_peak and memory_activations that matters, as a share", Outside: true},
		quantity.Key{Name: "rounds",
			Doc: "rounds of a block before its analysis; open comparisons are measured further, up to eight times as many rounds", Outside: true},
		quantity.Key{Name: "budget", Doc: "time limit of a check's measurements", Outside: true},
	),
}
