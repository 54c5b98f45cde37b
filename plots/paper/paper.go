// Package paper writes the figures, tables and claims of experiments into one
// folder, with an index page that says of each where it comes from.
//
// Its principle is that a figure in a paper is an assertion, so that anyone who sees it
// should find, without asking, the command that makes it, the attempts behind
// it, the machine, the code and the protocol; that a sentence about a difference
// has to carry the interval over training seeds, and that a difference inside
// its interval is called inconclusive, in these words. It also holds that a folder
// can only be trusted if it can be made again: the same input gives the same
// bytes in every file, so there is no clock, no path of this machine and no
// order of maps in them.
//
// The package knows neither databases nor experiment files; callers hand it what
// they read.
package paper

import (
	"prabench/plots"
	"prabench/plots/figure"
)

// Paper is what goes into the folder.
type Paper struct {
	Command string // makes all of it
	Parts   []Part
	// Say gets what is being drawn; it may be nil.
	Say func(part string)
}

// Part is one experiment.
type Part struct {
	Name, Description string
	Command           string // makes this part alone
	Source            []byte // of the experiment file, laid beside its figures
	Problem           string // why nothing of it can be drawn; empty when it can
	Notes             []string
	Points, Seeds     int
	Figures           []Figure
	Data              plots.Data // that claims are tested on
	Claims            []Claim    // each under the figure it names, or at the head of the part
	Attempts          []Attempt
	Environments      []Environment
}

// Figure is a figure or table with its data.
type Figure struct {
	figure.Figure
	Data plots.Data
}

// Attempt is one that counts, of a stage of a cell.
type Attempt struct {
	Cell, Label string
	Seed        uint64
	Kind, Stage string
	ID          string
	Device      string // kind and model of the hardware
	Code        string // git revision, +dirty
	Environment string // id
}

// Environment is a machine and a program, in words.
type Environment struct {
	ID    string
	Facts [][2]string // name and value, in order
}

// Claim is a published sentence and the comparison that tests it: every point of
// Of with those of Over that have the same values of the keys in Match.
type Claim struct {
	Text     string
	Metric   string
	Of, Over map[string]any
	Match    []string
	Sign     int    // of the difference that the claim expects, +1 or −1
	Figure   string // name of the figure that shows it; "" is none
}
