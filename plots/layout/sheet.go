// Package layout sets a figure on a page: axes with their ticks, panels, legend,
// notes, and the pens and colours they are drawn with. It knows marks and text,
// not what they stand for.
//
// Its principle is that text decides sizes: the page grows until every label fits, so
// that nothing has to overlap, and labels are wrapped before they are cut. Its
// colours are safe for colour-blind readers and never the only cue. PNG, SVG and
// PDF show the same picture, and the same sheet gives the same bytes in each.
package layout

import "gonum.org/v1/plot/vg"

// Sheet is everything on a figure before it has places.
type Sheet struct {
	Title   string
	Panels  []Panel
	Columns int // of panels; 0 decides by their number
	Width   vg.Length
	Height  vg.Length // of one panel's frame; 0 decides by the columns
	Print   float64   // printed size per laid-out size; 0 is 1
	Aspect  float64   // when positive, a frame's height per width, instead of Height

	X, Y    *Axis     // shared by the panels; nil for pictures
	Inset   vg.Length // of headings from the frame's left: row labels of pictures
	Crosses bool      // reserve the strip for cells without values
	Clip    bool      // an axis leaves values out: what lies outside the frame is cut off
	Serif   bool      // text in the serif face
	Square  bool      // no margin between axis and data (heatmap): no grid lines

	LegendTitle string
	Legend      []Entry
	LegendAt    string // right, below or none; "" decides by the room
	Bar         *ColourBar

	Notes  []string // what is missing and why
	Source string   // where the figure came from
}

// Panel is one frame and what is drawn into it.
type Panel struct {
	Heading string
	Draw    func(p *Painter, a Area)
}

// Area is where a panel draws. X and Y map values of the sheet's axes to the
// page; Y stays inside the frame.
type Area struct {
	Frame Rect // the data area's border
	Strip Rect // for crosses; empty when there are none
	X, Y  func(float64) vg.Length

	x, y *Axis
}

// Beyond says that a value lies outside of its axis: an interval that ends there is cut.
// What is not a number lies nowhere.
func (a Area) Beyond(x, y float64) bool { return a.x.Beyond(x) || a.y.Beyond(y) }

// Border is the margin around a page.
const Border = 7.0

const (
	gap      = 10.0 // between blocks
	tickSize = 3.5
	stripH   = 11.0

	narrowest = 140 // width of a panel with its part of the margins
	slim      = 350 // a figure with no room beside its panels
)

// Grid is the number of rows and columns in which the panels stand.
func (s *Sheet) Grid() (rows, cols int) {
	n := len(s.Panels)
	cols = s.Columns
	if cols == 0 {
		switch {
		case n <= 1:
			cols = 1
		case n == 2 || n == 4:
			cols = 2
		default:
			cols = 3
		}
		if s.Width > 0 { // a panel needs its room
			cols = max(1, min(cols, int(s.Width/narrowest)))
		}
	}
	cols = min(cols, n)
	return (n + cols - 1) / cols, cols
}

func (s *Sheet) area(f Rect) Area {
	a := Area{Frame: f, x: s.X, y: s.Y}
	data := f
	if s.Crosses {
		a.Strip = Rect{f.X0, f.Y1 - stripH, f.X1, f.Y1}
		data.Y1 -= stripH
	}
	if s.X != nil {
		a.X = func(v float64) vg.Length { return data.X0 + vg.Length(s.X.Norm(v))*data.W() }
	}
	if s.Y != nil {
		a.Y = func(v float64) vg.Length {
			if s.Clip {
				return data.Y0 + vg.Length(s.Y.Norm(v))*data.H()
			}
			return max(data.Y0, min(data.Y1, data.Y0+vg.Length(s.Y.Norm(v))*data.H()))
		}
	}
	return a
}

// back draws what lies under the data: the strip and the grid lines.
func (s *Sheet) back(p *Painter, a Area) {
	if s.X == nil {
		return
	}
	if a.Strip.H() > 0 {
		p.Fill(Faint, a.Strip)
	}
	if s.Square {
		return
	}
	top := a.Frame.Y1 - a.Strip.H()
	for _, t := range s.Y.ticks {
		if t.label != "" {
			p.Segment(Pale, 0.5, a.Frame.X0, a.Y(t.v), a.Frame.X1, a.Y(t.v))
		}
	}
	if !s.X.Categorical() {
		for _, t := range s.X.ticks {
			if t.label != "" {
				p.Segment(Pale, 0.5, a.X(t.v), a.Frame.Y0, a.X(t.v), top)
			}
		}
	}
}

// front draws the frame, ticks, and the tick labels on the outer panels.
func (s *Sheet) front(p *Painter, a Area, first, last bool, foot xFoot) {
	if s.X == nil {
		return
	}
	f := a.Frame
	if a.Strip.H() > 0 {
		p.Segment(Pale, 0.5, f.X0, a.Strip.Y0, f.X1, a.Strip.Y0)
	}
	p.Box(Dark, 0.7, f)
	for _, t := range s.Y.ticks {
		y, n := a.Y(t.v), vg.Length(tickSize)
		if t.label == "" {
			n /= 2
		}
		if !s.Square {
			p.Segment(Dark, 0.6, f.X0-n, y, f.X0, y)
		}
		if first {
			p.tickText(TickPen, f.X0-tickSize-3, y, End, Middle, t.label)
		}
	}
	for _, t := range s.X.ticks {
		n := vg.Length(tickSize)
		if t.label == "" {
			n /= 2
		}
		if x := a.X(t.v); !s.Square {
			p.Segment(Dark, 0.6, x, f.Y0-n, x, f.Y0)
		}
	}
	if last {
		foot.draw(p, a)
	}
}
