package plots

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// samplesSheet draws generated images: one panel a cell, one row a class. Pixels
// are enlarged by whole factors, so that no viewer smooths them.
func samplesSheet(fig Figure, data Data) (*layout.Sheet, error) {
	sel, err := choose(fig, data)
	if err != nil {
		return nil, err
	}
	name := cellLabel
	for _, n := range []string{fig.Facet, fig.Series} {
		if n != "" {
			name = n
			break
		}
	}
	by, err := sel.category("facet", name)
	if err != nil {
		return nil, err
	}
	if err := sel.distinct("grid", by); err != nil {
		return nil, err
	}
	if err := sel.alike("the sheet of images", func(c CellData) bool { return c.Grid != nil }); err != nil {
		return nil, err
	}
	const most = 24
	if len(sel.cells) > most {
		return nil, fmt.Errorf("a grid has room for %d cells and %d are selected: choose some with where", most, len(sel.cells))
	}
	s := &layout.Sheet{Title: fig.Title, Source: sel.source()}
	missing := map[string]int{}
	labelW := vg.Length(0)
	var shape *Grid
	grids := make([]*Grid, len(sel.cells))
	for i, c := range sel.cells {
		if c.Grid == nil {
			why := "no images"
			if failed(c) {
				why = c.Outcome
			}
			missing[why]++
			continue
		}
		g, err := c.Grid.crop(fig.GridRows, fig.GridCols)
		if err != nil {
			return nil, fmt.Errorf("images of %s: %w", sel.label(c), err)
		}
		grids[i] = g
		if shape == nil || g.Rows*shape.Cols > shape.Rows*g.Cols {
			shape = g
		}
		for _, l := range g.RowLabels {
			labelW = max(labelW, min(70, rowPen.Width(l)))
		}
	}
	if shape == nil {
		return nil, fmt.Errorf("nothing to draw: none of the %d cells has images: %s", len(sel.cells), counted(missing))
	}
	if labelW > 0 {
		labelW += 5
	}
	s.Panels = make([]layout.Panel, len(sel.cells))
	s.Width = 504
	if room := roomOf(fig); room > 0 {
		s.Width = room
	}
	_, cols := s.Grid()
	if cols == 1 && fig.Width == 0 { // tiles of a single sheet need no more than half an inch
		s.Width = max(260, min(504, 2*layout.Border+6+labelW+36*vg.Length(shape.Cols)))
	}
	frameW := (s.Width - 2*layout.Border - 6 - 11*vg.Length(cols-1)) / vg.Length(cols)
	s.Inset = labelW
	s.Aspect = float64((frameW - labelW) / frameW * vg.Length(shape.Rows) / vg.Length(shape.Cols))
	order := map[string]int{}
	for i, n := range by.names {
		order[n] = i
	}
	for i, c := range sel.cells {
		g, text := grids[i], show(sel.value(c, *by))
		head := heading(by, text)
		if isLabel(name) && len(sel.cells) == 1 && c.Label == "" {
			head = ""
		}
		why := c.Outcome
		if why == "" || why == "ok" {
			why = "no images"
		}
		s.Panels[order[text]] = layout.Panel{Heading: head, Draw: func(p *layout.Painter, a layout.Area) {
			f := a.Frame
			f.X0 += labelW
			if g == nil {
				p.Fill(layout.Faint, f)
				failedTile(p, f, why)
				return
			}
			tile := min(f.W()/vg.Length(g.Cols), f.H()/vg.Length(g.Rows))
			sheet := layout.Rect{X0: f.X0, Y0: f.Y1 - tile*vg.Length(g.Rows), X1: f.X0 + tile*vg.Length(g.Cols), Y1: f.Y1}
			p.Image(sheet, g.sheet())
			for r, l := range g.RowLabels {
				if tile >= rowPen.Size {
					p.Text(rowPen, f.X0-4, f.Y1-(vg.Length(r)+0.5)*tile, layout.End, layout.Middle, rowPen.Short(l, 70))
				}
			}
		}}
	}
	if len(missing) > 0 {
		n := 0
		for _, k := range missing {
			n += k
		}
		s.Notes = append(s.Notes, fmt.Sprintf("× %d of %d cells without images: %s.", n, len(sel.cells), counted(missing)))
	}
	return s, nil
}

var rowPen = layout.Pen{Size: 8, Bold: false, Color: layout.Dark}

// crop checks a grid and cuts it to at most rows × cols; 0 keeps all.
func (g *Grid) crop(rows, cols int) (*Grid, error) {
	switch {
	case g.Rows < 1 || g.Cols < 1 || g.Size < 1:
		return nil, fmt.Errorf("%d rows, %d columns, side %d: all are at least 1", g.Rows, g.Cols, g.Size)
	case g.Channels != 1 && g.Channels != 3:
		return nil, fmt.Errorf("%d channels: images are grey (1) or RGB (3)", g.Channels)
	case len(g.Images) != g.Rows*g.Cols*g.Size*g.Size*g.Channels:
		return nil, fmt.Errorf("%d bytes do not make %d × %d images of %d × %d × %d", len(g.Images), g.Rows, g.Cols, g.Size, g.Size, g.Channels)
	case len(g.RowLabels) != 0 && len(g.RowLabels) != g.Rows:
		return nil, fmt.Errorf("%d row labels for %d rows", len(g.RowLabels), g.Rows)
	case rows < 0 || cols < 0:
		return nil, errors.New("a number of grid rows or columns is not negative")
	}
	c := *g
	if rows > 0 && rows < g.Rows {
		c.Rows = rows
		if len(g.RowLabels) > 0 {
			c.RowLabels = g.RowLabels[:rows]
		}
	}
	if cols > 0 && cols < g.Cols {
		c.Cols = cols
	}
	n := g.Size * g.Size * g.Channels
	c.Images = nil
	for r := 0; r < c.Rows; r++ {
		c.Images = append(c.Images, g.Images[r*g.Cols*n:(r*g.Cols+c.Cols)*n]...)
	}
	return &c, nil
}

// sheet is the grid as one picture with white lines between the images.
func (g *Grid) sheet() image.Image {
	k := max(1, (96+g.Size-1)/g.Size) // device pixels a pixel
	rule := max(2, k*g.Size/24)
	step := k*g.Size + rule
	img := image.NewRGBA(image.Rect(0, 0, g.Cols*step-rule, g.Rows*step-rule))
	for i := range img.Pix {
		img.Pix[i] = 0xFF
	}
	for i := 0; i < g.Rows*g.Cols; i++ {
		px := g.Images[i*g.Size*g.Size*g.Channels:]
		x0, y0 := i%g.Cols*step, i/g.Cols*step
		for y := 0; y < g.Size; y++ {
			for x := 0; x < g.Size; x++ {
				o := (y*g.Size + x) * g.Channels
				c := color.RGBA{px[o], px[o], px[o], 0xFF}
				if g.Channels == 3 {
					c.G, c.B = px[o+1], px[o+2]
				}
				for dy := 0; dy < k; dy++ {
					for dx := 0; dx < k; dx++ {
						img.SetRGBA(x0+x*k+dx, y0+y*k+dy, c)
					}
				}
			}
		}
	}
	return img
}
