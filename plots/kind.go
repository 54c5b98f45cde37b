package plots

import (
	"fmt"
	"strings"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

// plotter draws one kind of figure. Which kinds there are and which keys they
// take says package figure; a kind is a row of its table and a plotter here, in
// a file of its own that registers it.
type plotter struct {
	// open fills in what the figure leaves open; nil is nothing.
	open func(*Figure)
	// plot reads the chosen cells and fills in axes, legend, notes and panel of a
	// chart. Kinds that are text have none.
	plot func(*chart) error
	// write is the plot of kinds that are text.
	write func(*selection) (text, error)
}

// text is a figure in the formats of text.
type text interface {
	markdown() string
	latex() string
	html() string
}

// plotters are those of all kinds, by name: each registers itself.
var plotters = map[string]plotter{}

// register adds the plotter of a kind. It returns a value so that a kind's file
// can call it as it declares itself.
func register(kind string, p plotter) plotter {
	if _, known := figure.Of(kind); !known || plotters[kind].plot != nil || plotters[kind].write != nil {
		panic("plots: kind " + kind + " is not in the table of figures, or has two plotters")
	}
	plotters[kind] = p
	return p
}

// chart is a figure on its way from cells to a page. The driver chooses the
// cells and resolves series and facet; a plotter fills in what follows.
type chart struct {
	*selection
	series, facet *dimension     // nil where the figure has none
	missing       map[string]int // why cells are not drawn

	sheet layout.Sheet // its axes, its legend and the kind's own notes
	panel func(facet string, p *layout.Painter, a layout.Area)
	shown []string // metrics whose intervals, protocol and code the foot names
	lack  string   // what the missing cells are
	after string   // what the foot ends with

	written []string // texts that panels write, apart from headings and numbers

	points
}

// newChart does what comes before every plot.
func newChart(fig Figure, data Data) (*chart, plotter, error) {
	k, known := plotters[fig.Kind]
	if !known {
		return nil, k, fmt.Errorf("kind %q is unknown; a figure is one of %s", fig.Kind, strings.Join(figure.KindNames(), ", "))
	}
	if k.open != nil {
		k.open(&fig)
	}
	if err := fig.Check(); err != nil {
		return nil, k, err
	}
	sel, err := choose(fig, data)
	if err != nil {
		return nil, k, err
	}
	c := &chart{selection: sel, missing: map[string]int{}, lack: "not drawn"}
	if c.series, err = sel.category("series", fig.Series); err != nil {
		return nil, k, err
	}
	if c.facet, err = sel.category("facet", fig.Facet); err != nil {
		return nil, k, err
	}
	if err := c.ordered(); err != nil {
		return nil, k, err
	}
	return c, k, sel.sameOrigin()
}

// sheetOf draws a figure up to where everything has its place.
func sheetOf(fig Figure, data Data) (*layout.Sheet, error) {
	c, k, err := newChart(fig, data)
	if err != nil {
		return nil, err
	}
	if k.plot == nil {
		return nil, fmt.Errorf("a figure of kind %s is text, not a picture", fig.Kind)
	}
	if err := k.plot(c); err != nil {
		return nil, err
	}
	s := c.finish()
	return s, c.dress()
}

// textOf writes a figure of a kind that is text.
func textOf(fig Figure, data Data) (text, error) {
	c, k, err := newChart(fig, data)
	if err != nil {
		return nil, err
	}
	if k.write == nil {
		return nil, fmt.Errorf("a figure of kind %s is a picture, not text", fig.Kind)
	}
	return k.write(c.selection)
}

// finish adds what every figure has: title, panels, what is missing, the source.
func (c *chart) finish() *layout.Sheet {
	s := &c.sheet
	s.Title = c.fig.Title
	s.LegendTitle = seriesTitle(c.series)
	s.Source = c.source(c.shown...) + c.after
	if len(c.missing) > 0 {
		n := 0
		for _, k := range c.missing {
			n += k
		}
		note := fmt.Sprintf("× %d of %d cells %s: %s.", n, len(c.cells), c.lack, counted(c.missing))
		s.Notes = append([]string{note + c.nowhere()}, s.Notes...)
	}
	if s.Panels == nil {
		for _, f := range c.facets() {
			draw := func(p *layout.Painter, a layout.Area) { c.panel(f, p, a) }
			s.Panels = append(s.Panels, layout.Panel{Heading: heading(c.facet, f, c.fig.Called), Draw: draw})
		}
	}
	return s
}

// lacks counts a cell that is not drawn: by its outcome when it failed.
func (c *chart) lacks(cell CellData, why string) string {
	if failed(cell) {
		why = cell.Outcome
	}
	c.missing[why]++
	return why
}

// nothing is the error of a figure without anything in it.
func (c *chart) nothing(what string) error {
	return fmt.Errorf("nothing to draw: none of the %d cells has %s: %s", len(c.cells), what, counted(c.missing))
}

func (c *chart) facets() []string { return namesOf(c.facet) }
func (c *chart) groups() []string { return namesOf(c.series) }

func namesOf(d *dimension) []string {
	if d == nil {
		return []string{""}
	}
	return d.names
}

// place is a cell's value of series or facet, "" where the figure has none.
func (c *chart) place(cell CellData, d *dimension) string {
	if d == nil {
		return ""
	}
	return show(c.value(cell, *d))
}

// heading is the title of a panel.
func heading(d *dimension, name string, names map[string]string) string {
	switch own := ownName(names, name); {
	case d == nil:
		return ""
	case own != "":
		return own
	case isLabel(d.name):
		return name
	}
	return d.q.short + " = " + name
}

// seriesTitle heads the legend.
func seriesTitle(d *dimension) string {
	if d == nil || isLabel(d.name) {
		return ""
	}
	return d.q.short
}

// look of a series by its place among the series.
func (c *chart) look(series string) layout.Look {
	for i, g := range c.groups() {
		if g == series {
			return layout.LookOf(i)
		}
	}
	return layout.LookOf(0)
}

// legend has an entry for each series, with its line or its shape or both.
func (c *chart) legend(lined, shaped bool) {
	if c.series == nil {
		return
	}
	for _, g := range c.groups() {
		c.sheet.Legend = append(c.sheet.Legend, layout.GlyphEntry(c.called(g), c.look(g), lined, shaped))
	}
}
