// Package plots draws the figures and tables of an experiment.
//
// It believes that a figure has to say where it came from and what it leaves
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
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"

	"prabench/internal/atomicfile"
	"prabench/plots/figure"
	"prabench/plots/layout"
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
}

// CellData is one point of the experiment, already aggregated over its seeds.
type CellData struct {
	Label   string                 // for people; empty is made from the keys that vary
	Params  map[string]any         // dotted keys, and the short names patch, block, rollout_depth, state
	Metrics map[string]MetricValue // by metric name; a metric that was not measured is absent
	Outcome string                 // "ok" or empty; else oom, timeout, crash, …
	Reason  string                 // a sentence, written under tables
	Seeds   int                    // how many seeds the values stand for
	IDs     []string               // of the cells it is made of, one a seed
	Curve   []CurvePoint
	Steps   []StepLine
	Grid    *Grid
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
	N                  int
}

// Draw draws one figure into dir and returns the files it wrote. Formats are
// png, svg and pdf, and md and tex for tables: each kind takes those of the
// list that it can make (a kind that can make none draws nothing), and an empty
// list is all.
// Either all files are written or, on an error, the figure is not drawn.
func Draw(fig Figure, data Data, dir string, formats []string) ([]string, error) {
	stem, err := fig.Stem()
	if err != nil {
		return nil, err
	}
	wanted, err := formatsFor(fig.Kind, formats)
	if err != nil {
		return nil, fmt.Errorf("figure %q: %w", stem, err)
	}
	out := make(map[string][]byte, len(wanted))
	if fig.Kind == figure.Table {
		md, tex, err := Tables(fig, data)
		if err != nil {
			return nil, fmt.Errorf("figure %q: %w", stem, err)
		}
		out["md"], out["tex"] = []byte(md), []byte(tex)
	} else {
		pg, err := compose(fig, data)
		if err != nil {
			return nil, fmt.Errorf("figure %q: %w", stem, err)
		}
		for _, f := range wanted {
			if out[f], err = pg.Encode(f); err != nil {
				return nil, fmt.Errorf("figure %q as %s: %w", stem, f, err)
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("figure %q: %w", stem, err)
	}
	var files []string
	for _, f := range wanted {
		path := filepath.Join(dir, stem+"."+f)
		if err := Replace(path, out[f]); err != nil {
			return files, fmt.Errorf("figure %q: %w", stem, err)
		}
		files = append(files, path)
	}
	return files, nil
}

// compose lays a figure out.
func compose(fig Figure, data Data) (*layout.Page, error) {
	var (
		s   *layout.Sheet
		err error
	)
	switch fig.Kind {
	case figure.Pareto:
		s, err = paretoSheet(fig, data)
	case figure.Line:
		s, err = lineSheet(fig, data)
	case figure.Heatmap:
		s, err = heatmapSheet(fig, data)
	case figure.Bars:
		s, err = barsSheet(fig, data)
	case figure.Grid:
		s, err = samplesSheet(fig, data)
	case figure.Curve:
		s, err = curveSheet(fig, data)
	case figure.Steps:
		s, err = stepsSheet(fig, data)
	default:
		return nil, fmt.Errorf("kind %q is unknown; a figure is one of %s", fig.Kind, strings.Join(figure.KindNames(), ", "))
	}
	if err != nil {
		return nil, err
	}
	if fig.Width > 0 {
		s.Width, s.Print = roomOf(fig), printScale
	}
	return s.Page(), nil
}

// printScale makes the labels, which are laid out with 10 pt, 8 pt in print.
const printScale = 0.8

// room is the width in which a figure is laid out, 0 when it is not said.
func roomOf(fig Figure) vg.Length { return vg.Length(fig.Width * 72 / printScale) }

// Formats are the formats of a kind of figure.
func Formats(kind string) []string {
	if k, _ := figure.Of(kind); k.Text {
		return textFormats
	}
	return pictureFormats
}

var textFormats, pictureFormats = []string{"md", "tex"}, []string{"png", "svg", "pdf"}

// CheckFormats refuses formats that no kind of figure has.
func CheckFormats(formats []string) error {
	for _, f := range formats {
		if n := format(f); !contains(textFormats, n) && !contains(pictureFormats, n) {
			return fmt.Errorf("format %q is unknown; known are png, svg, pdf, md and tex", f)
		}
	}
	return nil
}

func format(name string) string { return strings.ToLower(strings.TrimPrefix(name, ".")) }

func formatsFor(kind string, formats []string) ([]string, error) {
	if err := CheckFormats(formats); err != nil {
		return nil, err
	}
	if len(formats) == 0 {
		return Formats(kind), nil
	}
	var wanted []string
	for _, f := range formats {
		if f = format(f); contains(Formats(kind), f) && !contains(wanted, f) {
			wanted = append(wanted, f)
		}
	}
	return wanted, nil
}

// Replace writes a whole file or leaves the old one.
func Replace(path string, b []byte) error { return atomicfile.OutputBytes(path, 0o644, b) }

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
