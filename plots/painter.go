package plots

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// rect is an upright rectangle in points; y grows upwards.
type rect struct{ x0, y0, x1, y1 vg.Length }

func (r rect) w() vg.Length { return r.x1 - r.x0 }
func (r rect) h() vg.Length { return r.y1 - r.y0 }

func (r rect) meets(o rect) bool {
	return r.x0 < o.x1 && o.x0 < r.x1 && r.y0 < o.y1 && o.y0 < r.y1
}

func (r rect) holds(o rect) bool {
	return r.x0 <= o.x0 && o.x1 <= r.x1 && r.y0 <= o.y0 && o.y1 <= r.y1
}

// grow moves every side outwards by d.
func (r rect) grow(d vg.Length) rect { return rect{r.x0 - d, r.y0 - d, r.x1 + d, r.y1 + d} }

// painter draws on a canvas and remembers where text and data went, so that
// tests can prove that nothing overlaps.
type painter struct {
	c      vg.Canvas
	texts  []inked
	frames []rect // data areas
}

type inked struct {
	text string
	box  rect
}

// Anchors of text: the part of its width and of its capitals' height that lies
// to the left of and below the given point.
const (
	start  = 0.0
	middle = 0.5
	end    = 1.0
)

// text writes one line with its anchor at (x, y).
func (p *painter) text(pn pen, x, y vg.Length, h, v float64, s string) {
	s = legible(s)
	if s == "" {
		return
	}
	w := pn.width(s)
	x -= vg.Length(h) * w
	y -= vg.Length(v) * pn.capital()
	p.texts = append(p.texts, inked{s, rect{x, y - pn.descent(), x + w, y + pn.capital()}})
	p.c.SetColor(pn.color)
	p.c.FillString(pn.face(), vg.Point{X: x, Y: y}, s)
}

// upright writes one line from bottom to top; h runs along the line and v
// across it, so v = 0 puts the baseline on x.
func (p *painter) upright(pn pen, x, y vg.Length, h, v float64, s string) {
	s = legible(s)
	if s == "" {
		return
	}
	w := pn.width(s)
	y -= vg.Length(h) * w
	x += vg.Length(v) * pn.capital()
	p.texts = append(p.texts, inked{s, rect{x - pn.capital(), y, x + pn.descent(), y + w}})
	p.c.Push()
	p.c.Translate(vg.Point{X: x, Y: y})
	p.c.Rotate(math.Pi / 2)
	p.c.SetColor(pn.color)
	p.c.FillString(pn.face(), vg.Point{}, s)
	p.c.Pop()
}

// lines writes lines downwards; top is the top of the first line's capitals.
// It returns where the next block may begin.
func (p *painter) lines(pn pen, x, top vg.Length, h float64, lines []string) vg.Length {
	for i, l := range lines {
		p.text(pn, x, top-vg.Length(i)*pn.line(), h, end, l)
	}
	return top - pn.height(len(lines))
}

func (p *painter) stroke(c color.RGBA, width vg.Length, dash []vg.Length, pts ...vg.Point) {
	if len(pts) < 2 {
		return
	}
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

func (p *painter) segment(c color.RGBA, width, x0, y0, x1, y1 vg.Length) {
	p.stroke(c, width, nil, vg.Point{X: x0, Y: y0}, vg.Point{X: x1, Y: y1})
}

func path(r rect) vg.Path {
	var q vg.Path
	q.Move(vg.Point{X: r.x0, Y: r.y0})
	q.Line(vg.Point{X: r.x1, Y: r.y0})
	q.Line(vg.Point{X: r.x1, Y: r.y1})
	q.Line(vg.Point{X: r.x0, Y: r.y1})
	q.Close()
	return q
}

func (p *painter) fill(c color.RGBA, r rect) {
	p.c.SetColor(c)
	p.c.Fill(path(r))
}

func (p *painter) box(c color.RGBA, width vg.Length, r rect) {
	p.c.SetColor(c)
	p.c.SetLineWidth(width)
	p.c.Stroke(path(r))
}

// glyph draws a filled shape with a white rim that keeps neighbours apart.
func (p *painter) glyph(l look, x, y, r vg.Length) {
	var q vg.Path
	if corners := outline(l.shape); corners != nil {
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
	p.c.SetColor(white)
	p.c.SetLineWidth(1.2)
	p.c.Stroke(q)
	p.c.SetColor(l.color)
	p.c.Fill(q)
}

// cross is the mark of a cell that has no value.
func (p *painter) cross(c color.RGBA, x, y vg.Length) {
	const r = 2.6
	p.segment(c, 1.4, x-r, y-r, x+r, y+r)
	p.segment(c, 1.4, x-r, y+r, x+r, y-r)
}

func (p *painter) image(r rect, img image.Image) {
	p.c.DrawImage(vg.Rectangle{Min: vg.Point{X: r.x0, Y: r.y0}, Max: vg.Point{X: r.x1, Y: r.y1}}, img)
}
