package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
	"prabench/results/where"
)

// What an author changes of a figure's appearance: see [figure.Look].

// labelSize is that in which the axes' labels are laid out, in points.
const labelSize = 10

// printScale is the printed size per laid-out size: labels have 8 points where
// the figure has a width, and 10 where it has none, unless the file says another
// size.
func printScale(fig Figure) float64 {
	switch {
	case fig.FontSize > 0:
		return fig.FontSize / labelSize
	case fig.Width > 0:
		return 0.8
	}
	return 1
}

// roomOf is the width in which a figure is laid out, 0 when it is not said.
func roomOf(fig Figure) vg.Length {
	inches := fig.Width
	if inches == 0 && fig.FontSize > 0 {
		inches = 6
	}
	return vg.Length(inches * 72 / printScale(fig))
}

// ownName is what a figure calls a value, "" where it says nothing: the value may be
// a label in either spelling.
func ownName(names map[string]string, value string) string {
	return cmp.Or(names[value], names[where.Label(value)], names[where.Older(value)])
}

// called is what a value of the series, of the panels or of an axis is called.
func (s *selection) called(value string) string {
	if own := ownName(s.fig.Called, value); own != "" {
		return own
	}
	return value
}

// ordered refuses values in order and names that the figure does not show: a slip
// of the pen would otherwise change nothing, silently.
func (c *chart) ordered() error {
	if len(c.fig.Order) == 0 && len(c.fig.Called) == 0 {
		return nil
	}
	var values []string
	for _, name := range []string{c.fig.Series, c.fig.Facet, c.fig.X, c.fig.Y} {
		if d, err := c.dimension("order", name); err == nil && !d.metric {
			values = append(values, d.names...)
		}
	}
	for _, cell := range c.cells {
		values = append(values, c.label(cell))
	}
	known := func(v string) bool {
		return slices.ContainsFunc(values, func(have string) bool { return where.SameLabel(have, v) })
	}
	for _, v := range c.fig.Order {
		if !known(v) {
			return fmt.Errorf("order: no series, panel or name on an axis is %q; there are %s", v, listed(slices.Compact(values)))
		}
	}
	for v := range c.fig.Called {
		if !known(v) {
			return fmt.Errorf("names: no series, panel or name on an axis is %q; there are %s", v, listed(slices.Compact(values)))
		}
	}
	return nil
}

// inOrder puts the values that the figure names first.
func (s *selection) inOrder(d *dimension) {
	if len(s.fig.Order) == 0 {
		return
	}
	place := func(v any) int {
		if i := slices.IndexFunc(s.fig.Order, func(o string) bool { return where.SameLabel(o, show(v)) }); i >= 0 {
			return i
		}
		return len(s.fig.Order)
	}
	slices.SortStableFunc(d.values, func(a, b any) int { return place(a) - place(b) })
}

// dress gives a finished sheet its looks.
func (c *chart) dress() error {
	s, fig := &c.sheet, c.fig
	if w := roomOf(fig); w > 0 {
		s.Width, s.Print = w, printScale(fig)
	}
	s.Serif = fig.Font == figure.FontSerif
	s.LegendAt = fig.Legend
	if fig.Height > 0 {
		s.Height, s.Aspect = vg.Length(fig.Height*72/printScale(fig)), 0
	}
	if !fig.Shown() {
		s.Source = ""
	}
	for _, a := range []*layout.Axis{s.X, s.Y} {
		if a != nil && a.Categorical() {
			names := slices.Clone(a.Names)
			for i, n := range names {
				names[i] = c.called(n)
			}
			a.Names = names
		}
	}
	if err := c.given(); err != nil {
		return err
	}
	if err := c.ranged("x_range", s.X, fig.XRange); err != nil {
		return err
	}
	if err := c.ranged("y_range", s.Y, fig.YRange); err != nil {
		return err
	}
	c.outside()
	c.cut()
	for _, a := range []struct {
		axis *layout.Axis
		text string
	}{{s.X, fig.XLabel}, {s.Y, fig.YLabel}} {
		if a.axis != nil && a.text != "" {
			a.axis.Label, a.axis.Short = a.text, ""
		}
	}
	c.warn()
	return nil
}

