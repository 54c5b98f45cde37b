package experiments

import (
	"fmt"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/models"
)

// metricNames are the metrics that figures and claims know: all that stages write.
var metricNames = quantity.Names(nil)

// laterScores are the scores that metrics.also can ask for.
var laterScores = later()

func later() []string {
	var out []string
	for _, m := range quantity.Metrics() {
		if m.Key == "metrics.also" && !slices.Contains(out, m.Stage) && !strings.HasSuffix(m.Stage, "_floor") {
			out = append(out, m.Stage)
		}
	}
	return out
}

// valid says what is wrong with the table's names, or nil.
func (m Metrics) valid() error {
	for _, name := range m.Also.List() {
		if !slices.Contains(laterScores, name) {
			return &models.KeyError{Key: "metrics.also", Problem: fmt.Sprintf("there is no score %q; allowed: %s", name,
				strings.Join(laterScores, ", "))}
		}
	}
	return nil
}
