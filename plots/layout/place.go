package layout

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// between is the room between panels.
const between = vg.Length(11)

// placed is a sheet whose parts have their sizes and places.
type placed struct {
	*Sheet
	rows, cols int

	left, right vg.Length // beside the frames
	frameW      vg.Length
	headH       vg.Length // over a frame
	pitch       vg.Length // from a row of panels to the next

	title, xLabel, yLabel, notes, source []string
	heads                                [][]string // by panel
	foot                                 xFoot
	side, below                          legendBlock

	h                                  vg.Length // of the page
	top, legendTop, noteTop, sourceTop vg.Length // from the page's top
}

// Page gives everything a place. Text decides sizes: the page grows in height
// until all of it fits, so nothing has to overlap.
func (s *Sheet) Page() *Page {
	l := &placed{Sheet: s}
	l.rows, l.cols = s.Grid()
	l.sizes()
	inner := s.Width - 2*Border
	l.leftOfFrames()
	l.rightOfFrames(inner)
	l.frameW = (inner - l.left - l.right - between*vg.Length(l.cols-1)) / vg.Length(l.cols)
	if s.Aspect > 0 {
		s.Height = l.frameW * vg.Length(s.Aspect)
	}
	if s.X != nil {
		l.foot = s.X.foot(l.frameW)
		l.xLabel = s.X.title(labelPen, inner-l.left-l.right, 2)
	}
	l.headings()
	l.title = titlePen.Wrap(s.Title, inner)
	for _, n := range s.Notes {
		l.notes = append(l.notes, notePen.Wrap(n, inner)...)
	}
	l.source = sourcePen.Wrap(s.Source, inner)
	l.stack()
	return &Page{W: s.Width, H: l.h, serif: s.Serif, print: s.Print, Paint: l.paint}
}

// sizes sets the sheet's width and its panels' height where they are open.
func (l *placed) sizes() {
	s := l.Sheet
	if s.Width == 0 {
		s.Width = 432
		if l.cols > 1 {
			s.Width = 504
		}
	}
	if s.Height == 0 {
		s.Height = []vg.Length{215, 160, 135}[min(l.cols, 3)-1]
		if s.Print > 0 {
			s.Height = max(105, min(s.Height, 0.68*(s.Width-70)/vg.Length(l.cols)))
		}
	}
}

// leftOfFrames makes room for the y axis. Its label may wrap along the panels'
// height.
func (l *placed) leftOfFrames() {
	s := l.Sheet
	if s.Y == nil {
		return
	}
	if s.Y.Categorical() {
		s.Y.steps(0)
		for i := range s.Y.ticks {
			s.Y.ticks[i].label = TickPen.Short(s.Y.ticks[i].label, 110)
		}
	} else {
		s.Y.steps(int(s.Height / 32))
	}
	var ticks vg.Length
	for _, t := range s.Y.ticks {
		ticks = max(ticks, tickWidth(TickPen, t.label))
	}
	l.yLabel = s.Y.title(labelPen, vg.Length(l.rows)*s.Height, 2)
	l.left = ticks + tickSize + 3
	if len(l.yLabel) > 0 {
		l.left += labelPen.Height(len(l.yLabel)) + 5
	}
}

// rightOfFrames makes room for the legend when it is slim enough, and for a
// colour bar; else the legend goes below.
func (l *placed) rightOfFrames(inner vg.Length) {
	s := l.Sheet
	if len(s.Legend) > 0 && s.LegendAt != "none" {
		l.side = s.legendBeside(min(inner*0.3, 135))
		noRoom := s.Width < slim || !l.side.fits || l.side.h > vg.Length(l.rows)*s.Height+30
		if s.LegendAt == "below" || s.LegendAt != "right" && noRoom {
			l.side, l.below = legendBlock{}, s.legendBelow(inner-l.left)
		}
	}
	l.right = l.side.w
	if s.Bar != nil {
		l.right = s.Bar.measure(s.Height)
	}
	if l.right > 0 {
		l.right += gap
	} else {
		l.right = 6 // half of the last tick's label
	}
}

// headings makes room for those of the panels, the same over each.
func (l *placed) headings() {
	lines := 0
	l.heads = make([][]string, len(l.Panels))
	for i, pn := range l.Panels {
		l.heads[i] = headPen.Elide(pn.Heading, l.frameW-l.Inset, 3)
		lines = max(lines, len(l.heads[i]))
	}
	if lines > 0 {
		l.headH = headPen.Height(lines) + 3
	}
}

// stack sets the heights, from the top.
func (l *placed) stack() {
	h := vg.Length(Border)
	if len(l.title) > 0 {
		h += titlePen.Height(len(l.title)) + gap
	}
	l.top = h
	l.pitch = l.headH + l.Height + between
	h += vg.Length(l.rows)*l.pitch - between + l.foot.h
	if len(l.xLabel) > 0 {
		h += 5 + labelPen.Height(len(l.xLabel))
	}
	l.legendTop = h + gap
	if l.below.h > 0 {
		h += gap + l.below.h
	}
	l.noteTop = h + gap
	if len(l.notes) > 0 {
		h += gap + notePen.Height(len(l.notes))
	}
	l.sourceTop = h + gap
	if len(l.source) > 0 {
		h += gap + sourcePen.Height(len(l.source))
	}
	l.h = vg.Length(math.Ceil(float64(h + Border)))
}

// frame is that of a panel.
func (l *placed) frame(i int) Rect {
	x0 := Border + l.left + vg.Length(i%l.cols)*(l.frameW+between)
	y1 := l.h - l.top - l.headH - vg.Length(i/l.cols)*l.pitch
	return Rect{x0, y1 - l.Height, x0 + l.frameW, y1}
}

func (l *placed) paint(p *Painter) {
	p.serif = l.Serif
	p.Lines(titlePen, Border, l.h-Border, Start, l.title)
	for i, pn := range l.Panels {
		f := l.frame(i)
		p.Frames = append(p.Frames, f)
		p.Lines(headPen, f.X0+(l.Inset+l.frameW)/2, f.Y1+l.headH-1, Middle, l.heads[i])
		a := l.area(f)
		l.back(p, a)
		if l.Clip {
			p.clip = &Rect{f.X0, f.Y0, f.X1, f.Y1 - a.Strip.H()}
		}
		pn.Draw(p, a)
		p.clip = nil
		l.front(p, a, i%l.cols == 0, i+l.cols >= len(l.Panels), l.foot)
	}
	bottom := l.frame((l.rows - 1) * l.cols).Y0
	mid := Border + l.left + (l.Width-2*Border-l.left-l.right)/2
	p.Lines(labelPen, mid, bottom-l.foot.h-5, Middle, l.xLabel)
	for i, line := range l.yLabel {
		y := (l.h - l.top - l.headH + bottom) / 2
		p.upright(labelPen, Border+vg.Length(i)*labelPen.line(), y, Middle, End, line)
	}
	if l.side.h > 0 {
		l.side.draw(p, l.Width-Border-l.side.w, l.h-l.top-l.headH)
	}
	if l.below.h > 0 {
		l.below.draw(p, Border+l.left, l.h-l.legendTop)
	}
	if l.Bar != nil {
		f := l.frame(0)
		l.Bar.draw(p, f.X1+gap+vg.Length(l.cols-1)*(l.frameW+between), f.Y0, f.Y1)
	}
	p.Lines(notePen, Border, l.h-l.noteTop, Start, l.notes)
	p.Lines(sourcePen, Border, l.h-l.sourceTop, Start, l.source)
}
