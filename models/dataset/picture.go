package dataset

import (
	"bufio"
	"fmt"
	"image"
	_ "image/jpeg" // a format that folders may hold
	_ "image/png"  // a format that folders may hold
	"io"
	"os"

	"golang.org/x/image/draw"
)

// readPicture decodes a PNG or JPEG file and fits it into out
// [size, size, channels]. Transparency shows black. A picture is scaled with
// the Catmull-Rom kernel, widened when shrinking so that nothing aliases.
func readPicture(path string, out []byte, size, channels int, fit string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	return decodePicture(f, path, st.Size(), out, size, channels, fit)
}

// decodePicture is readPicture of bytes at hand: bytes is their number.
func decodePicture(f io.ReadSeeker, name string, bytes int64, out []byte, size, channels int, fit string) error {
	if err := boundPicture(f, bytes, size); err != nil {
		return fmt.Errorf("%s %w", name, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	src, _, err := image.Decode(bufio.NewReader(f))
	if err != nil {
		return fmt.Errorf("%s is damaged: %w", name, err)
	}
	from, to := fitPicture(src.Bounds(), size, fit)
	dst := image.NewRGBA(image.Rect(0, 0, size, size))
	for i := 3; i < len(dst.Pix); i += 4 {
		dst.Pix[i] = 255
	}
	if from.Size() == to.Size() {
		draw.Draw(dst, to, src, from.Min, draw.Over)
	} else {
		draw.CatmullRom.Scale(dst, to, src, from, draw.Over, nil)
	}
	for i := range size * size {
		convert(out[i*channels:][:channels], dst.Pix[4*i:][:3])
	}
	return nil
}

// fitPicture says which part of a picture goes where in the square.
func fitPicture(b image.Rectangle, size int, fit string) (from, to image.Rectangle) {
	from, to = b, image.Rect(0, 0, size, size)
	w, h := b.Dx(), b.Dy()
	switch fit {
	case "crop":
		side := min(w, h)
		x, y := b.Min.X+(w-side)/2, b.Min.Y+(h-side)/2
		from = image.Rect(x, y, x+side, y+side)
	case "pad":
		side := max(w, h)
		tw, th := max(1, (w*size+side/2)/side), max(1, (h*size+side/2)/side)
		x, y := (size-tw)/2, (size-th)/2
		to = image.Rect(x, y, x+tw, y+th)
	}
	return from, to
}
