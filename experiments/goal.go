package experiments

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Goal reads "fid_proxy=5": a metric and the value that it is to reach.
func Goal(text string) (metric string, value float64, err error) {
	metric, number, ok := strings.Cut(text, "=")
	metric = strings.TrimSpace(metric)
	if !ok {
		return "", 0, fmt.Errorf("%q is no goal; write METRIC=VALUE, such as fid_proxy=5", text)
	}
	if !slices.Contains(metricNames, metric) {
		return "", 0, fmt.Errorf("%q is no metric%s", metric, hinted(didYouMean(metric, metricNames)))
	}
	if value, err = strconv.ParseFloat(strings.TrimSpace(number), 64); err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return "", 0, fmt.Errorf("%q is no number that %s can reach", number, metric)
	}
	return metric, value, nil
}
