package plots

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Grid, plotter{open: openGrid, plot: plotGrid})

// grids are the sheets of images of a figure, by cell; nil where there is none.
type grids struct {
	*chart
	list    []*Grid
	tallest *Grid     // per column
	labelW  vg.Length // room for the names of rows
}

func openGrid(fig *Figure) {
	if fig.Facet == "" {
		fig.Facet = fig.Series
	}
	if fig.Facet == "" {
		fig.Facet = cellLabel
	}
}

// mostSheets is how many cells a grid has room for: a sweep of 36 is one figure, and
// with three sheets side by side 40 fill a long page.
const mostSheets = 40

// plotGrid draws generated images: one panel for each cell, one row for each
// class. Pixels are enlarged by whole factors, so that no viewer smooths them.
func plotGrid(c *chart) error {
	if err := c.distinct("grid", c.facet); err != nil {
		return err
	}
	if len(c.cells) > mostSheets {
		return fmt.Errorf("a grid has room for %d cells and %d are selected: choose some with where", mostSheets, len(c.cells))
	}
	c.lack = "without images"
	g := grids{chart: c, list: make([]*Grid, len(c.cells))}
	g.sheet.Panels = make([]layout.Panel, len(c.cells))
	if err := g.read(); err != nil {
		return err
	}
	g.size()
	return nil
}

// read takes the sheets and gives each cell the panel of its facet.
func (g *grids) read() error {
	order := map[string]int{}
	for i, n := range g.facet.names {
		order[n] = i
	}
	for i, c := range g.cells {
		why := ""
		if c.Grid == nil {
			why = g.lacks(c, "no images")
		} else {
			one, err := c.Grid.crop(g.fig.GridRows, g.fig.GridCols)
			if err != nil {
				return fmt.Errorf("images of %s: %w", g.label(c), err)
			}
			g.list[i] = one
			if g.tallest == nil || one.Rows*g.tallest.Cols > g.tallest.Rows*one.Cols {
				g.tallest = one
			}
			g.written = append(g.written, one.RowLabels...)
			for _, l := range one.RowLabels {
				g.labelW = max(g.labelW, min(70, rowPen.Width(l)))
			}
		}
		name := g.place(c, g.facet)
		head := heading(g.facet, name, g.fig.Called)
		if c.hollow {
			head += " (dropped)"
		}
		if isLabel(g.facet.name) && len(g.cells) == 1 && c.Label == "" {
			head = ""
		}
		g.sheet.Panels[order[name]] = layout.Panel{Heading: head, Draw: func(p *layout.Painter, a layout.Area) { g.draw(g.list[i], why, p, a) }}
	}
	if g.tallest == nil {
		return g.nothing("images")
	}
	if g.labelW > 0 {
		g.labelW += 5
	}
	return nil
}

// size makes frames of the images' shape.
func (g *grids) size() {
	s := &g.sheet
	s.Width = 504
	if room := roomOf(g.fig); room > 0 {
		s.Width = room
	}
	_, cols := s.Grid()
	if cols == 1 && g.fig.Width == 0 { // tiles of a single sheet need no more than half an inch
		s.Width = max(260, min(504, 2*layout.Border+6+g.labelW+36*vg.Length(g.tallest.Cols)))
	}
	frameW := (s.Width - 2*layout.Border - 6 - 11*vg.Length(cols-1)) / vg.Length(cols)
	s.Inset = g.labelW
	s.Aspect = float64((frameW - g.labelW) / frameW * vg.Length(g.tallest.Rows) / vg.Length(g.tallest.Cols))
}

func (g *grids) draw(one *Grid, why string, p *layout.Painter, a layout.Area) {
	f := a.Frame
	f.X0 += g.labelW
	if one == nil {
		p.Fill(layout.Faint, f)
		failedTile(p, f, why)
		return
	}
	tile := min(f.W()/vg.Length(one.Cols), f.H()/vg.Length(one.Rows))
	sheet := layout.Rect{X0: f.X0, Y0: f.Y1 - tile*vg.Length(one.Rows), X1: f.X0 + tile*vg.Length(one.Cols), Y1: f.Y1}
	p.Image(sheet, one.sheet())
	for r, l := range one.RowLabels {
		if tile >= rowPen.Size {
			p.Text(rowPen, f.X0-4, f.Y1-(vg.Length(r)+0.5)*tile, layout.End, layout.Middle, rowPen.Short(l, 70))
		}
	}
}

var rowPen = layout.Pen{Size: 8, Color: layout.Dark}

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
		return nil, errors.New("the number of rows or columns of a grid cannot be negative")
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
