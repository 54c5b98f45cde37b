package plots

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// quantity is how a metric or a key is called in a figure. better is +1 when
// higher is better, −1 when lower is, 0 when neither.
type quantity struct {
	label  string // on axes
	short  string // in tables, headings and legends; empty is label
	unit   string // as stored; a value's own unit wins
	better int
}

// quantities is the one table of names: whatever is not here is shown by its
// own name with spaces for underscores.
var quantities = map[string]quantity{
	"fid_proxy":           {"Fréchet distance, proxy features", "FD (proxy)", "", -1},
	"kid":                 {"kernel distance, proxy features", "KD (proxy)", "", -1},
	"precision":           {"precision", "precision", "", +1},
	"recall":              {"recall", "recall", "", +1},
	"class_accuracy":      {"generated images of the asked class", "class accuracy", "share", +1},
	"fid_proxy_floor":     {"Fréchet distance of real images", "FD floor", "", 0},
	"kid_floor":           {"kernel distance of real images", "KD floor", "", 0},
	"precision_floor":     {"precision of real images", "precision floor", "", 0},
	"recall_floor":        {"recall of real images", "recall floor", "", 0},
	"throughput":          {"sampling throughput", "throughput", "images/s", +1},
	"latency":             {"latency per image", "latency", "s", -1},
	"first_block_latency": {"time to the first block", "first block", "s", -1},
	"memory_peak":         {"peak memory of the process", "peak memory", "bytes", -1},
	"memory_model":        {"model memory", "model memory", "bytes", -1},
	"memory_cache":        {"cache memory", "cache memory", "bytes", -1},
	"memory_activations":  {"activation memory", "activations", "bytes", -1},
	"train_throughput":    {"training throughput", "training", "images/s", +1},
	"train_seconds":       {"training time", "training time", "s", -1},
	"train_memory_peak":   {"peak memory in training", "training memory", "bytes", -1},
	"train_loss":          {"training loss", "training loss", "", -1},
	"flow_loss":           {"flow loss", "flow loss", "", -1},
	"rec_loss":            {"reconstruction loss", "reconstruction loss", "", -1},
	"flops_image":         {"compute per image", "compute", "FLOP", -1},
	"mfu":                 {"share of the measured peak", "share of peak", "share", +1},
	"params":              {"parameters", "parameters", "count", -1},
	"ar_steps":            {"autoregressive steps", "AR steps", "", -1},
	"nfe":                 {"head evaluations per image (NFE)", "NFE", "", -1},

	"probe_accuracy":           {"linear probe accuracy", "probe", "share", +1},
	"probe_accuracy_untrained": {"linear probe accuracy, untrained trunk", "probe, untrained", "share", 0},
	"fid_prefix_0":             {"Fréchet distance, nothing given", "FD, 0 given", "", -1},
	"fid_prefix_25":            {"Fréchet distance, a quarter given", "FD, 1/4 given", "", -1},
	"fid_prefix_50":            {"Fréchet distance, half given", "FD, 1/2 given", "", -1},
	"fid_prefix_75":            {"Fréchet distance, three quarters given", "FD, 3/4 given", "", -1},
	"fid_prefix_100":           {"Fréchet distance of held-out images", "FD, real", "", 0},
	"fid_mosaic":               {"Fréchet distance of mosaics", "FD, mosaics", "", -1},
	"block_error_free":         {"error of a step, own inputs", "step error, own inputs", "", -1},
	"block_error_given":        {"error of a step, real inputs", "step error, real inputs", "", -1},
	"block_error_real":         {"error of a step, held-out images", "step error, held-out", "", 0},
	"exposure_gap":             {"exposure gap", "exposure gap", "", -1},
	"error_growth":             {"growth of the error over AR steps", "error growth", "", -1},
	"seam_index":               {"seam index (real images: 1)", "seam index", "", 0},
	"nearest_distance":         {"distance to the nearest training image", "nearest", "", 0},
	"nearest_distance_real":    {"distance of held-out images to the nearest", "nearest, held-out", "", 0},
	"nearest_ratio":            {"nearest training image, generated over held-out", "nearest ratio", "", 0},
	"near_share":               {"share nearer than 99 % of held-out images", "near share", "share", 0},

	"model.patch":          {"patch side (pixels)", "patch", "", 0},
	"model.block":          {"block (tokens per AR step)", "block", "", 0},
	"model.order":          {"token order", "order", "", 0},
	"model.state":          {"state width (0 = pixels)", "state", "", 0},
	"model.state_norm":     {"state normalisation", "state norm", "", 0},
	"model.width":          {"trunk width", "width", "", 0},
	"model.depth":          {"trunk layers", "layers", "", 0},
	"model.heads":          {"attention heads", "heads", "", 0},
	"model.head_width":     {"flow head width", "head width", "", 0},
	"model.head_depth":     {"flow head blocks", "head depth", "", 0},
	"model.target":         {"prediction target", "target", "", 0},
	"train.rollout_depth":  {"training rollout depth", "rollout depth", "", 0},
	"train.steps":          {"training steps", "steps", "", 0},
	"train.batch":          {"training batch (images)", "batch", "", 0},
	"train.lr":             {"learning rate", "lr", "", 0},
	"train.input_noise":    {"input noise strength", "input noise", "", 0},
	"train.state_noise":    {"state noise strength", "state noise", "", 0},
	"train.anchor":         {"anchor strength", "anchor", "", 0},
	"train.flow_samples":   {"flow samples per token", "flow samples", "", 0},
	"sample.rollout_depth": {"Jacobi sweeps (0 = sequential)", "sampling sweeps", "", 0},
	"sample.flow_steps":    {"solver steps per token", "flow steps", "", 0},
	"sample.solver":        {"solver", "solver", "", 0},
	"sample.guidance":      {"guidance weight", "guidance", "", 0},
	"sample.weights":       {"weights", "weights", "", 0},
	"data.set":             {"data set", "data set", "", 0},
	"data.size":            {"image side (pixels)", "size", "", 0},
	"measure.device":       {"device", "device", "", 0},
	"measure.batch":        {"sampling batch (images)", "sampling batch", "", 0},
	"measure.threads":      {"threads", "threads", "", 0},

	// over AR steps
	"ar_step":           {"AR step", "AR step", "", 0},
	"block_error":       {"Fréchet distance of the step, per value", "error of the step", "", -1},
	"block_error_ratio": {"error, own inputs over real ones", "error ratio", "", -1},

	// names of training curves
	"step":      {"training step", "step", "", 0},
	"lr":        {"learning rate", "learning rate", "", 0},
	"grad_norm": {"gradient norm", "gradient norm", "", 0},
	"label":     {"", "", "", 0},
	"cell":      {"", "", "", 0},
}

