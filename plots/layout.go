package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// sheet is everything on a figure before it has places.
type sheet struct {
	title   string
	panels  []panel
	columns int // of panels; 0 decides by their number
	width   vg.Length
	height  vg.Length // of one panel's frame; 0 decides by the columns
	print   float64   // printed size per laid-out size; 0 is 1
	aspect  float64   // when positive, a frame's height per width, instead of height

	x, y    *axis     // shared by the panels; nil for pictures
	inset   vg.Length // of headings from the frame's left: row labels of pictures
	crosses bool      // reserve the strip for cells without values
	square  bool      // no margin between axis and data (heatmap): no grid lines

	legendTitle string
	legend      []entry
	bar         *colourBar

	notes  []string // what is missing and why
	source string   // where the figure came from
}

// panel is one frame.
type panel struct {
	heading string
	draw    func(p *painter, a area)
}

// area is where a panel draws.
type area struct {
	frame rect // the data area's border
	strip rect // for crosses; empty when there are none
	x, y  func(float64) vg.Length
}

const (
	border   = 7.0  // around everything
	gap      = 10.0 // between blocks
	tickSize = 3.5
	stripH   = 11.0

	narrowest = 140 // width of a panel with its part of the margins
	slim      = 350 // a figure with no room beside its panels
)

func (s *sheet) grid() (rows, cols int) {
	n := len(s.panels)
	cols = s.columns
	if cols == 0 {
		switch {
		case n <= 1:
			cols = 1
		case n == 2 || n == 4:
			cols = 2
		default:
			cols = 3
		}
		if s.width > 0 { // a panel needs its room
			cols = max(1, min(cols, int(s.width/narrowest)))
		}
	}
	cols = min(cols, n)
	return (n + cols - 1) / cols, cols
}

// layout gives everything a place. Text decides sizes: the page grows in height
// until all of it fits, so nothing has to overlap.
func (s *sheet) layout() *page {
	rows, cols := s.grid()
	if s.width == 0 {
		s.width = 432
		if cols > 1 {
			s.width = 504
		}
	}
	if s.height == 0 {
		s.height = []vg.Length{215, 160, 135}[min(cols, 3)-1]
		if s.print > 0 {
			s.height = max(105, min(s.height, 0.68*(s.width-70)/vg.Length(cols)))
		}
	}
	inner := s.width - 2*border

	// Left of the frames: the y axis. Its label may wrap along the panels' height.
	var yTicks, left vg.Length
	var yLabel []string
	if s.y != nil {
		if s.y.categorical() {
			s.y.steps(0)
			for i := range s.y.ticks {
				s.y.ticks[i].label = tickPen.short(s.y.ticks[i].label, 110)
			}
		} else {
			s.y.steps(int(s.height / 32))
		}
		for _, t := range s.y.ticks {
			yTicks = max(yTicks, tickWidth(tickPen, t.label))
		}
		yLabel = s.y.title(labelPen, vg.Length(rows)*s.height, 2)
		left = yTicks + tickSize + 3
		if len(yLabel) > 0 {
			left += labelPen.height(len(yLabel)) + 5
		}
	}

	// Right of them: the legend when it is slim enough, and a colour bar.
	side, below := legendBlock{}, legendBlock{}
	if len(s.legend) > 0 {
		side = s.legendBeside(min(inner*0.3, 135))
		if s.width < slim || !side.fits || side.h > vg.Length(rows)*s.height+30 {
			side, below = legendBlock{}, s.legendBelow(inner-left)
		}
	}
	right := side.w
	if s.bar != nil {
		right = s.bar.measure(s.height)
	}
	if right > 0 {
		right += gap
	} else {
		right = 6 // half of the last tick's label
	}

	between := vg.Length(11)
	frameW := (inner - left - right - between*vg.Length(cols-1)) / vg.Length(cols)
	if s.aspect > 0 {
		s.height = frameW * vg.Length(s.aspect)
	}

	var foot xFoot
	if s.x != nil {
		foot = s.x.foot(frameW)
	}
	var xLabel []string
	if s.x != nil {
		xLabel = s.x.title(labelPen, inner-left-right, 2)
	}

	headLines := 0
	heads := make([][]string, len(s.panels))
	for i, pn := range s.panels {
		heads[i] = headPen.elide(pn.heading, frameW-s.inset, 3)
		headLines = max(headLines, len(heads[i]))
	}
	headH := vg.Length(0)
	if headLines > 0 {
		headH = headPen.height(headLines) + 3
	}

	title := titlePen.wrap(s.title, inner)
	var notes []string
	for _, n := range s.notes {
		notes = append(notes, notePen.wrap(n, inner)...)
	}
	source := sourcePen.wrap(s.source, inner)

	// Heights, from the top.
	h := vg.Length(border)
	if len(title) > 0 {
		h += titlePen.height(len(title)) + gap
	}
	top := h
	pitch := headH + s.height + between
	h += vg.Length(rows)*pitch - between + foot.h
	if len(xLabel) > 0 {
		h += 5 + labelPen.height(len(xLabel))
	}
	legendTop := h + gap
	if below.h > 0 {
		h += gap + below.h
	}
	noteTop := h + gap
	if len(notes) > 0 {
		h += gap + notePen.height(len(notes))
	}
	sourceTop := h + gap
	if len(source) > 0 {
		h += gap + sourcePen.height(len(source))
	}
	h += border
	h = vg.Length(math.Ceil(float64(h)))

	frame := func(i int) rect {
		x0 := border + left + vg.Length(i%cols)*(frameW+between)
		y1 := h - top - headH - vg.Length(i/cols)*pitch
		return rect{x0, y1 - s.height, x0 + frameW, y1}
	}
	return &page{w: s.width, h: h, print: s.print, paint: func(p *painter) {
		p.lines(titlePen, border, h-border, start, title)
		for i, pn := range s.panels {
			f := frame(i)
			p.frames = append(p.frames, f)
			p.lines(headPen, f.x0+(s.inset+frameW)/2, f.y1+headH-1, middle, heads[i])
			a := s.area(f)
			s.back(p, a)
			pn.draw(p, a)
			s.front(p, a, i%cols == 0, i+cols >= len(s.panels), foot)
		}
		bottom := frame((rows - 1) * cols).y0
		mid := border + left + (inner-left-right)/2
		p.lines(labelPen, mid, bottom-foot.h-5, middle, xLabel)
		for i, l := range yLabel {
			y := (h - top - headH + bottom) / 2
			p.upright(labelPen, border+vg.Length(i)*labelPen.line(), y, middle, end, l)
		}
		if side.h > 0 {
			side.draw(p, s.width-border-side.w, h-top-headH)
		}
		if below.h > 0 {
			below.draw(p, border+left, h-legendTop)
		}
		if s.bar != nil {
			f := frame(0)
			s.bar.draw(p, f.x1+gap+vg.Length(cols-1)*(frameW+between), f.y0, f.y1)
		}
		p.lines(notePen, border, h-noteTop, start, notes)
		p.lines(sourcePen, border, h-sourceTop, start, source)
	}}
}

