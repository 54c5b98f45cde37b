package layout

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// Rect is an upright rectangle in points; y grows upwards.
type Rect struct{ X0, Y0, X1, Y1 vg.Length }

// W is the width.
func (r Rect) W() vg.Length { return r.X1 - r.X0 }

// H is the height.
func (r Rect) H() vg.Length { return r.Y1 - r.Y0 }

// Meets says that the two have points in common.
func (r Rect) Meets(o Rect) bool {
	return r.X0 < o.X1 && o.X0 < r.X1 && r.Y0 < o.Y1 && o.Y0 < r.Y1
}

// Holds says that o lies inside.
func (r Rect) Holds(o Rect) bool {
	return r.X0 <= o.X0 && o.X1 <= r.X1 && r.Y0 <= o.Y0 && o.Y1 <= r.Y1
}

// Grow moves every side outwards by d.
func (r Rect) Grow(d vg.Length) Rect { return Rect{r.X0 - d, r.Y0 - d, r.X1 + d, r.Y1 + d} }

// Painter draws on a canvas and remembers where text and data went, so that
// tests can prove that nothing overlaps.
type Painter struct {
	c      vg.Canvas
	serif  bool  // text in the serif face
	clip   *Rect // what is drawn outside of it is cut off; text is not
	Texts  []Inked
	Frames []Rect // data areas
}

// NewPainter draws on c.
func NewPainter(c vg.Canvas) *Painter { return &Painter{c: c} }

// Inked is a text and the room that it takes.
type Inked struct {
	Text string
	Box  Rect
}

// Anchors of text: the part of its width and of its capitals' height that lies
// to the left of and below the given point.
const (
	Start  = 0.0
	Middle = 0.5
	End    = 1.0
)

// Text writes one line with its anchor at (x, y).
func (p *Painter) Text(pn Pen, x, y vg.Length, h, v float64, s string) {
	s = legible(s)
	if s == "" {
		return
	}
	pn.serif = p.serif
	w := pn.Width(s)
	x -= vg.Length(h) * w
	y -= vg.Length(v) * pn.Capital()
	p.Texts = append(p.Texts, Inked{s, Rect{x, y - pn.Descent(), x + w, y + pn.Capital()}})
	p.write(pn, x, y, s)
}

// upright writes one line from bottom to top; h runs along the line and v
// across it, so v = 0 puts the baseline on x.
func (p *Painter) upright(pn Pen, x, y vg.Length, h, v float64, s string) {
	s = legible(s)
	if s == "" {
		return
	}
	pn.serif = p.serif
	w := pn.Width(s)
	y -= vg.Length(h) * w
	x += vg.Length(v) * pn.Capital()
	p.Texts = append(p.Texts, Inked{s, Rect{x - pn.Capital(), y, x + pn.Descent(), y + w}})
	p.c.Push()
	p.c.Translate(vg.Point{X: x, Y: y})
	p.c.Rotate(math.Pi / 2)
	p.write(pn, 0, 0, s)
	p.c.Pop()
}

// Lines writes lines downwards; top is the top of the first line's capitals.
// It returns where the next block may begin.
func (p *Painter) Lines(pn Pen, x, top vg.Length, h float64, lines []string) vg.Length {
	for i, l := range lines {
		p.Text(pn, x, top-vg.Length(i)*pn.line(), h, End, l)
	}
	return top - pn.Height(len(lines))
}

// Stroke draws a line through points, dashed unless dash is nil.
func (p *Painter) Stroke(c color.RGBA, width vg.Length, dash []vg.Length, pts ...vg.Point) {
	if len(pts) < 2 {
		return
	}
	if p.clip != nil {
		for _, part := range p.clip.cut(pts) {
			p.stroke(c, width, dash, part)
		}
		return
	}
	p.stroke(c, width, dash, pts)
}

func (p *Painter) stroke(c color.RGBA, width vg.Length, dash []vg.Length, pts []vg.Point) {
	var path vg.Path
	path.Move(pts[0])
	for _, q := range pts[1:] {
		path.Line(q)
	}
	p.c.SetColor(c)
	p.c.SetLineWidth(width)
	p.c.SetLineDash(dash, 0)
	p.c.Stroke(path)
	p.c.SetLineDash(nil, 0)
}

// Segment draws a straight line.
func (p *Painter) Segment(c color.RGBA, width, x0, y0, x1, y1 vg.Length) {
	p.Stroke(c, width, nil, vg.Point{X: x0, Y: y0}, vg.Point{X: x1, Y: y1})
}

