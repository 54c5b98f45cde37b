// Package report writes what a database holds of some experiments as one HTML
// file.
//
// Its principle is that a number without its origin is a rumour, and that a file
// which is passed on has to stand alone: everything is inside, nothing is asked
// of any network (a policy in the file forbids it), and the same input gives the
// same bytes, without a clock. What failed keeps its row, with its outcome; what
// makes numbers doubtful (load on the machine, several revisions, one seed) is
// said before the numbers. Without a script the page is whole, only not sortable;
// the script, which is small and written by hand, adds sorting, a filter,
// tooltips and the provenance of each number.
//
// The package is pure: callers hand it what they have read.
package report

import (
	"io"

	"prabench/plots"
	"prabench/plots/figure"
	"prabench/results/record"
	"prabench/results/view"
)

// Content is all that a report says.
type Content struct {
	Database    string // its name, for the foot of the page
	Experiments []Experiment
}

// Experiment is one experiment with everything that is known about it.
type Experiment struct {
	Name, Description string

	// Data is the points of the experiment over their seeds, with a sheet of
	// images and a training curve where they are to be shown; Means, place by
	// place, is where their values come from, and Cells the ids of their cells.
	Data  plots.Data
	Means []map[string]view.Mean
	Of    [][]string

	Cells        []view.Cell // in the order of the plan
	Rows         []view.Row
	Attempts     []view.Provenance
	Environments map[string]record.Environment

	Pareto     figure.Figure // axes and series of the chart; empty ones are chosen
	Figures    []Figure
	Notes      []string // what could not be averaged, read or drawn
	SheetsLeft int      // sheets of images that are not shown
}

// Figure is a figure of the experiment file.
type Figure struct {
	Name, Title     string
	SVG             []byte
	Markdown, LaTeX string // of a table, in place of SVG
	Problem         string // why it could not be drawn
}

// Write writes the report.
func Write(w io.Writer, c Content) error {
	return write(w, c)
}
