package layout

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// pdfCanvas is a vg.Canvas over fpdf. gonum's own one writes text in
// Windows-1252, gives a second typeface the glyphs of the first, embeds whole
// fonts (220 kB a figure) and turns images upside down; this one embeds the
// glyphs in use.
type pdfCanvas struct {
	doc    *fpdf.Fpdf
	h      vg.Length
	stack  []pdfState
	images int
	widths map[int]bool // of the images so far, in pixels
	scaled bool         // all drawing is inside one transformation
}

// pdfState maps drawing coordinates to the page, whose y points down: a point p
// goes to at + p turned by angle, then y is flipped.
type pdfState struct {
	at    vg.Point
	angle float64
	scale [2]float64
	color color.Color
	width vg.Length
	dash  []vg.Length
	offs  vg.Length
}

// newPDF makes a page of w × h, printed at a scale: all that is drawn is.
func newPDF(w, h vg.Length, scale float64, serif bool) *pdfCanvas {
	doc := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", Size: fpdf.SizeType{Wd: w.Points() * scale, Ht: h.Points() * scale}})
	// The same figure is the same bytes: no clock, no order of maps.
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	doc.SetCreationDate(epoch)
	doc.SetModificationDate(epoch)
	doc.SetCatalogSort(true)
	doc.SetProducer("prabench", false)
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	doc.AddUTF8FontFromBytes("sans", "", regularFile())
	doc.AddUTF8FontFromBytes("sansbold", "", boldFile())
	if serif {
		doc.AddUTF8FontFromBytes("serif", "", fontSource(Pen{serif: true}))
		doc.AddUTF8FontFromBytes("serifbold", "", fontSource(Pen{serif: true, Bold: true}))
	}
	doc.AddPage()
	doc.SetLineJoinStyle("round")
	c := &pdfCanvas{doc: doc, h: h, stack: []pdfState{{scale: [2]float64{1, 1}}}}
	if scale != 1 {
		c.scaled = true
		doc.TransformBegin()
		doc.TransformScale(scale*100, scale*100, 0, 0)
	}
	vg.Initialize(c)
	return c
}

var (
	regularFile = sync.OnceValue(func() []byte { return fontSource(Pen{}) })
	boldFile    = sync.OnceValue(func() []byte { return fontSource(Pen{Bold: true}) })
)

func fontSource(p Pen) []byte {
	var b bytes.Buffer
	f := p.face()
	if _, err := f.Face.WriteSourceTo(nil, &b); err != nil {
		panic("layout: a font of the module cannot be read: " + err.Error())
	}
	return b.Bytes()
}

func (c *pdfCanvas) bytes() ([]byte, error) {
	if c.scaled {
		c.doc.TransformEnd()
	}
	var b bytes.Buffer
	err := c.doc.Output(&b)
	return b.Bytes(), err
}

func (c *pdfCanvas) top() *pdfState { return &c.stack[len(c.stack)-1] }

// Page maps a point to the page: x from the left, y from the top.
func (c *pdfCanvas) page(p vg.Point) (x, y float64) {
	s := c.top()
	sin, cos := math.Sincos(s.angle)
	px, py := p.X.Points()*s.scale[0], p.Y.Points()*s.scale[1]
	return s.at.X.Points() + cos*px - sin*py, c.h.Points() - (s.at.Y.Points() + sin*px + cos*py)
}

func (c *pdfCanvas) SetLineWidth(w vg.Length)                  { c.top().width = w }
func (c *pdfCanvas) SetLineDash(d []vg.Length, offs vg.Length) { c.top().dash, c.top().offs = d, offs }
func (c *pdfCanvas) SetColor(col color.Color)                  { c.top().color = col }
func (c *pdfCanvas) Rotate(rad float64)                        { c.top().angle += rad }
func (c *pdfCanvas) Push()                                     { c.stack = append(c.stack, *c.top()) }
func (c *pdfCanvas) Pop()                                      { c.stack = c.stack[:len(c.stack)-1] }

func (c *pdfCanvas) Translate(p vg.Point) {
	x, y := c.page(p)
	c.top().at = vg.Point{X: vg.Length(x), Y: c.h - vg.Length(y)}
}

