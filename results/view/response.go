package view

import "prabench/metrics/stat"

// Response is how a score responded to settings of sampling that a cell chose from.
type Response struct {
	Metric string
	Trials []Trial
	Chosen int      // place among the trials
	Ends   []string // keys whose chosen number is the first or the last that was tried
}

// Trial is one combination of settings, by keys of [sample], with its score.
type Trial struct {
	Settings map[string]any
	Score    stat.Estimate
}
