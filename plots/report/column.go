package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"prabench/plots"
	"prabench/results"
	"prabench/results/record"
)

// column is one metric of a table.
type column struct {
	Metric, Name, Unit string
	Hint               string // in which direction it is better
	Group              string
	stored             string // unit
	factor             float64
	decimals           int // of values with an interval
	protocols          []string
}

// The groups of columns that a reader chooses from.
const (
	groupQuality     = "quality"
	groupDiagnostics = "diagnostics"
	groupSpeed       = "speed"
	groupMemory      = "memory"
	groupTraining    = "training"
	groupCost        = "cost"
)

var groups = []string{groupQuality, groupDiagnostics, groupSpeed, groupMemory, groupTraining, groupCost}

// main are the columns that are shown at first, and the first of all columns.
var main = []string{"fid_proxy", "class_accuracy", "throughput", "latency", "memory_peak", "train_throughput"}

// order is that of the columns that are known, in their groups.
var order = []string{
	"fid_proxy", "kid", "precision", "recall", "class_accuracy", "fid_proxy_floor", "kid_floor", "precision_floor", "recall_floor",
	"throughput", "latency", "first_block_latency", "mfu", "peak_flops", "disturbed_rounds", "foreign_load", "foreign_load_worst", "stolen_load",
	"memory_peak", "memory_model", "memory_cache", "memory_activations", "train_memory_peak",
	"train_throughput", "train_seconds", "train_loss", "flow_loss", "rec_loss",
	"params", "flops_image", "ar_steps", "nfe",
}

func groupOf(metric, kind string) string {
	switch {
	case strings.HasPrefix(metric, "memory_") || strings.HasSuffix(metric, "_memory_peak"):
		return groupMemory
	case slices.Contains([]string{"params", "flops_image", "ar_steps", "nfe"}, metric):
		return groupCost
	case strings.HasPrefix(metric, "train_"):
		return groupTraining
	}
	switch kind {
	case record.Train:
		return groupTraining
	case record.Time:
		return groupSpeed
	case record.Probe, record.Exposure, record.Seam, record.Nearest:
		return groupDiagnostics
	}
	return groupQuality
}

// columnsOf are the metrics of rows, apart by unit.
func columnsOf(rows []results.Row) []*column {
	type name struct{ metric, unit string }
	by := map[name]*column{}
	largest := map[name]float64{}
	var all []*column
	for i := range rows {
		r := &rows[i]
		n := name{r.Metric, r.Unit}
		c := by[n]
		if c == nil {
			q := plots.Describe(r.Metric)
			c = &column{Metric: r.Metric, Name: q.Short, Hint: q.Direction(), Group: groupOf(r.Metric, r.Kind), stored: r.Unit}
			by[n] = c
			all = append(all, c)
		}
		largest[n] = max(largest[n], math.Abs(r.Value))
		if !slices.Contains(c.protocols, r.Protocol) {
			c.protocols = append(c.protocols, r.Protocol)
		}
	}
	halves := map[*column][]float64{}
	for n, c := range by {
		c.factor, c.Unit = plots.ShownUnit(c.Metric, c.stored, largest[n])
	}
	for i := range rows {
		if r := &rows[i]; r.Lo != nil && r.Hi != nil && *r.Hi > *r.Lo {
			c := by[name{r.Metric, r.Unit}]
			halves[c] = append(halves[c], (*r.Hi-*r.Lo)/2*c.factor)
		}
	}
	for c, h := range halves { // those that show the middle interval with two digits
		slices.Sort(h)
		c.decimals = decimals(h[len(h)/2], 2)
	}
	place := func(list []string, metric string) int {
		if i := slices.Index(list, metric); i >= 0 {
			return i
		}
		return len(list)
	}
	slices.SortStableFunc(all, func(a, b *column) int {
		return cmp.Or(place(main, a.Metric)-place(main, b.Metric), slices.Index(groups, a.Group)-slices.Index(groups, b.Group),
			place(order, a.Metric)-place(order, b.Metric), strings.Compare(a.Metric, b.Metric), strings.Compare(a.stored, b.stored))
	})
	return all
}

// Main says whether the column is shown at first.
func (c *column) Main() bool { return slices.Contains(main, c.Metric) }

// mark tells values of several protocols in one column apart; "" where there
// is one.
func (c *column) mark(protocol string) string {
	if len(c.protocols) < 2 {
		return ""
	}
	return letter(slices.Index(c.protocols, protocol))
}

// letter counts a, b, …, z, aa, ab, …
func letter(i int) string {
	text := ""
	for i++; i > 0; i /= 26 {
		i--
		text = string(rune('a'+i%26)) + text
	}
	return text
}