// shortKeys are the names that a cell's parameters also carry undotted.
var shortKeys = map[string]string{
	"patch": "model.patch", "block": "model.block", "state": "model.state", "rollout_depth": "train.rollout_depth",
}

func describe(name string) quantity {
	if full, ok := shortKeys[name]; ok {
		name = full
	}
	q, ok := quantities[name]
	if !ok {
		last := name[strings.LastIndexByte(name, '.')+1:]
		q.label = strings.ReplaceAll(last, "_", " ")
	}
	if q.short == "" {
		q.short = q.label
	}
	return q
}

// direction is the reader's hint, in words: an arrow may be read as the
// direction in which values went.
func (q quantity) direction() string {
	switch q.better {
	case +1:
		return "higher is better"
	case -1:
		return "lower is better"
	}
	return ""
}

// axisLabel is the label with its unit and direction.
func (q quantity) axisLabel(unit string) string {
	var in []string
	if unit != "" {
		in = append(in, unit)
	}
	if d := q.direction(); d != "" {
		in = append(in, d)
	}
	if len(in) == 0 {
		return q.label
	}
	return q.label + " (" + strings.Join(in, ", ") + ")"
}

// brief is the short label with the same.
func (q quantity) brief(unit string) string {
	parts := []string{q.short}
	for _, s := range []string{unit, q.direction()} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// scaleUnit chooses how values of a stored unit are shown: shown = stored·factor.
// largest is the largest finite magnitude to be shown.
func scaleUnit(unit string, largest float64) (factor float64, shown string) {
	pick := func(base float64, names ...string) (float64, string) {
		i := 0
		for f := largest; f >= base && i < len(names)-1; i++ {
			f /= base
		}
		return math.Pow(base, -float64(i)), names[i]
	}
	switch unit {
	case "bytes":
		return pick(1024, "bytes", "KiB", "MiB", "GiB", "TiB")
	case "s":
		switch {
		case largest == 0 || largest >= 600:
			if largest >= 7200 {
				return 1.0 / 3600, "h"
			}
			if largest >= 600 {
				return 1.0 / 60, "min"
			}
			return 1, "s"
		case largest >= 1:
			return 1, "s"
		case largest >= 1e-3:
			return 1e3, "ms"
		}
		return 1e6, "µs"
	case "FLOP":
		return pick(1000, "FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP")
	case "count":
		return pick(1000, "", "thousands", "millions", "billions")
	case "share":
		return 100, "%"
	case "1", "":
		return 1, ""
	}
	return 1, unit
}

// storedUnit prefers the value's own unit, except where "1" says less than the
// table of quantities does.
func storedUnit(q quantity, unit string) string {
	if unit == "" || unit == "1" {
		return q.unit
	}
	return unit
}

// show writes the value of a key.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return v
	case bool:
		if v {
			return "on"
		}
		return "off"
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = show(v[i])
		}
		return strings.Join(parts, " ")
	}
	if f, ok := number(v); ok {
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	return fmt.Sprint(v)
}
