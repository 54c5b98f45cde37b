package outside

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"prabench/internal/atomicfile"
)

// Images are written for other programs.
type Images struct {
	Size, Channels int
	Pixels         []uint8 // [N, Size, Size, Channels]
	Labels         []int32
	Classes        int
}

// Header is what a NumPy file begins with.
func Header(dtype string, shape ...int) []byte {
	var dims strings.Builder
	for _, s := range shape {
		fmt.Fprintf(&dims, "%d,", s)
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, dims.String())
	text += strings.Repeat(" ", 63-(10+len(text))%64) + "\n"
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text)))
	return append(b, text...)
}

// Writes says whether a path names one of the forms of [Write]: .npz, .npy or, with
// no ending or a slash behind it, a folder.
func Writes(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npz", ".npy", "":
		return true
	}
	return strings.HasSuffix(path, "/")
}

// Possible says whether [Write] would make a folder of a path, and refuses one that
// has files: those of two samplings must not mix.
func Possible(path string) (folder bool, err error) {
	if ext := strings.ToLower(filepath.Ext(path)); !Writes(path) || ext == ".npz" || ext == ".npy" {
		return false, nil
	}
	if there, err := os.ReadDir(path); err == nil && len(there) > 0 {
		return true, errors.New("the folder has files already: name one that is not there or empty")
	}
	return true, nil
}

// Write writes what [Read] reads: .npz with the images as arr_0 and the classes as
// arr_1, as ADM's programs do; .npy with the images alone; a folder with a PNG file
// for each image in the folder of its class.
func Write(path string, m Images) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npz":
		return atomicfile.Output(path, 0o644, func(w io.Writer) error { return m.npz(w) })
	case ".npy":
		return atomicfile.Output(path, 0o644, func(w io.Writer) error { return m.npy(w) })
	}
	return m.folder(path)
}

func (m Images) npy(w io.Writer) error {
	if _, err := w.Write(Header("|u1", len(m.Labels), m.Size, m.Size, m.Channels)); err != nil {
		return err
	}
	_, err := w.Write(m.Pixels)
	return err
}

func (m Images) npz(w io.Writer) error {
	z := zip.NewWriter(w)
	images, err := z.CreateHeader(&zip.FileHeader{Name: "arr_0.npy", Method: zip.Store}) // as numpy.savez does
	if err == nil {
		err = m.npy(images)
	}
	if err != nil {
		return err
	}
	labels, err := z.CreateHeader(&zip.FileHeader{Name: "arr_1.npy", Method: zip.Store})
	if err != nil {
		return err
	}
	wide := make([]int64, len(m.Labels))
	for i, l := range m.Labels {
		wide[i] = int64(l)
	}
	if _, err := labels.Write(Header("<i8", len(wide))); err != nil {
		return err
	}
	if err := binary.Write(labels, binary.LittleEndian, wide); err != nil {
		return err
	}
	return z.Close()
}

// folder needs one that is not there or empty: files of two samplings must not mix.
func (m Images) folder(root string) error {
	if there, err := os.ReadDir(root); err == nil && len(there) > 0 {
		return &fs.PathError{Op: "write", Path: root, Err: fs.ErrExist}
	}
	digits := len(strconv.Itoa(max(0, m.Classes-1)))
	per := m.Size * m.Size * m.Channels
	for i, l := range m.Labels {
		dir := filepath.Join(root, fmt.Sprintf("%0*d", digits, l))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m.picture(m.Pixels[i*per:(i+1)*per])); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.png", i)), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

func (m Images) picture(x []uint8) image.Image {
	if m.Channels == 1 {
		return &image.Gray{Pix: x, Stride: m.Size, Rect: image.Rect(0, 0, m.Size, m.Size)}
	}
	p := image.NewNRGBA(image.Rect(0, 0, m.Size, m.Size))
	for i := range m.Size * m.Size {
		copy(p.Pix[4*i:], x[3*i:3*i+3])
		p.Pix[4*i+3] = 255
	}
	return p
}