func (s *sheet) area(f rect) area {
	a := area{frame: f}
	data := f
	if s.crosses {
		a.strip = rect{f.x0, f.y1 - stripH, f.x1, f.y1}
		data.y1 -= stripH
	}
	if s.x != nil {
		a.x = func(v float64) vg.Length { return data.x0 + vg.Length(s.x.norm(v))*data.w() }
	}
	if s.y != nil {
		a.y = func(v float64) vg.Length {
			return max(data.y0, min(data.y1, data.y0+vg.Length(s.y.norm(v))*data.h()))
		}
	}
	return a
}

// back draws what lies under the data: the strip and the grid lines.
func (s *sheet) back(p *painter, a area) {
	if s.x == nil {
		return
	}
	if a.strip.h() > 0 {
		p.fill(faint, a.strip)
	}
	if s.square {
		return
	}
	top := a.frame.y1 - a.strip.h()
	for _, t := range s.y.ticks {
		if t.label != "" {
			p.segment(pale, 0.5, a.frame.x0, a.y(t.v), a.frame.x1, a.y(t.v))
		}
	}
	if !s.x.categorical() {
		for _, t := range s.x.ticks {
			if t.label != "" {
				p.segment(pale, 0.5, a.x(t.v), a.frame.y0, a.x(t.v), top)
			}
		}
	}
}

// front draws the frame, ticks, and the tick labels on the outer panels.
func (s *sheet) front(p *painter, a area, first, last bool, foot xFoot) {
	if s.x == nil {
		return
	}
	f := a.frame
	if a.strip.h() > 0 {
		p.segment(pale, 0.5, f.x0, a.strip.y0, f.x1, a.strip.y0)
	}
	p.box(dark, 0.7, f)
	for _, t := range s.y.ticks {
		y, n := a.y(t.v), vg.Length(tickSize)
		if t.label == "" {
			n /= 2
		}
		if !s.square {
			p.segment(dark, 0.6, f.x0-n, y, f.x0, y)
		}
		if first {
			p.tickText(tickPen, f.x0-tickSize-3, y, end, middle, t.label)
		}
	}
	for _, t := range s.x.ticks {
		n := vg.Length(tickSize)
		if t.label == "" {
			n /= 2
		}
		if x := a.x(t.v); !s.square {
			p.segment(dark, 0.6, x, f.y0-n, x, f.y0)
		}
	}
	if last {
		foot.draw(p, a)
	}
}