// warn adds what a reader would otherwise not see: characters that the fonts lack,
// and series that look like others.
func (c *chart) warn() {
	s := &c.sheet
	for _, text := range []string{c.diverged(c.fig.Metrics()), c.dropped()} {
		if text != "" {
			s.Notes = append(s.Notes, text)
		}
	}
	kind, _ := figure.Of(c.fig.Kind)
	if n := len(c.groups()); n > layout.Looks {
		text := fmt.Sprintf("%d series: from the %dth on they look like earlier ones; choose some with where", n, layout.Looks+1)
		if _, takes := kind.Field("facet"); takes {
			text += ", or use facet"
		}
		s.Notes = append(s.Notes, text+".")
	}
	var keys []string // that give other names
	for _, key := range []string{"names", "title", "x_label", "y_label"} {
		if _, takes := kind.Field(key); takes {
			keys = append(keys, key)
		}
	}
	if text := boxes(append(textsOf(s), c.written...), keys); text != "" {
		s.Notes = append(s.Notes, text)
		if c.data.Warn != nil {
			c.data.Warn(text)
		}
	}
}

// textsOf are the texts of a sheet, without those that its panels write.
func textsOf(s *layout.Sheet) []string {
	texts := append([]string{s.Title, s.LegendTitle, s.Source}, s.Notes...)
	axes := []*layout.Axis{s.X, s.Y}
	if s.Bar != nil {
		axes = append(axes, s.Bar.Axis)
	}
	for _, a := range axes {
		if a != nil {
			texts = append(append(texts, a.Label, a.Short), a.Names...)
		}
	}
	for _, e := range s.Legend {
		texts = append(texts, e.Label)
	}
	for _, p := range s.Panels {
		texts = append(texts, p.Heading)
	}
	return texts
}

// writes notes that panels write the names of points.
func (c *chart) writes(points []Point) {
	for _, q := range points {
		c.written = append(c.written, q.Label)
	}
}

// boxes names the characters of texts that no font has, and what helps: a font, or other
// names by keys of the figure; "" where there are none.
func boxes(texts, keys []string) string {
	lacking := layout.Missing(texts...)
	if len(lacking) == 0 {
		return ""
	}
	codes := make([]string, 0, len(lacking))
	for _, r := range lacking {
		codes = append(codes, fmt.Sprintf("%c (U+%04X)", r, r))
	}
	other := "use names without them"
	if n := len(keys); n > 1 { // a title alone does not help
		other = "give names without them with " + strings.Join(keys[:n-1], ", ") + " and " + keys[n-1]
	}
	return "No font here has " + listed(codes) + ": a box stands for each. Install a font that has them (Debian: " +
		packageFor(lacking[0]) + "), or " + other + "."
}

// packageFor is a package of Debian with a font for characters like one.
func packageFor(r rune) string {
	switch {
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo):
		return "fonts-noto-cjk"
	case r >= 0x1f000 && r < 0x20000:
		return "fonts-symbola"
	case unicode.IsLetter(r):
		return "fonts-noto-core"
	}
	return "fonts-dejavu-core or fonts-symbola"
}

// ranged sets the two ends of an axis.
func (c *chart) ranged(key string, a *layout.Axis, ends []float64) error {
	switch {
	case a == nil || ends == nil:
		return nil
	case a.Categorical():
		return fmt.Errorf("%s: the axis has names, no numbers", key)
	case a.Log && ends[0] <= 0:
		return fmt.Errorf("%s: the axis is a log axis and cannot begin at %g; set log_%c = false or another end", key, ends[0], key[0])
	}
	a.Min, a.Max = ends[0], ends[1]
	a.At = slices.DeleteFunc(slices.Clone(a.At), func(v float64) bool { return v < ends[0] || v > ends[1] })
	c.sheet.Clip = true
	return nil
}

// cut counts the intervals that the axes do not show whole.
func (c *chart) cut() {
	x, y := c.sheet.X, c.sheet.Y
	if x == nil || y == nil {
		return
	}
	n := 0
	for _, p := range c.drawn {
		cut := false
		if x.Beyond(p.X) || y.Beyond(p.Y) {
			continue
		}
		for _, end := range []struct {
			a *layout.Axis
			v *float64
		}{{x, p.XLo}, {x, p.XHi}, {y, p.YLo}, {y, p.YHi}} {
			cut = cut || end.v != nil && end.a.Beyond(*end.v)
		}
		if cut {
			n++
		}
	}
	if n > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("Intervals of %d of %d points extend beyond the axes%s and have no end mark there.", n,
			len(c.drawn), map[bool]string{true: " (zero has no place on a log axis)"}[x.Log || y.Log]))
	}
	if c.endless > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("%d ends of intervals are not numbers or too large to draw; they are left out.",
			c.endless))
	}
}

