package experiments

import "prabench/metrics/quantity"

// metricNames are the metrics that figures and claims know: all that stages write.
var metricNames = quantity.Names(nil)

// shortKeys are the names that the views of the results give to four keys.
var shortKeys = map[string]string{
	"patch": "model.patch", "block": "model.block", "state": "model.state", "rollout_depth": "train.rollout_depth",
}
