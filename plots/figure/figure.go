// Package figure is the grammar of figures: which kinds there are, which keys
// of [[figure]] each takes, and what it is drawn from.
//
// Its principle is that a kind of figure is described once. The reader of experiment
// files, the drawing, the paper and the report all look it up in one table
// here, and share one type for a figure on its way through them, so that none
// of them can know a kind or a key that another does not. The package holds no
// drawing code: it may be imported where nothing is drawn.
package figure

// Figure is one figure or table: a [[figure]] of an experiment file, checked
// and with its defaults. Names are metrics (fid_proxy), keys of the
// configuration in full (model.patch), "seed", or "label", the cell's own label.
type Figure struct {
	Kind   string // name of a [Kind]
	Name   string // file stem; in a file the kind and number when absent: "pareto1"
	Title  string
	Source string // file:line:column

	X, Y   string // the axes
	Value  string // heatmap: the metric in its cells; parallel: the metric that colours the lines
	Series string // colour and shape; "" is one series (curve and grid: one a cell)
	Facet  string // small multiples with shared axes; "" is one panel

	Axes    []string // parallel: metrics and keys, from left to right
	Rows    []string // table: keys that make a row; empty is every key that varies
	Columns []string // table: metrics; empty is all there are
	Best    bool     // table: mark the best of a column alone, separated or not

	GridRows, GridCols int // grid: at most so many rows and columns of each sheet; 0 is all

	Where map[string]any // only cells with these values; a list means any of them

	// Width is that of the printed figure in inches, with labels of 8 pt: 3.25 is
	// one column of two, 6.75 both. 0 is 6 inches with labels of 10 pt.
	Width float64

	// LogX and LogY force or forbid a log axis; nil decides by the data: log when
	// all values are positive and span more than 1.5 decades. In a heatmap LogY
	// governs the colour scale.
	LogX, LogY *bool
	Fit        bool // line: note the exponent of a power law for each series

	// Goal is a value of y that series reach along x; 0 is none. Line alone.
	Goal float64

	Look
}

// Names of kinds that callers treat in their own way.
const (
	Pareto   = "pareto"
	Line     = "line"
	Heatmap  = "heatmap"
	Bars     = "bars"
	Parallel = "parallel"
	Grid     = "grid"
	Curve    = "curve"
	Steps    = "steps"
	Table    = "table"
	Noise    = "noise"

	Responses  = "response"
	Importance = "importance"
)

// kinds is the one table of them, in the order of the documentation. A new kind
// is a row here and a plotter in package plots.
var kinds = []Kind{
	{
		Name: Pareto, Doc: "quality against speed: points with intervals, and the frontier of cells that no other cell beats in both",
		Fields: []Field{x.of(Metric).or("throughput"), y.of(Metric).or("fid_proxy"), series, facet, logX, logY},
	}, {
		Name: Line, Doc: "a metric against a key or another metric, one line per series",
		Fields: []Field{x.of(Metric | Key).needed(), y.of(Metric).or("fid_proxy"), series, facet, logX, logY, fit, goal},
	}, {
		Name: Heatmap, Doc: "a metric over two keys, its values written in the cells",
		Fields: []Field{x.of(Key).needed(), y.of(Key).needed(), value.or("fid_proxy"), facet, logY},
		Check: func(f Figure) error {
			if f.X == f.Y {
				return errorf("y", "x and y are both %s; a heatmap has another key on each axis", f.X)
			}
			return nil
		},
	}, {
		Name: Bars, Doc: "a metric over categories, one bar per series, from zero",
		Fields: []Field{x.of(Key).or("label"), y.of(Metric).or("fid_proxy"), series, facet, logY},
		Check: func(f Figure) error {
			if f.LogY != nil && *f.LogY {
				return errorf("log_y", `bars start at zero, which a log axis does not have; use kind = "line"`)
			}
			return nil
		},
	}, {
		Name: Parallel, Doc: "cells as lines across one vertical axis per metric or key; the better end of a metric is up", wide: always,
		Fields: []Field{axes.of(Metric | Key).needed().least(2), series, value, facet},
		Check: func(f Figure) error {
			if f.Series != "" && f.Value != "" {
				return errorf("value", "colour shows the series, so it cannot show %s as well; leave out one of them", f.Value)
			}
			return nil
		},
	}, {
		Name: Grid, Doc: "generated images, one panel per cell and one row per class", Needs: Images, wide: always,
		Fields: []Field{gridRows, gridCols, series, facet},
	}, {
		Name: Curve, Doc: "a value that training logs, against the step", Needs: Curves,
		Fields: []Field{x.words("step").or("step"), y.words("train_loss", "flow_loss", "rec_loss", "grad_norm", "lr").or("train_loss"),
			series, facet, logX, logY},
	}, {
		Name: Steps, Doc: "the error of each AR step: block_error with its controls, or block_error_ratio, the model's own inputs over real ones",
		Needs: StepErrors, wide: func(f Figure) bool { return f.Series == "" && f.Y != "block_error_ratio" },
		Fields: []Field{y.words("block_error", "block_error_ratio").or("block_error"), series, facet, logY},
		Check: func(f Figure) error {
			if f.Series != "" && f.Y != "block_error_ratio" {
				return errorf("series", "the lines of block_error are its controls; make %s the facet", f.Series)
			}
			return nil
		},
	}, {
		Name: Responses, Needs: Trials,
		Doc:    "how the score by which cells chose their sampling responds to one of the settings; a line for each cell, with its choice marked",
		Fields: []Field{x.words("guidance", "guidance_from", "guidance_to", "flow_steps", "rollout_depth").or("guidance"), series, facet, logX},
	}, {
		Name: Noise, Doc: "where the noise of a metric comes from: the deviation of each component, of points that differ in seeds alone",
		Fields: []Field{y.of(Metric).or("fid_proxy"), logY},
		Check: func(f Figure) error {
			if f.LogY != nil && *f.LogY {
				return errorf("log_y", "bars start at zero, which a log axis does not have")
			}
			return nil
		},
	}, {
		Name: Importance, Doc: "how much of a metric's variance each swept key explains, alone and in pairs, beside the share of the seeds",
		Fields: []Field{y.of(Metric).or("fid_proxy")},
	}, {
		Name: Table, Doc: "values with their intervals; the best of a column is bold, and those not separated from it are underlined", Text: true,
		Fields: []Field{rows, columns, best},
	},
}

