package layout

import "gonum.org/v1/plot/vg"

// cut gives the parts of a line that lie inside the rectangle (Liang and Barsky's
// way, segment by segment).
func (r Rect) cut(pts []vg.Point) (parts [][]vg.Point) {
	var part []vg.Point
	end := func() {
		if len(part) > 1 {
			parts = append(parts, part)
		}
		part = nil
	}
	for i := 1; i < len(pts); i++ {
		p, q, first, last, ok := r.segment(pts[i-1], pts[i])
		if !ok {
			end()
			continue
		}
		if part == nil || !first {
			end()
			part = []vg.Point{p}
		}
		part = append(part, q)
		if !last {
			end()
		}
	}
	end()
	return parts
}

// segment is the part of one inside the rectangle; first and last say whether its
// ends are those of the whole one.
func (r Rect) segment(p, q vg.Point) (from, to vg.Point, first, last, ok bool) {
	t0, t1 := 0.0, 1.0
	dx, dy := float64(q.X-p.X), float64(q.Y-p.Y)
	for _, side := range [][2]float64{
		{-dx, float64(p.X - r.X0)}, {dx, float64(r.X1 - p.X)}, {-dy, float64(p.Y - r.Y0)}, {dy, float64(r.Y1 - p.Y)},
	} {
		d, room := side[0], side[1]
		switch {
		case d == 0 && room < 0:
			return p, q, false, false, false
		case d < 0:
			t0 = max(t0, room/d)
		case d > 0:
			t1 = min(t1, room/d)
		}
	}
	if t0 > t1 {
		return p, q, false, false, false
	}
	at := func(t float64) vg.Point { return vg.Point{X: p.X + vg.Length(t*dx), Y: p.Y + vg.Length(t*dy)} }
	return at(t0), at(t1), t0 == 0, t1 == 1, true
}
