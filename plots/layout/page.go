package layout

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Page is a figure that is laid out: a size in points and how to paint it.
type Page struct {
	W, H  vg.Length
	serif bool
	print float64 // size in print per size in layout; 0 is 1
	Paint func(*Painter)
}

// Scale is the printed size of a laid-out point.
func (g *Page) Scale() float64 {
	if g.print > 0 {
		return g.print
	}
	return 1
}

// resolution of PNG files in dots per inch of the layout: twice that of a screen.
// What is printed smaller has more of them to the inch.
const resolution = 192

// Encode paints the page as png, svg or pdf.
func (g *Page) Encode(format string) ([]byte, error) {
	var b bytes.Buffer
	switch format {
	case "png":
		c := vgimg.NewWith(vgimg.UseWH(g.W, g.H), vgimg.UseDPI(resolution))
		g.Paint(NewPainter(c))
		_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(&b)
		return b.Bytes(), err
	case "svg":
		c := vgsvg.New(g.W, g.H)
		p := NewPainter(c)
		p.Fill(White, Rect{0, 0, g.W, g.H})
		g.Paint(p)
		if _, err := c.WriteTo(&b); err != nil {
			return nil, err
		}
		// Arial and Helvetica have the widths of Liberation Sans, so a reader
		// without that font sees the same layout.
		s := strings.ReplaceAll(b.String(), "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
		s = strings.ReplaceAll(s, "font-family:Liberation Serif;", "font-family:'Liberation Serif','Times New Roman',Times,serif;")
		s = strings.ReplaceAll(s, "data:image/jpg;", "data:image/png;") // which they are
		s = svgSize().ReplaceAllStringFunc(s, func(size string) string {
			m := svgSize().FindStringSubmatch(size)
			v, _ := strconv.ParseFloat(m[2], 64)
			return fmt.Sprintf(`%s="%.5gpt"`, m[1], v*g.Scale())
		})
		return []byte(svgText().ReplaceAllStringFunc(s, fixWidth)), nil
	case "pdf":
		c := newPDF(g.W, g.H, g.Scale(), g.serif)
		g.Paint(NewPainter(c))
		return c.bytes()
	}
	return nil, fmt.Errorf("format %q is unknown", format)
}

// svgSize is the page's width or height as vgsvg writes it; its viewBox stays
// that of the layout.
var svgSize = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(width|height)="([0-9.]+)pt"`)
})

// svgText is a line of text as vgsvg writes it.
var svgText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`<text (x="[^>]*?font-weight:(normal|bold);[^>]*?font-size:([0-9.]+)px[^>]*)>([^<]*)</text>`)
})

// fixWidth makes a viewer that has to take another font keep the line's width.
func fixWidth(text string) string {
	m := svgText().FindStringSubmatch(text)
	size, err := strconv.ParseFloat(m[3], 64)
	if err != nil {
		return text
	}
	w := Pen{Size: vg.Length(size), Bold: m[2] == "bold", serif: strings.Contains(m[1], "Liberation Serif")}.Width(html.UnescapeString(m[4]))
	return fmt.Sprintf(`<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" %s>%s</text>`, w.Points(), m[1], m[4])
}
