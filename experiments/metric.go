package experiments

import "prabench/metrics/quantity"

// metricNames are the metrics that figures and claims know: all that stages write.
var metricNames = quantity.Names(nil)
