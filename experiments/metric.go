package experiments

// metricNames are the metrics that figures know; the tables of results use the
// same names.
var metricNames = []string{
	"fid_proxy", "kid", "precision", "recall", "class_accuracy",
	"throughput", "latency", "first_block_latency",
	"memory_peak", "memory_model", "memory_cache", "memory_activations",
	"train_throughput", "train_seconds", "train_loss", "flow_loss", "rec_loss",
	"flops_image", "mfu", "params", "ar_steps", "nfe",
	"probe_accuracy", "probe_accuracy_untrained",
	"fid_prefix_0", "fid_prefix_25", "fid_prefix_50", "fid_prefix_75", "fid_prefix_100", "fid_mosaic",
	"block_error_free", "block_error_given", "block_error_real", "exposure_gap", "error_growth",
	"seam_index", "nearest_distance", "nearest_distance_real", "nearest_ratio", "near_share",
}

// shortKeys are the names that the views of the results give to four keys.
var shortKeys = map[string]string{
	"patch": "model.patch", "block": "model.block", "state": "model.state", "rollout_depth": "train.rollout_depth",
}