// What a kind can take: where its value goes, and what it may be. A key that is
// another thing in another kind (rows of a table, rows of a grid) is two of these.
var (
	x        = Field{Key: "x", Doc: "horizontal axis", to: func(f *Figure) any { return &f.X }}
	y        = Field{Key: "y", Doc: "vertical axis", to: func(f *Figure) any { return &f.Y }}
	value    = Field{Key: "value", Doc: "what the colours show", Is: Metric, to: func(f *Figure) any { return &f.Value }}
	series   = Field{Key: "series", Doc: "what colours and shapes distinguish", Is: Key, to: func(f *Figure) any { return &f.Series }}
	facet    = Field{Key: "facet", Doc: "one panel per value", Is: Key, to: func(f *Figure) any { return &f.Facet }}
	axes     = Field{Key: "axes", Doc: "what the axes show, from left to right", to: func(f *Figure) any { return &f.Axes }}
	rows     = Field{Key: "rows", Doc: "keys that make a row; without it those that vary", Is: Key, to: func(f *Figure) any { return &f.Rows }}
	columns  = Field{Key: "columns", Doc: "metrics; without it all there are", Is: Metric, to: func(f *Figure) any { return &f.Columns }}
	best     = Field{Key: "best", Doc: "mark the best of a column alone, separated or not", to: func(f *Figure) any { return &f.Best }}
	gridRows = Field{Key: "rows", Doc: "largest number of classes; 0 is all", to: func(f *Figure) any { return &f.GridRows }}
	gridCols = Field{Key: "columns", Doc: "largest number of images of a class; 0 is all", to: func(f *Figure) any { return &f.GridCols }}
	logX     = Field{Key: "log_x", Doc: "force or forbid a log axis", to: func(f *Figure) any { return &f.LogX }}
	logY     = Field{Key: "log_y", Doc: "force or forbid a log axis, or a log scale of colours", to: func(f *Figure) any { return &f.LogY }}
	goal     = Field{Key: "goal", Doc: "mark where each series reaches this value of y, and that those which do not may need more",
		Low: 1e-9, High: 1e12, to: func(f *Figure) any { return &f.Goal }}
	fit = Field{Key: "fit", Doc: "note the exponent of a power law for each series", to: func(f *Figure) any { return &f.Fit }}
)

// common are the keys of every kind, besides kind itself.
var common = []Field{
	{Key: "name", Doc: "file stem; the kind and its number when absent", to: func(f *Figure) any { return &f.Name }},
	{Key: "title", Doc: "heading, and the caption of a table", to: func(f *Figure) any { return &f.Title }},
	{Key: "where", Doc: "only cells with these values; a list means any of them", to: func(f *Figure) any { return &f.Where }},
	{Key: "width", Doc: "of the printed figure in inches: 3.25 is one column of two, 6.75 both", Low: 2, High: 20,
		to: func(f *Figure) any { return &f.Width }},
}
