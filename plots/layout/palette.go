package layout

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// Hues are the colours of Okabe and Ito without the yellow, which white paper
// swallows, ordered so that neighbours differ in lightness as well.
var Hues = []color.RGBA{
	{0x00, 0x72, 0xB2, 0xFF}, // blue
	{0xD5, 0x5E, 0x00, 0xFF}, // vermilion
	{0x00, 0x9E, 0x73, 0xFF}, // bluish green
	{0xE6, 0x9F, 0x00, 0xFF}, // orange
	{0xCC, 0x79, 0xA7, 0xFF}, // reddish purple
	{0x56, 0xB4, 0xE9, 0xFF}, // sky blue
	{0x22, 0x22, 0x22, 0xFF}, // black
}

// Black to White are for ink, frames and grounds.
var (
	Black = color.RGBA{0x11, 0x11, 0x11, 0xFF}
	Dark  = color.RGBA{0x44, 0x44, 0x44, 0xFF}
	Grey  = color.RGBA{0x77, 0x77, 0x77, 0xFF}
	Pale  = color.RGBA{0xE6, 0xE6, 0xE6, 0xFF}
	Faint = color.RGBA{0xF3, 0xF3, 0xF3, 0xFF}
	White = color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}
)

// Look is how one series is drawn. Two series never share both colour and
// shape, nor both colour and dash, up to 35 series.
type Look struct {
	Color color.RGBA
	Shape int
	Dash  []vg.Length
}

// Looks is how many series look different.
const Looks = 35

const shapes = 8

// Dashes are the patterns of lines; the first is solid.
var Dashes = [][]vg.Length{nil, {5, 2.5}, {1.5, 2}, {7, 2, 1.5, 2}, {3, 1.5}}

// LookOf is the look of the series with this number.
func LookOf(i int) Look {
	return Look{
		Color: Hues[i%len(Hues)],
		Shape: i % shapes,
		Dash:  Dashes[i/len(Hues)%len(Dashes)],
	}
}

// outline returns the shape's corners on the unit circle, or nil for a circle.
func outline(shape int) [][2]float64 {
	polygon := func(n int, turn, r float64) [][2]float64 {
		p := make([][2]float64, n)
		for i := range p {
			a := turn + 2*math.Pi*float64(i)/float64(n)
			p[i] = [2]float64{r * math.Cos(a), r * math.Sin(a)}
		}
		return p
	}
	switch shape % shapes {
	case 1:
		return polygon(4, math.Pi/4, 1.22) // square
	case 2:
		return polygon(3, math.Pi/2, 1.3) // triangle
	case 3:
		return polygon(4, 0, 1.3) // diamond
	case 4:
		return polygon(3, -math.Pi/2, 1.3) // triangle on its tip
	case 5: // plus
		const a, b = 0.4, 1.2
		return [][2]float64{{a, b}, {a, a}, {b, a}, {b, -a}, {a, -a}, {a, -b}, {-a, -b}, {-a, -a}, {-b, -a}, {-b, a}, {-a, a}, {-a, b}}
	case 6: // star
		out := polygon(5, math.Pi/2, 1.4)
		in := polygon(5, math.Pi/2+math.Pi/5, 0.62)
		var p [][2]float64
		for i := range out {
			p = append(p, out[i], in[i])
		}
		return p
	case 7:
		return polygon(3, 0, 1.3) // triangle to the right
	}
	return nil
}

// viridis at nine equal steps; between them the colour is linear.
var viridis = []color.RGBA{
	{0x44, 0x01, 0x54, 0xFF}, {0x47, 0x2D, 0x7B, 0xFF}, {0x3B, 0x52, 0x8B, 0xFF},
	{0x2C, 0x72, 0x8E, 0xFF}, {0x21, 0x91, 0x8C, 0xFF}, {0x28, 0xAE, 0x80, 0xFF},
	{0x5E, 0xC9, 0x62, 0xFF}, {0xAD, 0xDC, 0x30, 0xFF}, {0xFD, 0xE7, 0x25, 0xFF},
}

// Heat is the colour of t in [0, 1].
func Heat(t float64) color.RGBA {
	t = math.Max(0, math.Min(1, t)) * float64(len(viridis)-1)
	i := int(t)
	if i == len(viridis)-1 {
		return viridis[i]
	}
	return Blend(viridis[i], viridis[i+1], t-float64(i))
}

// Blend is a + t·(b − a). Figures blend with white instead of using
// transparency, which the three formats render differently.
func Blend(a, b color.RGBA, t float64) color.RGBA {
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + t*(float64(b)-float64(a)))) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xFF}
}

// InkOn is black or white, whichever reads better on c (W3C relative luminance).
func InkOn(c color.RGBA) color.RGBA {
	lin := func(u uint8) float64 {
		v := float64(u) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	if l := 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B); (l+0.05)/(0.0056+0.05) < 1.05/(l+0.05) {
		return White
	}
	return Black
}