// Scale is exact before any rotation, the only order in which figures use it.
func (c *pdfCanvas) Scale(x, y float64) {
	c.top().scale[0] *= x
	c.top().scale[1] *= y
}

func (c *pdfCanvas) rgb() (r, g, b int) {
	col := c.top().color
	if col == nil {
		col = color.Black
	}
	q := color.RGBAModel.Convert(col).(color.RGBA)
	return int(q.R), int(q.G), int(q.B)
}

func (c *pdfCanvas) Stroke(p vg.Path) {
	s := c.top()
	if s.width <= 0 {
		return
	}
	c.doc.SetDrawColor(c.rgb())
	c.doc.SetLineWidth(s.width.Points())
	dash := make([]float64, len(s.dash))
	for i := range dash {
		dash[i] = s.dash[i].Points()
	}
	c.doc.SetDashPattern(dash, s.offs.Points())
	c.path(p, "D")
}

func (c *pdfCanvas) Fill(p vg.Path) {
	c.doc.SetFillColor(c.rgb())
	c.path(p, "F")
}

func (c *pdfCanvas) path(p vg.Path, style string) {
	for _, e := range p {
		x, y := c.page(e.Pos)
		switch e.Type {
		case vg.MoveComp:
			c.doc.MoveTo(x, y)
		case vg.LineComp:
			c.doc.LineTo(x, y)
		case vg.CurveComp:
			x0, y0 := c.page(e.Control[0])
			if len(e.Control) > 1 {
				x1, y1 := c.page(e.Control[1])
				c.doc.CurveBezierCubicTo(x0, y0, x1, y1, x, y)
			} else {
				c.doc.CurveTo(x0, y0, x, y)
			}
		case vg.CloseComp:
			c.doc.ClosePath()
		default:
			panic("layout: figures draw no arcs, which PDF does not have")
		}
	}
	c.doc.DrawPath(style)
}

func (c *pdfCanvas) FillString(f font.Face, at vg.Point, s string) {
	name := strings.ToLower(string(f.Font.Variant))
	if f.Font.Weight == stdfont.WeightBold {
		name += "bold"
	}
	c.doc.SetFont(name, "", f.Font.Size.Points())
	c.doc.SetTextColor(c.rgb())
	x, y := c.page(at)
	if angle := c.top().angle; angle != 0 {
		c.doc.TransformBegin()
		c.doc.TransformRotate(angle*180/math.Pi, x, y)
		defer c.doc.TransformEnd()
	}
	c.doc.Text(x, y, s)
}

func (c *pdfCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	own, width := img.Bounds().Dx(), 0
	img, width = c.ownWidth(img)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic("layout: a picture cannot be written to memory: " + err.Error())
	}
	c.images++
	name := "image" + strconv.Itoa(c.images)
	opt := fpdf.ImageOptions{ImageType: "png"}
	c.doc.RegisterImageOptionsReader(name, opt, &b)
	x, y := c.page(vg.Point{X: r.Min.X, Y: r.Max.Y})
	w, h := r.Size().X.Points(), r.Size().Y.Points()
	c.doc.ClipRect(x, y, w, h, false)
	c.doc.ImageOptions(name, x, y, w*float64(width)/float64(own), h, false, opt, 0, "")
	c.doc.ClipEnd()
}

// ownWidth adds white columns until no image so far has the width. fpdf orders
// images by their width alone, and those of one width as a map gives them: each
// drawing would have other bytes.
func (c *pdfCanvas) ownWidth(img image.Image) (image.Image, int) {
	if c.widths == nil {
		c.widths = map[int]bool{}
	}
	b := img.Bounds()
	w := b.Dx()
	for c.widths[w] {
		w++
	}
	c.widths[w] = true
	if w == b.Dx() {
		return img, w
	}
	wide := image.NewRGBA(image.Rect(0, 0, w, b.Dy()))
	draw.Draw(wide, wide.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(wide, b.Sub(b.Min), img, b.Min, draw.Src)
	return wide, w
}
