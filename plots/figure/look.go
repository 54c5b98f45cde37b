package figure

import "math"

// Look is how a picture looks, beyond what it shows: what an author changes so
// that it suits a page. Its zero value is the program's own choice.
type Look struct {
	Height         float64   // of a panel's frame in inches of print; 0 follows the width
	XRange, YRange []float64 // of an axis, its two ends; nil follows the data
	XLabel, YLabel string    // of an axis; "" is that of what it shows
	Legend         string    // where it stands: one of legends; "" decides by the room
	Font           string    // one of fonts; "" is sans
	FontSize       float64   // in points of print; 0 is 8 with a width, else 10
	Footer         *bool     // nil is on: where the figure came from

	Order  []string          // values of series, panels and names on an axis that come first
	Called map[string]string // what they are called in place of their values
	Labels *bool             // points with the names of their cells; nil decides by their number
	Band   string            // what is shaded around lines: one of bands; "" is nothing
	Smooth int               // curve: mean of so many logged values; 0 and 1 are none

	References []Reference
}

// Reference is a value that was given, not measured: a line at X or at Y (the
// other is not a number), or a point.
type Reference struct {
	X, Y  float64
	Label string
}

// Line says that the reference has one coordinate.
func (r Reference) Line() bool { return math.IsNaN(r.X) || math.IsNaN(r.Y) }

// Places of a legend, fonts and bands.
const (
	LegendRight = "right"
	LegendBelow = "below"
	LegendNone  = "none"
	FontSans    = "sans"
	FontSerif   = "serif"

	BandInterval = "interval"
	BandRange    = "range"
)

// Shown says whether the footer is drawn.
func (l Look) Shown() bool { return l.Footer == nil || *l.Footer }

// What pictures can take besides the keys of their kind.
var (
	height = Field{Key: "height", Doc: "of a panel in inches of print, without axes and legend", Low: 0.5, High: 20,
		to: func(f *Figure) any { return &f.Height }}
	xRange = Field{Key: "x_range", Doc: "the two ends of the horizontal axis; what lies outside is cut off, and counted",
		to: func(f *Figure) any { return &f.XRange }}
	yRange = Field{Key: "y_range", Doc: "the two ends of the vertical axis; what lies outside is cut off, and counted",
		to: func(f *Figure) any { return &f.YRange }}
	xLabel = Field{Key: "x_label", Doc: "what the horizontal axis is called", to: func(f *Figure) any { return &f.XLabel }}
	yLabel = Field{Key: "y_label", Doc: "what the vertical axis is called", to: func(f *Figure) any { return &f.YLabel }}
	legend = Field{Key: "legend", Doc: "place of the legend; by default where there is room",
		Words: []string{LegendRight, LegendBelow, LegendNone},
		to:    func(f *Figure) any { return &f.Legend }}
	typeset = Field{Key: "font", Doc: "of all text", Words: []string{FontSans, FontSerif},
		to: func(f *Figure) any { return &f.Font }}
	fontSize = Field{Key: "font_size", Doc: "of the axes' labels in points of print; other text in proportion", Low: 4, High: 24,
		to: func(f *Figure) any { return &f.FontSize }}
	footer = Field{Key: "footer", Doc: "the line that says where the figure came from; without it the caption should",
		to: func(f *Figure) any { return &f.Footer }}
	order = Field{Key: "order", Doc: "values of series, panels or names on an axis that come first, in this order",
		to: func(f *Figure) any { return &f.Order }}
	called = Field{Key: "names", Doc: "what series, panels and names on an axis are called: value = text",
		to: func(f *Figure) any { return &f.Called }}
	labels = Field{Key: "labels", Doc: "write the names of cells beside their points; by default where there are few points and no series",
		to: func(f *Figure) any { return &f.Labels }}
	band = Field{Key: "band", Doc: "what is shaded around lines, of training seeds: the 95 % interval of their mean, or their range",
		Words: []string{BandInterval, BandRange},
		to:    func(f *Figure) any { return &f.Band }}
	smooth = Field{Key: "smooth", Doc: "number of neighbouring logged values that are averaged; 0 is none",
		to: func(f *Figure) any { return &f.Smooth }}

	references = Field{Key: "reference", to: func(f *Figure) any { return &f.References },
		Doc: "values that are not measured here, such as published ones: `{ y = 3.2, label = \"…\" }` is a line, with `x` too a point"}
)

// looks are the keys of a kind's appearance: those of every picture, and with
// two axes theirs.
func (k Kind) looks() []Field {
	if k.Text {
		return nil
	}
	list := []Field{height, typeset, fontSize, footer}
	switch k.Name {
	case Grid, Parallel:
		return list
	}
	if _, numbers := find(k.Fields, "log_y"); numbers && k.Name != Heatmap {
		list = append(list, yRange, references)
	}
	if _, numbers := find(k.Fields, "log_x"); numbers || k.Name == Steps {
		list = append(list, xRange)
	}
	if k.Name == Responses {
		list = append(list, yRange, references)
	}
	list = append(list, xLabel, yLabel)
	if _, has := find(k.Fields, "series"); has {
		list = append(list, legend)
	}
	if _, has := find(k.Fields, "facet"); has {
		list = append(list, order, called)
	}
	switch k.Name {
	case Pareto:
		list = append(list, labels)
	case Line:
		list = append(list, labels, band)
	case Curve:
		list = append(list, band, smooth)
	}
	return list
}

// checkLook says what is wrong with the fields together.
func (f Figure) checkLook() error {
	for _, a := range []struct {
		key  string
		ends []float64
		log  *bool
	}{{"x_range", f.XRange, f.LogX}, {"y_range", f.YRange, f.LogY}} {
		switch {
		case a.ends == nil:
		case len(a.ends) != 2 || !(a.ends[0] < a.ends[1]) || math.IsInf(a.ends[1]-a.ends[0], 0):
			return errorf(a.key, "an axis has two ends, the lower one first, such as [0, 5]")
		case a.log != nil && *a.log && a.ends[0] <= 0:
			return errorf(a.key, "a log axis cannot begin at %g", a.ends[0])
		}
	}
	bars := f.Kind == Bars || f.Kind == Noise
	if bars && f.YRange != nil && (f.YRange[0] > 0 || f.YRange[1] < 0) {
		return errorf("y_range", `bars start at zero, which [%g, %g] leaves out; use kind = "line"`, f.YRange[0], f.YRange[1])
	}
	for _, r := range f.References {
		switch {
		case bars && !math.IsNaN(r.X):
			return errorf("reference", "the horizontal axis of %s has names, no numbers: a reference has y alone", f.Kind)
		case f.LogX != nil && *f.LogX && r.X <= 0, f.LogY != nil && *f.LogY && r.Y <= 0:
			return errorf("reference", "%s is not positive and has no place on a log axis", r.Label)
		case beyond(f.XRange, r.X):
			return errorf("reference", "%s lies outside of x_range, %g: change one of them", r.Label, f.XRange)
		case beyond(f.YRange, r.Y):
			return errorf("reference", "%s lies outside of y_range, %g: change one of them", r.Label, f.YRange)
		}
	}
	return nil
}

// beyond says that a value lies outside of the ends of an axis, where these are given.
func beyond(ends []float64, v float64) bool {
	return ends != nil && (v < ends[0] || v > ends[1])
}

func find(fields []Field, key string) (Field, bool) {
	for _, f := range fields {
		if f.Key == key {
			return f, true
		}
	}
	return Field{}, false
}
