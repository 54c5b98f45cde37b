package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a format that folders may hold
	_ "image/png"  // a format that folders may hold
	"io"
	"io/fs"
	"os"
	"syscall"

	_ "golang.org/x/image/bmp" // a format that folders may hold
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a format that folders may hold

	"prabench/models/dataset/turbo"
)

// pictureEndings are those of files that folders may hold, in small letters.
var pictureEndings = []string{".png", ".jpg", ".jpeg", ".webp", ".bmp"}

// openRegular opens a file for reading and refuses what is none: a pipe would
// wait for ever, a device give bytes that are nobody's picture.
func openRegular(path string) (*os.File, int64, error) {
	// Opening a pipe waits for its writer, unless told not to.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if st, e := os.Stat(path); e == nil && !st.Mode().IsRegular() { // a socket cannot be opened
			return nil, 0, fmt.Errorf("%s is %s, not a file", path, kindOf(st.Mode()))
		}
		return nil, 0, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is %s, not a file", path, kindOf(st.Mode()))
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// form is what becomes of a picture: size×size pixels of channels values, brought to
// that as fit says.
type form struct {
	size, channels int
	fit            string
	turbo          bool // JPEG files are decoded by libjpeg-turbo where it has no complaint
}

// readPicture decodes a PNG, JPEG, WebP or BMP file, turns it upright and fits
// it into out [size, size, channels]. Transparency shows black. A picture is
// scaled with the Catmull-Rom kernel, widened when shrinking so that nothing
// aliases. It gives the EXIF orientation that was undone, 1 for none.
func readPicture(path string, out []byte, to form) (turn int, err error) {
	f, bytes, err := openRegular(path)
	if err != nil {
		return 1, err
	}
	defer f.Close()
	return decodePicture(f, path, bytes, out, to)
}

// endOfJPEG is the mark that some programs leave out. As libjpeg does, a file
// whose scans are whole is read without it.
var endOfJPEG = []byte{0xff, 0xd9}

// decodePicture is readPicture of bytes at hand: length is their number.
func decodePicture(f io.ReadSeeker, name string, length int64, out []byte, to form) (turn int, err error) {
	format, err := boundPicture(f, length, to.size)
	if err != nil {
		return 1, fmt.Errorf("%s %w", name, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 1, err
	}
	meta := io.Reader(io.LimitReader(f, maxMeta))
	if format == "webp" {
		meta = f // its metadata follow the pixels
	}
	head, err := io.ReadAll(meta)
	if err != nil {
		return 1, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	turn = orientation(format, head)
	if format == "jpeg" && to.turbo {
		rest, err := io.ReadAll(f)
		if err != nil {
			return turn, fmt.Errorf("%s cannot be read: %w", name, err)
		}
		if placeTurbo(out, append(head, rest...), turn, to) {
			return turn, nil
		}
		if _, err := f.Seek(int64(len(head)), io.SeekStart); err != nil {
			return turn, err
		}
	}
	whole := io.MultiReader(bytes.NewReader(head), f)
	if format == "jpeg" {
		whole = io.MultiReader(whole, bytes.NewReader(endOfJPEG))
	}
	src, _, err := image.Decode(bufio.NewReader(whole))
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = errors.New("it ends too early")
		}
		return 1, fmt.Errorf("%s is damaged: %w", name, err)
	}
	place(out, src, turn, to)
	return turn, nil
}

// placeTurbo decodes by libjpeg-turbo into out; false where that finds any fault. A
// picture that is upright and as large as it is to be needs no copy.
func placeTurbo(out, jpeg []byte, turn int, to form) bool {
	w, h, ok := turbo.Size(jpeg)
	if ok && turn == 1 && w == to.size && h == to.size && to.channels == 3 {
		return turbo.Decode(jpeg, out, w, h)
	}
	src := decodeTurbo(jpeg)
	if src == nil {
		return false
	}
	place(out, src, turn, to)
	return true
}

// decodeTurbo is a picture by libjpeg-turbo; nil where it finds any fault.
func decodeTurbo(jpeg []byte) *image.RGBA {
	w, h, ok := turbo.Size(jpeg)
	if !ok {
		return nil
	}
	rgb := make([]byte, 3*w*h)
	if !turbo.Decode(jpeg, rgb, w, h) {
		return nil
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		to, from := m.Pix[4*i:4*i+4:4*i+4], rgb[3*i:3*i+3:3*i+3]
		to[0], to[1], to[2], to[3] = from[0], from[1], from[2], 255
	}
	return m
}

// place turns a picture upright and fits it into out.
func place(out []byte, src image.Image, turn int, form form) {
	size, channels := form.size, form.channels
	if turn != 1 {
		src = turned{src, turn}
	}
	from, to := fitPicture(src.Bounds(), size, form.fit)
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
