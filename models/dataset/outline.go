package dataset

import "math"

// shapes are the classes of the shapes set. Each distance is negative inside
// the shape, positive outside, at least near the outline the distance to it;
// every shape lies in the unit circle.
var shapes = []struct {
	name     string
	distance func(x, y float64) float64
}{
	{"circle", func(x, y float64) float64 { return length(x, y) - 0.92 }},
	{"square", func(x, y float64) float64 { return box(x, y, 0.70, 0.70) }},
	{"triangle", func(x, y float64) float64 { return polygon(triangle, x, y) }},
	{"cross", func(x, y float64) float64 { return math.Min(box(x, y, 0.95, 0.27), box(x, y, 0.27, 0.95)) }},
	{"ring", func(x, y float64) float64 { return math.Abs(length(x, y)-0.73) - 0.22 }},
	{"star", func(x, y float64) float64 { return polygon(star, x, y) }},
	{"crescent", func(x, y float64) float64 {
		return math.Max(length(x, y)-0.95, 0.74-length(x-0.46, y))
	}},
	{"bars", func(x, y float64) float64 { return box(math.Abs(x)-0.40, y, 0.20, 0.80) }},
}

func shapeNames() []string {
	names := make([]string, len(shapes))
	for i, s := range shapes {
		names[i] = s.name
	}
	return names
}

func length(x, y float64) float64 { return math.Sqrt(mul(x, x) + mul(y, y)) }

// box is the distance to a rectangle of half sides a, b around the origin.
func box(x, y, a, b float64) float64 {
	dx, dy := math.Abs(x)-a, math.Abs(y)-b
	return length(math.Max(dx, 0), math.Max(dy, 0)) + math.Min(math.Max(dx, dy), 0)
}

// edge is one side of a polygon: its start, its vector, and what a query
// would otherwise divide by.
type edge struct {
	x, y, dx, dy float64
	perLength    float64 // 1 / (dx² + dy²)
	slope        float64 // dx / dy; not used on level edges
}

// Corners in the unit circle, written out because they must be the same bits
// everywhere.
var (
	triangle = edges([][2]float64{{0, -1}, {0.8660254037844386, 0.5}, {-0.8660254037844386, 0.5}})
	star     = edges([][2]float64{
		{0, -1}, {0.2469, -0.3398}, {0.9511, -0.3090}, {0.3994, 0.1298}, {0.5878, 0.8090},
		{0, 0.42}, {-0.5878, 0.8090}, {-0.3994, 0.1298}, {-0.9511, -0.3090}, {-0.2469, -0.3398},
	})
)

func edges(corners [][2]float64) []edge {
	all := make([]edge, len(corners))
	for i, a := range corners {
		b := corners[(i+1)%len(corners)]
		dx, dy := b[0]-a[0], b[1]-a[1]
		all[i] = edge{a[0], a[1], dx, dy, 1 / (mul(dx, dx) + mul(dy, dy)), 0}
		if dy != 0 {
			all[i].slope = dx / dy
		}
	}
	return all
}

// polygon is the distance to a simple polygon: the nearest edge gives the
// length, the parity of crossed edges the sign.
func polygon(sides []edge, x, y float64) float64 {
	nearest, inside := math.MaxFloat64, false
	for i := range sides {
		e := &sides[i]
		wx, wy := x-e.x, y-e.y
		t := clamp(mul(mul(wx, e.dx)+mul(wy, e.dy), e.perLength))
		rx, ry := wx-mul(e.dx, t), wy-mul(e.dy, t)
		if d := mul(rx, rx) + mul(ry, ry); d < nearest {
			nearest = d
		}
		if (wy < 0) != (wy < e.dy) && wx < mul(e.slope, wy) {
			inside = !inside
		}
	}
	if inside {
		return -math.Sqrt(nearest)
	}
	return math.Sqrt(nearest)
}
