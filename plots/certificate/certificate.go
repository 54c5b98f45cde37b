// Package certificate draws how distances in the features of an extractor answer to
// damage.
//
// Its principle is that two distances of different units can share an axis only as shares
// of something that both have: here of what the mean image scores, which is 1.
package certificate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// Figure is the response of some distances to kinds of damage.
type Figure struct {
	Title   string
	Metrics []string // a series each
	Floors  []Mark   // of held-out real images, a series each
	Panels  []Panel
	Notes   []string
	Source  string
}

// Panel is one kind of damage.
type Panel struct {
	Kind       string
	Severities []string
	Marks      [][]Mark // [series][severity]
	First      []int    // severity from which on a series sees it, from 1; 0 is never
}

// Mark is a distance as a share of that of the mean image.
type Mark struct{ Value, Lo, Hi float64 }

// Draw draws the figure as png, svg or pdf.
func Draw(f Figure, format string) ([]byte, error) {
	s, err := f.sheet()
	if err != nil {
		return nil, err
	}
	return s.Page().Encode(format)
}

// least is the smallest share that is drawn; what is smaller, or negative, lies on the
// axis.
const least = 1e-4

func (f Figure) sheet() (*layout.Sheet, error) {
	var values []float64
	most := 0
	for _, p := range f.Panels {
		most = max(most, len(p.Severities))
		for _, marks := range p.Marks {
			for _, m := range marks {
				values = append(values, max(m.Value, least))
			}
		}
	}
	for _, m := range f.Floors {
		values = append(values, max(m.Hi, least))
	}
	if most == 0 {
		return nil, fmt.Errorf("nothing to draw: no damage was measured")
	}
	if slices.Min(values) <= least {
		f.Notes = append([]string{fmt.Sprintf("What lies below %g of the mean image's distance, or below 0, is drawn there.", least)}, f.Notes...)
	}
	names := make([]string, most)
	for i := range names {
		names[i] = fmt.Sprint(i + 1)
	}
	y := &layout.Axis{Label: "distance, share of the mean image's", Short: "distance", Log: true}
	y.Widen(values)
	s := &layout.Sheet{Title: f.Title, X: layout.Categories("severity", "", names), Y: y, Columns: 3, Height: 95, Notes: f.Notes,
		Source: f.Source, LegendAt: "below"}
	for i, name := range f.Metrics {
		s.Legend = append(s.Legend, layout.GlyphEntry(name, layout.LookOf(i), true, true))
	}
	for i, name := range f.Metrics {
		s.Legend = append(s.Legend, layout.Entry{Label: name + " of real images, upper end", Mark: func(p *layout.Painter, x, y vg.Length) {
			p.Stroke(layout.LookOf(i).Color, 1, layout.Dashes[2], vg.Point{X: x - 9, Y: y}, vg.Point{X: x + 9, Y: y})
		}})
	}
	for _, panel := range f.Panels {
		s.Panels = append(s.Panels, layout.Panel{Heading: panel.heading(f.Metrics),
			Draw: func(p *layout.Painter, a layout.Area) { f.draw(p, a, panel) }})
	}
	return s, nil
}

// heading says where the damage is not seen.
func (p Panel) heading(metrics []string) string {
	var blind []string
	for i, first := range p.First {
		if first == 0 {
			blind = append(blind, metrics[i])
		}
	}
	switch {
	case len(blind) == 0:
		return p.Kind
	case len(blind) == len(metrics):
		return p.Kind + ": not seen"
	}
	return p.Kind + ": not seen by " + strings.Join(blind, ", ")
}

func (f Figure) draw(p *layout.Painter, a layout.Area, panel Panel) {
	for i, m := range f.Floors {
		y := a.Y(max(m.Hi, least))
		p.Stroke(layout.LookOf(i).Color, 1, layout.Dashes[2], vg.Point{X: a.Frame.X0, Y: y}, vg.Point{X: a.Frame.X1, Y: y})
	}
	for i, marks := range panel.Marks {
		look := layout.LookOf(i)
		shift := vg.Length(4 * (float64(i) - float64(len(panel.Marks)-1)/2))
		var line []vg.Point
		for k, m := range marks {
			at := vg.Point{X: a.X(float64(k)) + shift, Y: a.Y(max(m.Value, least))}
			line = append(line, at)
			if !math.IsNaN(m.Lo) {
				p.Segment(look.Color, 0.9, at.X, a.Y(max(m.Lo, least)), at.X, a.Y(max(m.Hi, least)))
			}
		}
		p.Stroke(look.Color, 1.2, look.Dash, line...)
		for _, at := range line {
			p.Glyph(look, at.X, at.Y, layout.GlyphSize)
		}
	}
}
