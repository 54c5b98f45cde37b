package plots

import "gonum.org/v1/plot/vg"

// entry is one line of a legend; mark draws its sample around (x, y), at most
// sampleW wide.
type entry struct {
	label string
	mark  func(p *painter, x, y vg.Length)
}

const sampleW = 20.0

// legendBlock is a laid-out legend. draw takes its upper left corner.
type legendBlock struct {
	w, h vg.Length
	fits bool
	draw func(p *painter, x, top vg.Length)
}

// legendBeside stacks the entries in one column no wider than width. It does not
// fit when an entry would need more than three lines.
func (s *sheet) legendBeside(width vg.Length) legendBlock {
	b := legendBlock{fits: true}
	head := legendHead.wrap(s.legendTitle, width)
	for _, l := range head {
		b.w = max(b.w, legendHead.width(l))
	}
	texts := make([][]string, len(s.legend))
	for i, e := range s.legend {
		texts[i] = legendPen.wrap(e.label, width-sampleW-5)
		b.fits = b.fits && len(texts[i]) <= 3
		for _, l := range texts[i] {
			b.w = max(b.w, sampleW+5+legendPen.width(l))
		}
	}
	b.h = legendHead.height(len(head))
	if len(head) > 0 {
		b.h += 6
	}
	for _, t := range texts {
		b.h += legendPen.height(max(1, len(t))) + 5
	}
	b.draw = func(p *painter, x, top vg.Length) {
		y := p.lines(legendHead, x, top, start, head)
		if len(head) > 0 {
			y -= 6
		}
		for i, e := range s.legend {
			e.mark(p, x+sampleW/2, y-legendPen.capital()/2)
			y = p.lines(legendPen, x+sampleW+5, y, start, texts[i]) - 5
			if len(texts[i]) == 0 {
				y -= legendPen.height(1)
			}
		}
	}
	return b
}

// legendBelow sets the entries in columns under the panels, row by row, entries
// that are too long wrapped.
func (s *sheet) legendBelow(width vg.Length) legendBlock {
	widest := vg.Length(0)
	for _, e := range s.legend {
		widest = max(widest, sampleW+5+legendPen.width(e.label))
	}
	cols := max(1, min(len(s.legend), int((width+14)/(widest+14))))
	if widest > width*0.6 { // very long: two columns of wrapped text read better
		cols = 2
	}
	colW := (width - 14*vg.Length(cols-1)) / vg.Length(cols)
	if widest < colW {
		colW = widest
	}
	head := legendHead.wrap(s.legendTitle, width)
	b := legendBlock{w: width, fits: true, h: legendHead.height(len(head))}
	if len(head) > 0 {
		b.h += 6
	}
	texts := make([][]string, len(s.legend))
	for i, e := range s.legend {
		texts[i] = legendPen.wrap(e.label, colW-sampleW-5)
	}
	var rowH []vg.Length
	for i := 0; i < len(texts); i += cols {
		n := 1
		for _, t := range texts[i:min(i+cols, len(texts))] {
			n = max(n, len(t))
		}
		rowH = append(rowH, legendPen.height(n)+5)
		b.h += rowH[len(rowH)-1]
	}
	b.h -= 5
	b.draw = func(p *painter, x, top vg.Length) {
		y := p.lines(legendHead, x, top, start, head)
		if len(head) > 0 {
			y -= 6
		}
		for i, e := range s.legend {
			cx := x + vg.Length(i%cols)*(colW+14)
			e.mark(p, cx+sampleW/2, y-legendPen.capital()/2)
			p.lines(legendPen, cx+sampleW+5, y, start, texts[i])
			if i%cols == cols-1 {
				y -= rowH[i/cols]
			}
		}
	}
	return b
}

// glyphEntry shows a series' shape, with its line when lined.
func glyphEntry(label string, l look, lined, shaped bool) entry {
	return entry{label, func(p *painter, x, y vg.Length) {
		if lined {
			p.stroke(l.color, 1.4, l.dash, vg.Point{X: x - sampleW/2, Y: y}, vg.Point{X: x + sampleW/2, Y: y})
		}
		if shaped {
			p.glyph(l, x, y, glyphSize)
		}
	}}
}

func swatch(label string, l look) entry {
	return entry{label, func(p *painter, x, y vg.Length) { p.fill(l.color, rect{x - 7, y - 4, x + 7, y + 4}) }}
}

const glyphSize = 3.1

// seriesTitle heads the legend.
func seriesTitle(d *dimension) string {
	if d == nil || isLabel(d.name) {
		return ""
	}
	return d.q.short
}
