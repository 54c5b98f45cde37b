package check

import (
	"math"

	"prabench/harness/tools/check/arm"
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
const MemoryPeak = "memory_peak"

// FidProxy is the one metric that has to be trained for.
const FidProxy = "fid_proxy"

// Timed says whether an arm times the metric.
func (m Metric) Timed() bool {
	switch m.Name {
	case arm.Throughput, arm.Latency, arm.FirstBlock, arm.Training:
		return true
	}
	return false
}

// worse is the logarithm of how much worse the new value is: 0.05 is about 5 %
// slower or larger, below 0 is better.
func (m Metric) worse(old, new float64) float64 {
	if old == new {
		return 0 // also where both are 0
	}
	x := math.Log(new) - math.Log(old)
	if m.Higher {
		return -x
	}
	return x
}

// limit is the threshold as a logarithm.
func (m Metric) limit() float64 { return math.Log1p(m.Threshold) }

// exactMetrics are compared without asking.
var exactMetrics = []Metric{
	{Name: "params", Unit: "1", Exact: true},
	{Name: "flops_image", Unit: "1", Exact: true},
	{Name: "ar_steps", Unit: "1", Exact: true},
	{Name: "nfe", Unit: "1", Exact: true},
	{Name: "memory_model", Unit: "bytes", Exact: true},
	{Name: "memory_cache", Unit: "bytes", Exact: true},
}

// MetricOf is a metric by its name; ok is false for one that cannot be checked.
func MetricOf(name string, t Thresholds) (m Metric, ok bool) {
	switch name {
	case arm.Throughput, arm.Training:
		return Metric{Name: name, Unit: "images/s", Higher: true, Threshold: t.Throughput}, true
	case arm.Latency, arm.FirstBlock:
		return Metric{Name: name, Unit: "s", Threshold: t.Latency}, true
	case MemoryPeak:
		return Metric{Name: name, Unit: "bytes", Threshold: t.Memory}, true
	case "memory_activations":
		return Metric{Name: name, Unit: "bytes", Threshold: t.Memory, Exact: true}, true
	case FidProxy:
		return Metric{Name: name, Unit: "1"}, true
	}
	return m, false
}

// Thresholds are the changes that matter, as shares.
type Thresholds struct {
	Throughput float64 `json:"throughput"`
	Latency    float64 `json:"latency"`
	Memory     float64 `json:"memory"`
}
