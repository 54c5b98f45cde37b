package sheet

import (
	"image/color"
	"testing"
)

func TestRowsAreClasses(t *testing.T) {
	// Seven images of one pixel, of three classes in turn: 0 1 2 0 1 2 0.
	s := ByClass([]uint8{0, 1, 2, 10, 11, 12, 20}, []int32{0, 1, 2, 0, 1, 2, 0}, 1, 1, 3, 10)
	if s.Rows != 3 || s.Cols != 3 {
		t.Fatalf("%d rows, %d columns", s.Rows, s.Cols)
	}
	for at, want := range []uint8{0, 10, 20, 1, 11, 0, 2, 12, 0} {
		if s.Images[at] != want || s.Filled[at] != (at != 5 && at != 8) {
			t.Errorf("place %d: %d, filled %v", at, s.Images[at], s.Filled[at])
		}
	}
}

// The rows are of the classes that the labels say, in whatever order they come.
func TestLabelsDecide(t *testing.T) {
	s := ByClass([]uint8{1, 2, 3, 4}, []int32{2, 0, 2, 2}, 1, 1, 5, 2)
	if s.Rows != 3 || s.Cols != 2 {
		t.Fatalf("%d rows, %d columns", s.Rows, s.Cols)
	}
	for at, want := range []uint8{2, 0, 0, 0, 1, 3} {
		if s.Images[at] != want || s.Filled[at] != (want > 0) {
			t.Errorf("place %d: %d, filled %v", at, s.Images[at], s.Filled[at])
		}
	}
}

func TestPictureEnlargesByWholePixels(t *testing.T) {
	rgb := []uint8{255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9} // one image of 2×2
	im := ByClass(rgb, []int32{0}, 2, 3, 1, 10).Picture()
	if b := im.Bounds(); b.Dx() != 60 || b.Dy() != 60 {
		t.Fatalf("%v", b)
	}
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{{0, 0, color.RGBA{255, 255, 255, 255}}, {2, 2, color.RGBA{255, 0, 0, 255}}, {29, 29, color.RGBA{255, 0, 0, 255}},
		{30, 2, color.RGBA{0, 255, 0, 255}}, {57, 57, color.RGBA{9, 9, 9, 255}}} {
		if got := im.RGBAAt(c.x, c.y); got != c.want {
			t.Errorf("at %d,%d %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

func TestFewerImagesThanClasses(t *testing.T) {
	s := ByClass([]uint8{5, 6}, []int32{0, 1}, 1, 1, 10, 10)
	if s.Rows != 2 || s.Cols != 1 || s.Images[1] != 6 {
		t.Errorf("%+v", s)
	}
}
