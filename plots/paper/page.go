package paper

import (
	"strings"

	"prabench/plots"
)

// page is the index before it is HTML or Markdown.
type page struct {
	Command  string
	Sections []section
}

type section struct {
	Part
	Codes   []string
	Results []Result // of all claims
	General []Result // of those that name no figure
	Figures []drawnFigure
}

type drawnFigure struct {
	Figure
	Problem                  string
	Picture                  string // relative path of the SVG; empty for tables
	Files                    []string
	TableHTML, TableMarkdown string
	Readings                 []Reading
	Results                  []Result
	Behind                   behind
}

// Heading is the figure's title, or what it shows.
func (d drawnFigure) Heading() string {
	if d.Title != "" {
		return d.Title
	}
	return strings.ReplaceAll(strings.ReplaceAll(d.Name, "-", " "), "_", " ")
}

// Alt describes the picture to who cannot see it.
func (d drawnFigure) Alt() string {
	parts := []string{d.Kind}
	for _, n := range plots.Shown(d.Figure.Figure, d.Data) {
		parts = append(parts, plots.Label(n))
	}
	return strings.Join(parts, ", ")
}

// PNG is the path of the same picture as pixels.
func (d drawnFigure) PNG() string { return strings.TrimSuffix(d.Picture, ".svg") + ".png" }

// how is the note on statistics that both pages end with.
const how = "Means are over training seeds with 95 % intervals by Student's t. Differences are over pairs of seeds: a seed fixes " +
	"initial weights, order and noise of a training, so that much of its effect cancels; where seeds do not pair they are Welch's, between " +
	"independent trainings; within a claim, and within a figure against the best, p-values are corrected for their number (Holm) and a " +
	"difference counts when p ≤ 0.05 and its 95 % interval leaves out zero. Every other difference is inconclusive. Values of different " +
	"protocols, devices or code revisions are not compared unless the command says --across."

func join(list []string) string { return strings.Join(list, ", ") }

// counted is "3 attempts".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return itoa(n) + " " + what + "s"
}