func path(r Rect) vg.Path {
	var q vg.Path
	q.Move(vg.Point{X: r.X0, Y: r.Y0})
	q.Line(vg.Point{X: r.X1, Y: r.Y0})
	q.Line(vg.Point{X: r.X1, Y: r.Y1})
	q.Line(vg.Point{X: r.X0, Y: r.Y1})
	q.Close()
	return q
}

// Fill fills a rectangle.
func (p *Painter) Fill(c color.RGBA, r Rect) {
	if p.clip != nil {
		r = Rect{max(r.X0, p.clip.X0), max(r.Y0, p.clip.Y0), min(r.X1, p.clip.X1), min(r.Y1, p.clip.Y1)}
		if r.W() <= 0 || r.H() <= 0 {
			return
		}
	}
	p.c.SetColor(c)
	p.c.Fill(path(r))
}

// Band fills what lies between two lines of the same length.
func (p *Painter) Band(c color.RGBA, low, high []vg.Point) {
	if len(low) < 2 || len(low) != len(high) {
		return
	}
	within := func(q vg.Point) vg.Point {
		if p.clip != nil {
			q.X, q.Y = max(p.clip.X0, min(p.clip.X1, q.X)), max(p.clip.Y0, min(p.clip.Y1, q.Y))
		}
		return q
	}
	var q vg.Path
	q.Move(within(low[0]))
	for _, at := range low[1:] {
		q.Line(within(at))
	}
	for i := len(high) - 1; i >= 0; i-- {
		q.Line(within(high[i]))
	}
	q.Close()
	p.c.SetColor(c)
	p.c.Fill(q)
}

// Box draws the outline of a rectangle.
func (p *Painter) Box(c color.RGBA, width vg.Length, r Rect) {
	p.c.SetColor(c)
	p.c.SetLineWidth(width)
	p.c.Stroke(path(r))
}

// Glyph draws a filled shape with a white rim that keeps neighbours apart.
func (p *Painter) Glyph(l Look, x, y, r vg.Length) {
	if p.clip != nil && !p.clip.Grow(0.01).Holds(Rect{x, y, x, y}) {
		return
	}
	var q vg.Path
	if corners := outline(l.Shape); corners != nil {
		for i, c := range corners {
			pt := vg.Point{X: x + r*vg.Length(c[0]), Y: y + r*vg.Length(c[1])}
			if i == 0 {
				q.Move(pt)
			} else {
				q.Line(pt)
			}
		}
		q.Close()
	} else {
		// four Bézier quarters: arcs come out open in one of the formats
		k := r * 0.5523
		q.Move(vg.Point{X: x + r, Y: y})
		q.CubeTo(vg.Point{X: x + r, Y: y + k}, vg.Point{X: x + k, Y: y + r}, vg.Point{X: x, Y: y + r})
		q.CubeTo(vg.Point{X: x - k, Y: y + r}, vg.Point{X: x - r, Y: y + k}, vg.Point{X: x - r, Y: y})
		q.CubeTo(vg.Point{X: x - r, Y: y - k}, vg.Point{X: x - k, Y: y - r}, vg.Point{X: x, Y: y - r})
		q.CubeTo(vg.Point{X: x + k, Y: y - r}, vg.Point{X: x + r, Y: y - k}, vg.Point{X: x + r, Y: y})
		q.Close()
	}
	p.c.SetColor(White)
	p.c.SetLineWidth(1.2)
	p.c.Stroke(q)
	p.c.SetColor(l.Color)
	p.c.Fill(q)
}

// Hollow draws the outline of a shape, white inside.
func (p *Painter) Hollow(l Look, x, y, r vg.Length) {
	p.Glyph(l, x, y, r)
	l.Color = White
	q := *p
	q.Glyph(l, x, y, r*0.55)
}

// Cross is the mark of a cell that has no value.
func (p *Painter) Cross(c color.RGBA, x, y vg.Length) {
	const r = 2.6
	clip := p.clip // it stands for a value that has no place
	p.clip = nil
	defer func() { p.clip = clip }()
	p.Segment(c, 1.4, x-r, y-r, x+r, y+r)
	p.Segment(c, 1.4, x-r, y+r, x+r, y-r)
}

// Image draws a picture into a rectangle.
func (p *Painter) Image(r Rect, img image.Image) {
	p.c.DrawImage(vg.Rectangle{Min: vg.Point{X: r.X0, Y: r.Y0}, Max: vg.Point{X: r.X1, Y: r.Y1}}, img)
}
