// Package plots draws the figures and tables of an experiment.
//
// Its principle is that a figure has to say where it came from and what it leaves
// out. Every figure carries the experiment's name, the number of seeds, the
// meaning of its intervals and a short protocol id; a cell that failed is a
// cross with a counted reason, never a silent gap; values that were measured
// under different protocols never share an axis; two cells that would land on
// the same spot are refused by the name of the key in which they differ.
// Legends lie outside the data, colours are safe for colour-blind readers and
// always come with a second cue (a shape or a dash), and the same input gives
// the same bytes in PNG, SVG and PDF.
//
// The package is pure drawing: it knows neither databases nor experiment
// files. Callers hand it cells that are already averaged over seeds.
package plots

import (
	"prabench/metrics/stat"
	"prabench/plots/figure"
	"prabench/results/view"
)

// Figure says what to draw; see [figure.Figure].
type Figure = figure.Figure

// Data is all that a figure may draw from.
type Data struct {
	Experiment string
	Cells      []CellData
	// Accept names differences that may share an axis, since the caller knows of
	// them: code, device, protocol. The figure names them all the same.
	Accept []string
	// Warn takes what the author should know of a figure that is drawn all the same; nil
	// is nobody. Its notes say it too.
	Warn func(text string)
	// Images is the difference a − b of two cells over pairs of images, where both drew
	// from the same weights with the same noise; nil where nobody can tell.
	Images func(a, b CellData, metric string) (stat.Difference, bool)
	// Uncertified says of which features, behind values of a metric under a protocol,
	// nobody knows what they see; "" of others, nil where nobody looked.
	Uncertified func(metric, protocol string) string
}

// CellData is one point of the experiment, already aggregated over its seeds.
type CellData struct {
	Label   string                 // for people; empty is made from the keys that vary
	Params  map[string]any         // dotted keys, and the short names patch, block, rollout_depth, state
	Metrics map[string]MetricValue // by metric name; a metric that was not measured is absent
	Outcome string                 // "ok" or empty; else oom, timeout, crash, …
	Reason  string                 // a sentence, written under tables
	Seeds   int                    // how many seeds the values stand for
	IDs     []string               // of the cells it is made of, one per seed
	Curve   []CurvePoint
	Steps   []StepLine
	Grid    *Grid

	// Dropped says that a search gave the cell up before its last stop. Pictures show what
	// it last had, hollow.
	Dropped bool
	hollow  bool // its values are the last of a cell that was given up

	Response *view.Response // of its first seed; nil where it chose no sampling
	// Code and Device are what the curve and the grid were made by and on; values
	// have their own.
	Code, Device string
}

// MetricValue is a value with its interval and the protocol that makes it
// comparable with others. Lo and Hi are nil without an interval.
type MetricValue struct {
	Value    float64
	Lo, Hi   *float64
	N        int    // raw measurements behind the value
	Unit     string // SI, "images/s", "bytes" or "1"
	Protocol string // values of different protocols never share an axis
	Interval string // what Lo and Hi are, e.g. "95 % jackknife"

	// Values has one for each training seed, nil when Value is no mean over seeds.
	Values []float64
	Seeds  []uint64 // of Values, in their order; nil when they are not known
	Same   bool     // all seeds are one training
	// Code and Device are the program's revision and the kind of hardware behind
	// the value, several joined by " + "; empty is not known.
	Code, Device string
	Attempts     []string // ids of those behind the value
}

// CurvePoint is one logged training step: values by name (train_loss, flow_loss, …).
type CurvePoint struct {
	Step   int
	Values map[string]float64
}

// StepLine is one quantity of every AR step: block_error_free, block_error_given,
// block_error_real or block_error_ratio.
type StepLine struct {
	Name     string
	Points   []Point // X is the step, from 1
	Interval string  // what YLo and YHi are
}

// Grid is a sheet of generated images, uint8 [Rows·Cols, Size, Size, Channels],
// row by row. RowLabels names the rows (classes) and may be empty.
type Grid struct {
	Images         []uint8
	Rows, Cols     int
	Size, Channels int
	RowLabels      []string
}

// Point is one mark of a figure, in drawn units.
type Point struct {
	X, Y               float64 // NaN where a failed cell has none
	XLo, XHi, YLo, YHi *float64
	Series, Facet      string
	Label              string
	Outcome            string // empty, or why the point can only be a cross
	Hollow             bool   // the last value of a cell that a search gave up
	N                  int
}
