package layout

import "gonum.org/v1/plot/vg"

// Entry is one line of a legend; Mark draws its sample around (x, y), at most
// SampleW wide.
type Entry struct {
	Label string
	Mark  func(p *Painter, x, y vg.Length)
}

// SampleW is the width of a legend's samples.
const SampleW = 20.0

// legendBlock is a laid-out legend. draw takes its upper left corner.
type legendBlock struct {
	w, h vg.Length
	fits bool
	draw func(p *Painter, x, top vg.Length)
}

// legendBeside stacks the entries in one column no wider than width. It does not
// fit when an entry would need more than three lines.
func (s *Sheet) legendBeside(width vg.Length) legendBlock {
	b := legendBlock{fits: true}
	head := legendHead.Wrap(s.LegendTitle, width)
	for _, l := range head {
		b.w = max(b.w, legendHead.Width(l))
	}
	texts := make([][]string, len(s.Legend))
	for i, e := range s.Legend {
		texts[i] = legendPen.Wrap(e.Label, width-SampleW-5)
		b.fits = b.fits && len(texts[i]) <= 3
		for _, l := range texts[i] {
			b.w = max(b.w, SampleW+5+legendPen.Width(l))
		}
	}
	b.h = legendHead.Height(len(head))
	if len(head) > 0 {
		b.h += 6
	}
	for _, t := range texts {
		b.h += legendPen.Height(max(1, len(t))) + 5
	}
	b.draw = func(p *Painter, x, top vg.Length) {
		y := p.Lines(legendHead, x, top, Start, head)
		if len(head) > 0 {
			y -= 6
		}
		for i, e := range s.Legend {
			e.Mark(p, x+SampleW/2, y-legendPen.Capital()/2)
			y = p.Lines(legendPen, x+SampleW+5, y, Start, texts[i]) - 5
			if len(texts[i]) == 0 {
				y -= legendPen.Height(1)
			}
		}
	}
	return b
}

// legendBelow sets the entries in columns under the panels, row by row, entries
// that are too long wrapped.
func (s *Sheet) legendBelow(width vg.Length) legendBlock {
	widest := vg.Length(0)
	for _, e := range s.Legend {
		widest = max(widest, SampleW+5+legendPen.Width(e.Label))
	}
	cols := max(1, min(len(s.Legend), int((width+14)/(widest+14))))
	if widest > width*0.6 { // very long: two columns of wrapped text read better
		cols = 2
	}
	colW := (width - 14*vg.Length(cols-1)) / vg.Length(cols)
	if widest < colW {
		colW = widest
	}
	head := legendHead.Wrap(s.LegendTitle, width)
	b := legendBlock{w: width, fits: true, h: legendHead.Height(len(head))}
	if len(head) > 0 {
		b.h += 6
	}
	texts := make([][]string, len(s.Legend))
	for i, e := range s.Legend {
		texts[i] = legendPen.Wrap(e.Label, colW-SampleW-5)
	}
	var rowH []vg.Length
	for i := 0; i < len(texts); i += cols {
		n := 1
		for _, t := range texts[i:min(i+cols, len(texts))] {
			n = max(n, len(t))
		}
		rowH = append(rowH, legendPen.Height(n)+5)
		b.h += rowH[len(rowH)-1]
	}
	b.h -= 5
	b.draw = func(p *Painter, x, top vg.Length) {
		y := p.Lines(legendHead, x, top, Start, head)
		if len(head) > 0 {
			y -= 6
		}
		for i, e := range s.Legend {
			cx := x + vg.Length(i%cols)*(colW+14)
			e.Mark(p, cx+SampleW/2, y-legendPen.Capital()/2)
			p.Lines(legendPen, cx+SampleW+5, y, Start, texts[i])
			if i%cols == cols-1 {
				y -= rowH[i/cols]
			}
		}
	}
	return b
}

// GlyphEntry shows a series' shape, with its line when lined.
func GlyphEntry(label string, l Look, lined, shaped bool) Entry {
	return Entry{label, func(p *Painter, x, y vg.Length) {
		if lined {
			p.Stroke(l.Color, 1.4, l.Dash, vg.Point{X: x - SampleW/2, Y: y}, vg.Point{X: x + SampleW/2, Y: y})
		}
		if shaped {
			p.Glyph(l, x, y, GlyphSize)
		}
	}}
}

// Swatch shows the colour of a bar.
func Swatch(label string, l Look) Entry {
	return Entry{label, func(p *Painter, x, y vg.Length) { p.Fill(l.Color, Rect{x - 7, y - 4, x + 7, y + 4}) }}
}

// GlyphSize is the radius of a mark.
const GlyphSize = 3.1
