package dataset

import "math"

// scene is one picture of the shapes set. Lengths are in image sides, the
// origin is the upper left corner, colours are 0 to 255.
type scene struct {
	outline      func(x, y float64) float64 // signed distance for a shape of radius 1
	cx, cy       float64                    // centre
	radius       float64
	cos, sin     float64 // of the rotation
	ink          [3]float64
	ground, fade [3]float64 // background at one end and its change to the other
	dx, dy       float64    // direction of the gradient; 0, 0 for a plain background
}

func newScene(seed, split, i uint64, class int) scene {
	d := newDraws(seed, split, i)
	s := scene{outline: shapes[class].distance}
	s.radius = d.between(0.24, 0.40)
	room := 0.46 - s.radius // keeps the shape inside the picture
	s.cx, s.cy = d.between(0.5-room, 0.5+room), d.between(0.5-room, 0.5+room)
	// Rational points of the circle need no sine: ±26 degrees.
	t := d.between(-0.23, 0.23)
	tt := mul(t, t)
	s.cos, s.sin = (1-tt)/(1+tt), 2*t/(1+tt)

	ends := [2][3]float64{}
	for c := range 3 {
		ends[0][c] = d.between(0, 255)
	}
	gradient := d.bits()&1 == 1
	for c := range 3 {
		ends[1][c] = ends[0][c]
		if v := d.between(-90, 90); gradient {
			ends[1][c] = math.Max(0, math.Min(255, ends[0][c]+v))
		}
		s.ground[c], s.fade[c] = ends[0][c], ends[1][c]-ends[0][c]
	}
	u := d.between(-1, 1)
	if gradient {
		uu := mul(u, u)
		s.dx, s.dy = (1-uu)/(1+uu), 2*u/(1+uu)
		if d.bits()&1 == 1 {
			s.dx, s.dy = s.dy, s.dx
		}
	}
	s.ink = contrasting(&d, ends)
	return s
}

// contrasting draws a colour whose lightness stands off from both ends of the
// background, also in grey. Lightness is the luma of Rec. 601.
func contrasting(d *draws, ends [2][3]float64) [3]float64 {
	far := func(c [3]float64) float64 {
		return math.Min(math.Abs(lightness(c)-lightness(ends[0])), math.Abs(lightness(c)-lightness(ends[1])))
	}
	var best [3]float64
	for try := range 12 {
		var c [3]float64
		for k := range c {
			c[k] = d.between(0, 255)
		}
		if try == 0 || far(c) > far(best) {
			best = c
		}
		if far(best) >= 80 {
			break
		}
	}
	if far(best) < 60 { // mid grey backgrounds with a wide gradient
		best = [3]float64{250, 250, 250}
		if dark := [3]float64{8, 8, 8}; far(dark) > far(best) {
			best = dark
		}
	}
	return best
}

func lightness(c [3]float64) float64 {
	return mul(0.299, c[0]) + mul(0.587, c[1]) + mul(0.114, c[2])
}

// draw fills one image [size, size, channels]. The edge of the shape is one
// pixel wide: coverage falls linearly with the distance from the outline.
func (s scene) draw(out []byte, size, channels int) {
	pixel := 1 / float64(size)
	gradient := s.dx != 0 || s.dy != 0
	at, done := 0.5, 0
	for y := range size {
		py := mul(float64(y)+0.5, pixel)
		for x := range size {
			px := mul(float64(x)+0.5, pixel)
			if gradient { // position along it, 0 to 1 within the picture
				at = clamp(0.5 + mul(0.5, mul(2*px-1, s.dx)+mul(2*py-1, s.dy)))
			}
			cover := s.coverage(px, py, pixel)
			var rgb [3]byte
			for c := range rgb { // between colours, so always 0 to 255
				v := s.ground[c] + mul(s.fade[c], at)
				rgb[c] = byte(v + mul(cover, s.ink[c]-v) + 0.5)
			}
			convert(out[done:done+channels], rgb[:])
			done += channels
		}
	}
}

// coverage is the share of the pixel at (px, py) that the shape covers.
func (s *scene) coverage(px, py, pixel float64) float64 {
	ux, uy := px-s.cx, py-s.cy
	if reach := s.radius + pixel; mul(ux, ux)+mul(uy, uy) > mul(reach, reach) {
		return 0
	}
	x := (mul(ux, s.cos) + mul(uy, s.sin)) / s.radius
	y := (mul(uy, s.cos) - mul(ux, s.sin)) / s.radius
	return clamp(0.5 - mul(s.outline(x, y), s.radius)/pixel)
}

func clamp(v float64) float64 {
	if v < 0 {
		return 0
	}
	if v > 1 {
		return 1
	}
	return v
}
