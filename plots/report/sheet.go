package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"strings"

	"prabench/plots"
)

// sheet is generated images of one point.
type sheet struct {
	Row, Name, Find string
	Image           template.URL
	Width, Height   int
	About           string
}

// mostColumns is how many images of a class are shown.
const mostColumns = 8

// between is the white lines between images, in pixels.
const between = 1

// sheetImage lays a grid out at its own resolution; the page enlarges it by
// whole pixels.
func sheetImage(g *plots.Grid) (*bytes.Buffer, int, int, error) {
	per := g.Size * g.Size * g.Channels
	if g.Rows < 1 || g.Cols < 1 || g.Size < 1 || g.Channels != 1 && g.Channels != 3 || len(g.Images) != g.Rows*g.Cols*per {
		return nil, 0, 0, fmt.Errorf("%d bytes do not make %d × %d images of %d × %d × %d", len(g.Images), g.Rows, g.Cols, g.Size,
			g.Size, g.Channels)
	}
	cols := min(g.Cols, mostColumns)
	w, h := cols*(g.Size+between)-between, g.Rows*(g.Size+between)-between
	var set func(x, y int, c color.RGBA)
	var im image.Image
	if g.Channels == 1 {
		grey := image.NewGray(image.Rect(0, 0, w, h))
		for i := range grey.Pix {
			grey.Pix[i] = 255
		}
		set = func(x, y int, c color.RGBA) { grey.SetGray(x, y, color.Gray{Y: c.R}) }
		im = grey
	} else {
		full := image.NewRGBA(image.Rect(0, 0, w, h))
		for i := range full.Pix {
			full.Pix[i] = 255
		}
		set = full.SetRGBA
		im = full
	}
	for i := range g.Rows * g.Cols {
		if i%g.Cols >= cols {
			continue
		}
		x0, y0 := i%g.Cols*(g.Size+between), i/g.Cols*(g.Size+between)
		px := g.Images[i*per:]
		for at := range g.Size * g.Size {
			v := px[at*g.Channels:]
			c := color.RGBA{v[0], v[0], v[0], 255}
			if g.Channels == 3 {
				c.G, c.B = v[1], v[2]
			}
			set(x0+at%g.Size, y0+at/g.Size, c)
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	return &b, w, h, encoder.Encode(&b, im)
}

// sheets are those of the points that have images.
func (e *experiment) sheets() ([]sheet, error) {
	var out []sheet
	for i, c := range e.Data.Cells {
		if c.Grid == nil {
			continue
		}
		b, w, h, err := sheetImage(c.Grid)
		if err != nil {
			return nil, fmt.Errorf("the images of %s of %s: %w", c.Label, e.Name, err)
		}
		r := e.points.Rows[i]
		s := sheet{Row: r.ID, Name: r.Name, Find: r.Find, Image: dataURL("image/png", b.Bytes()), Width: w, Height: h}
		s.About = fmt.Sprintf("%d × %d generated images, one row per class", c.Grid.Rows, min(c.Grid.Cols, mostColumns))
		if n := c.Grid.RowLabels; len(n) > 0 {
			s.About += ": " + strings.Join(n, ", ")
		}
		out = append(out, s)
	}
	return out, nil
}

func dataURL(kind string, raw []byte) template.URL {
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(raw))
}
