package check

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
)

// BaselineFormat names the form of the file.
const BaselineFormat = "prabench-baseline-1"

// Baseline is what a program once reached, small enough to be committed. Speeds
// are shares of what the machine could do in the same round, so that a day on
// which the whole machine is slower is no regression.
type Baseline struct {
	Format     string            `json:"format"`
	Name       string            `json:"name"`
	Experiment string            `json:"experiment"`
	Revision   string            `json:"revision"`
	Saved      time.Time         `json:"saved"`
	Device     string            `json:"device"` // class
	Threads    int               `json:"threads"`
	Protocol   map[string]string `json:"protocol"`
	Peak       float64           `json:"peak_flops"`     // median, for people
	Bandwidth  float64           `json:"copy_bandwidth"` // bytes/s, likewise
	Cells      []BaselineCell    `json:"cells"`
	// Quality is the fid_proxy of points by their label, where [check] asks for it.
	Quality map[string]Quality `json:"fid_proxy,omitempty"`
}

// BaselineCell is one cell of it.
type BaselineCell struct {
	Label   string                    `json:"label"`
	Model   json.RawMessage           `json:"model"` // the settings that speed depends on
	Exact   map[string]float64        `json:"exact"`
	Metrics map[string]BaselineMetric `json:"metrics"`
}

// BaselineMetric is one metric: its median for people, and the rounds for the
// comparison. A timed metric has a share of each of the two yardsticks; memory
// has bytes.
type BaselineMetric struct {
	Value  float64                `json:"value"`
	Unit   string                 `json:"unit"`
	Series map[string]BaselineRun `json:"by"` // by yardstick: peak, copy, or bytes
}

// BaselineRun is a metric in units of one yardstick.
type BaselineRun struct {
	Rounds []float64 `json:"rounds"`
	// Between is how far the medians of the baseline's two blocks lay apart, as
	// a logarithm: what a comparison cannot know better.
	Between float64 `json:"between"`
}

// Yardsticks.
const (
	ofPeak  = "peak"
	ofCopy  = "copy"
	inBytes = "bytes"
)

// yardsticks gives a round's value of a metric in each of its units. work is
// what one image takes, by the cell's exact figures: FLOPs, and bytes when the
// model is read once a step.
func yardsticks(m Metric, r round, batch int, exact map[string]float64) map[string]float64 {
	v := r.Value[New][m.Name]
	if !m.Timed() {
		return map[string]float64{inBytes: v}
	}
	calls, images := 1/v, 1/v // a second
	if m.Higher {
		calls, images = v/float64(batch), v
	}
	return map[string]float64{
		ofPeak: images * exact[quantity.FLOPsImage.Name] / r.Peak,
		ofCopy: calls * exact[quantity.MemoryModel.Name] * exact[quantity.ARSteps.Name] / r.Bandwidth,
	}
}

// normalised is the same metric as a share, of which more is better.
func normalised(m Metric) Metric {
	if m.Timed() {
		m.Higher = true
	}
	return m
}

// estimate compares rounds with the baseline's. Of the two yardsticks the one
// that shows less change counts: only what is slower by both is slower.
func (c BaselineCell) estimate(m Metric, rounds []round, disturbed int) estimate {
	out := estimate{disturbed: disturbed}
	base := c.Metrics[m.Name]
	var batch struct {
		Batch int `json:"batch"`
	}
	_ = json.Unmarshal(c.Model, &batch) // checked when it was loaded
	unit := normalised(m)
	series := map[string][]float64{}
	for _, r := range rounds {
		for name, v := range yardsticks(m, r, batch.Batch, c.Exact) {
			series[name] = append(series[name], v)
		}
		out.newer = append(out.newer, r.Value[New][m.Name])
	}
	out.x = make([]float64, len(rounds))
	out.old = []float64{base.Value}
	for i, name := range slices.Sorted(maps.Keys(base.Series)) {
		old := base.Series[name]
		a, b := logs(old.Rounds), logs(series[name])
		if unit.Higher {
			a, b = b, a
		}
		d := stat.Shift(a, b, stat.Processes)
		out.p = max(out.p, d.P)
		if d.HasInterval() {
			d.Lo, d.Hi = d.Lo-old.Between, d.Hi+old.Between
		}
		switch mid := out.Value; {
		case i == 0:
			out.Estimate = d.Estimate
			continue
		case (d.Value > 0) != (mid > 0):
			out.Value = 0
		case math.Abs(d.Value) < math.Abs(mid):
			out.Value = d.Value
		}
		if !d.HasInterval() {
			out.Estimate = stat.Point(out.Value, out.N)
		}
		if out.HasInterval() {
			out.Lo, out.Hi = min(out.Lo, d.Lo), max(out.Hi, d.Hi)
		}
	}
	out.adjusted = out.p
	return out
}

func logs(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Log(v)
	}
	return out
}

// Refusal is a comparison that would mean nothing, or a baseline that cannot be
// used; it is the user's to change something.
type Refusal struct{ Problem string }

func (e *Refusal) Error() string { return e.Problem }
