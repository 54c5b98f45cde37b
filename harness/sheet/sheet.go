// Package sheet lays generated images out side by side for a look.
//
// Its principle is that a reader compares within a row, so a row is a class, and
// that small images are shown larger by whole pixels only: smoothing would hide
// what a patch model does at its seams.
package sheet

import (
	"image"
	"image/color"
)

// Sheet is images in rows, uint8 [Rows·Cols, Size, Size, Channels]; places
// beyond the last image of a class stay empty (Filled tells which are taken).
type Sheet struct {
	Images         []uint8
	Filled         []bool // [Rows·Cols]
	Rows, Cols     int
	Size, Channels int
}

// ByClass makes a sheet of images, labels[i] the class of image i: one row for
// each class up to the last that has an image, and at most cols images a row.
func ByClass(pixels []uint8, labels []int32, size, channels, classes, cols int) Sheet {
	count := make([]int, classes) // images of each class
	rows, most := 0, 0
	for _, l := range labels {
		count[l]++
		rows, most = max(rows, int(l)+1), max(most, count[l])
	}
	cols = min(cols, most)
	per := size * size * channels
	s := Sheet{Images: make([]uint8, rows*cols*per), Filled: make([]bool, rows*cols), Rows: rows, Cols: cols, Size: size, Channels: channels}
	clear(count)
	for i, l := range labels {
		if c := count[l]; c < cols {
			at := int(l)*cols + c
			copy(s.Images[at*per:(at+1)*per], pixels[i*per:])
			s.Filled[at] = true
		}
		count[l]++
	}
	return s
}

// gap is the pixels between images; shown is the side to which small images
// are enlarged.
const (
	gap   = 2
	shown = 56
)

// Picture draws the sheet on white.
func (s Sheet) Picture() *image.RGBA {
	scale := max(1, shown/max(s.Size, 1))
	side := s.Size * scale
	im := image.NewRGBA(image.Rect(0, 0, s.Cols*(side+gap)+gap, s.Rows*(side+gap)+gap))
	for i := range im.Pix {
		im.Pix[i] = 255
	}
	for at, filled := range s.Filled {
		if !filled {
			continue
		}
		x0, y0 := gap+at%s.Cols*(side+gap), gap+at/s.Cols*(side+gap)
		for y := range side {
			for x := range side {
				im.SetRGBA(x0+x, y0+y, s.at(at, x/scale, y/scale))
			}
		}
	}
	return im
}

func (s Sheet) at(image, x, y int) color.RGBA {
	p := s.Images[((image*s.Size+y)*s.Size+x)*s.Channels:]
	if s.Channels == 1 {
		return color.RGBA{p[0], p[0], p[0], 255}
	}
	return color.RGBA{p[0], p[1], p[2], 255}
}