// outside counts the points that the axes leave out.
func (c *chart) outside() {
	x, y := c.sheet.X, c.sheet.Y
	if !c.sheet.Clip || x == nil || y == nil {
		return
	}
	n := 0
	for _, p := range c.drawn {
		if p.X < x.Min || p.X > x.Max || p.Y < y.Min || p.Y > y.Max {
			n++
		}
	}
	if n > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("%d of %d points lie outside the axes.", n, len(c.drawn)))
	}
}

// given draws the references of the file: values that nobody measured here.
func (c *chart) given() error {
	refs := c.fig.References
	s := &c.sheet
	if len(refs) == 0 || s.X == nil || s.Y == nil {
		return nil
	}
	reach := func(a *layout.Axis, v float64, label string) error {
		switch {
		case math.IsNaN(v):
		case a.Categorical():
			return fmt.Errorf("reference: %s: the axis has names, no numbers", label)
		case a.Log && v <= 0:
			return fmt.Errorf("reference: %s: %g has no place on a log axis", label, v)
		case a.Log:
			a.Min, a.Max = min(a.Min, v/1.1), max(a.Max, v*1.1)
		default:
			margin := (a.Max - a.Min) * 0.04
			if v < a.Min {
				a.Min = v - margin
			} else if v > a.Max {
				a.Max = v + margin
			}
		}
		return nil
	}
	for i, r := range refs {
		if err := reach(s.X, r.X, r.Label); err != nil {
			return err
		}
		if err := reach(s.Y, r.Y, r.Label); err != nil {
			return err
		}
		s.Legend = append(s.Legend, layout.Entry{Label: r.Label, Mark: func(p *layout.Painter, x, y vg.Length) {
			w := vg.Length(layout.SampleW / 2)
			switch {
			case math.IsNaN(r.X):
				p.Stroke(layout.Dark, 1.1, refDash(i), vg.Point{X: x - w, Y: y}, vg.Point{X: x + w, Y: y})
			case math.IsNaN(r.Y):
				p.Stroke(layout.Dark, 1.1, refDash(i), vg.Point{X: x, Y: y - 5}, vg.Point{X: x, Y: y + 5})
			default:
				p.Glyph(refLook(i), x, y, layout.GlyphSize*1.25)
			}
		}})
	}
	s.Notes = append(s.Notes, "Grey: values given in the experiment file, not measured here.")
	for i := range s.Panels {
		draw := s.Panels[i].Draw
		s.Panels[i].Draw = func(p *layout.Painter, a layout.Area) {
			for i, r := range refs {
				drawReference(p, a, i, r)
			}
			draw(p, a)
		}
	}
	return nil
}

func drawReference(p *layout.Painter, a layout.Area, i int, r figure.Reference) {
	top := a.Frame.Y1 - a.Strip.H()
	switch {
	case math.IsNaN(r.X):
		p.Stroke(layout.Dark, 1.1, refDash(i), vg.Point{X: a.Frame.X0, Y: a.Y(r.Y)}, vg.Point{X: a.Frame.X1, Y: a.Y(r.Y)})
	case math.IsNaN(r.Y):
		p.Stroke(layout.Dark, 1.1, refDash(i), vg.Point{X: a.X(r.X), Y: a.Frame.Y0}, vg.Point{X: a.X(r.X), Y: top})
	default:
		p.Glyph(refLook(i), a.X(r.X), a.Y(r.Y), layout.GlyphSize*1.25)
	}
}

func refDash(i int) []vg.Length { return layout.Dashes[1+i%(len(layout.Dashes)-1)] }

// refLook is a grey shape: what was measured has colours.
func refLook(i int) layout.Look {
	return layout.Look{Color: layout.Dark, Shape: []int{6, 5, 7, 3}[i%4]}
}

// named says whether points have the names of their cells: as the file wants, or
// as the kind does by itself.
func (c *chart) named(byItself bool) bool {
	if c.fig.Labels != nil {
		return *c.fig.Labels
	}
	return byItself
}
