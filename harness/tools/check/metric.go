package check

import (
	"math"

	"prabench/metrics/quantity"
)

// Metric is something that is compared.
type Metric struct {
	Name      string
	Unit      string
	Higher    bool    // is better
	Threshold float64 // the change that matters, as a share: 0.03
	Exact     bool    // has no noise: any change beyond the threshold is one
}

// MemoryPeak is the largest size of the process that samples.
var MemoryPeak = quantity.MemoryPeak.Name

// FidProxy is the one metric that has to be trained for.
var FidProxy = quantity.FIDProxy.Name

// Timed says whether an arm times the metric.
func (m Metric) Timed() bool {
	q := quantity.Find(m.Name)
	return q != nil && q.Check == quantity.CheckedByTime
}

// worse is the logarithm of how much worse the new value is: 0.05 is about 5 %
// slower or larger, below 0 is better.
func (m Metric) worse(old, newer float64) float64 {
	if old == newer {
		return 0 // also where both are 0
	}
	x := math.Log(newer) - math.Log(old)
	if m.Higher {
		return -x
	}
	return x
}

// limit is the threshold as a logarithm.
func (m Metric) limit() float64 { return math.Log1p(m.Threshold) }

// exactMetrics are compared without asking.
var exactMetrics = always()

func always() []Metric {
	var out []Metric
	for _, m := range quantity.Metrics() {
		if m.Check == quantity.CheckedAlways {
			out = append(out, of(m, 0))
		}
	}
	return out
}

func of(m *quantity.Metric, threshold float64) Metric {
	return Metric{Name: m.Name, Unit: m.Unit, Higher: m.Better > 0, Threshold: threshold, Exact: m.Exact() &&
		m.Check != quantity.CheckedByModel}
}

// MetricOf is a metric by its name; ok is false for one that cannot be checked.
func MetricOf(name string, t Thresholds) (m Metric, ok bool) {
	q := quantity.Find(name)
	if q == nil {
		return m, false
	}
	switch q.Check {
	case quantity.CheckedByTime:
		if q.Better > 0 {
			return of(q, t.Throughput), true
		}
		return of(q, t.Latency), true
	case quantity.CheckedBySize:
		return of(q, t.Memory), true
	case quantity.CheckedByModel:
		return of(q, 0), true
	}
	return m, false
}

// Thresholds are the changes that matter, as shares.
type Thresholds struct {
	Throughput float64 `json:"throughput"`
	Latency    float64 `json:"latency"`
	Memory     float64 `json:"memory"`
}
