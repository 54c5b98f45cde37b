package outside

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/sbinet/npyio/npy"
)

func (s *Set) npy(path string, floats Range) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	s.SHA256 = sumOf(raw)
	return s.images(path, raw, floats)
}

// npz reads arr_0 and arr_1, the names that numpy.savez gives to arrays without
// one, as in the sample files of ADM and EDM.
func (s *Set) npz(path string, floats Range) error {
	whole, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	s.SHA256 = sumOf(whole)
	z, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		return fmt.Errorf("%s: not an .npz file: %w", path, err)
	}
	raw, err := member(z, path, "arr_0")
	if err != nil {
		return err
	}
	if raw == nil {
		var names []string
		for _, f := range z.File {
			names = append(names, strings.TrimSuffix(f.Name, ".npy"))
		}
		return fmt.Errorf("%s has no array arr_0, only: %s; save the images with numpy.savez(path, images) or "+
			"savez(path, arr_0=images, arr_1=labels)", path, strings.Join(names, ", "))
	}
	if err := s.images(path+": arr_0", raw, floats); err != nil {
		return err
	}
	if raw, err = member(z, path, "arr_1"); err != nil || raw == nil {
		return err
	}
	return s.labels(path+": arr_1", raw)
}

// largestArray bounds what an array may unpack to.
const largestArray = 64 << 30

// member unpacks an array of an .npz file, nil where there is none of the name.
func member(z *zip.Reader, path, name string) ([]byte, error) {
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == name+".npy" })
	if i < 0 {
		return nil, nil
	}
	if z.File[i].UncompressedSize64 > largestArray {
		return nil, fmt.Errorf("%s: %s unpacks to %d bytes, more than the %d that are read: score fewer images at a time", path, name,
			z.File[i].UncompressedSize64, int64(largestArray))
	}
	r, err := z.File[i].Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", path, name, err)
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, largestArray))
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", path, name, err)
	}
	return raw, nil
}

// array is a NumPy array whose header has been read.
type array struct {
	name  string
	dtype string // as in "|u1", without its byte order
	shape []int
	data  []byte
	order binary.ByteOrder
}

func open(name string, raw []byte) (a *array, err error) {
	defer func() {
		if p := recover(); p != nil { // what the library does with a header that is cut off
			a, err = nil, fmt.Errorf("%s: not a NumPy array (%v): save it with numpy.save or numpy.savez", name, p)
		}
	}()
	if len(raw) < 12 || !bytes.HasPrefix(raw, []byte("\x93NUMPY")) {
		return nil, fmt.Errorf("%s: not a NumPy array: save it with numpy.save or numpy.savez", name)
	}
	long := int(binary.LittleEndian.Uint16(raw[8:])) + 10
	if raw[6] > 1 {
		long = int(binary.LittleEndian.Uint32(raw[8:])) + 12
	}
	if long > len(raw) {
		return nil, fmt.Errorf("%s: not a whole NumPy array: its header has %d bytes, the file %d; copy or save it again", name, long, len(raw))
	}
	r, err := npy.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%s: not a NumPy array: %w", name, err)
	}
	d := r.Header.Descr
	if d.Fortran {
		return nil, fmt.Errorf("%s is in Fortran order: save numpy.ascontiguousarray of it", name)
	}
	a = &array{name: name, dtype: strings.TrimLeft(d.Type, "<>|="), shape: d.Shape, data: raw[long:], order: binary.LittleEndian}
	if strings.HasPrefix(d.Type, ">") {
		a.order = binary.BigEndian
	}
	width := 0
	if len(a.dtype) == 2 && strings.Contains("buif", a.dtype[:1]) {
		width = map[byte]int{'1': 1, '2': 2, '4': 4, '8': 8}[a.dtype[1]]
	}
	if width == 0 {
		return nil, fmt.Errorf("%s holds %s, not an array of numbers: save it as uint8, float32 or float64", name, kindOf(a.dtype))
	}
	n, fits := width, true
	for _, k := range a.shape {
		if fits = fits && k >= 0 && (k == 0 || n <= len(a.data)/k); fits {
			n *= k
		}
	}
	if !fits || n != len(a.data) {
		return nil, fmt.Errorf("%s is cut off or damaged: %d bytes of data for the shape %v of %s; save or copy it again", name, len(a.data),
			a.shape, a.dtype)
	}
	return a, nil
}

// images takes [N, H, W, C] or [N, H, W], bytes or floats of a known range.
func (s *Set) images(name string, raw []byte, floats Range) error {
	a, err := open(name, raw)
	if err != nil {
		return err
	}
	shape := a.shape
	if len(shape) == 3 {
		shape = append(slices.Clone(shape), 1)
	}
	switch {
	case len(shape) != 4:
		return fmt.Errorf("%s has the shape %v: images are [N, height, width, channels]", name, a.shape)
	case (shape[1] == 1 || shape[1] == 3) && shape[2] == s.size && shape[3] == s.size:
		return fmt.Errorf("%s has the shape %v, channels first: save images.transpose(0, 2, 3, 1)", name, a.shape)
	case shape[3] == 4:
		return fmt.Errorf("%s is RGBA: put the images on the background that you publish with and save [N, height, width, 3]", name)
	case shape[1] != s.size || shape[2] != s.size:
		return wrongSize(name, shape[2], shape[1], s.size)
	case shape[3] != s.channels:
		return fmt.Errorf("%s has %s, the experiment's images have %s: convert them as you publish them", name,
			planes(shape[3]), planes(s.channels))
	}
	s.N = shape[0]
	if a.dtype == "u1" {
		s.Pixels = a.data
		return nil
	}
	if s.Pixels, err = a.bytes(floats); err != nil {
		return err
	}
	return nil
}

func planes(n int) string {
	if n == 1 {
		return "1 channel"
	}
	return fmt.Sprintf("%d channels", n)
}

// bytes turns floats of a range into bytes, rounded to the nearest.
func (a *array) bytes(of Range) ([]uint8, error) {
	x, err := a.floats()
	if err != nil {
		return nil, fmt.Errorf("%s holds %s: images are uint8, float32 or float64", a.name, a.dtype)
	}
	least, most := math.Inf(1), math.Inf(-1)
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s: value %d is %g, and images are numbers: look at what drew them", a.name, i, v)
		}
		least, most = min(least, v), max(most, v)
	}
	ends, known := map[Range][2]float64{Unit: {0, 1}, Signed: {-1, 1}, Bytes: {0, 255}}[of]
	if !known {
		return nil, fmt.Errorf("%s holds floats from %g to %g: say with --range %s, %s or %s what is black and white, or save uint8", a.name,
			least, most, Unit, Signed, Bytes)
	}
	if least < ends[0] || most > ends[1] {
		return nil, fmt.Errorf("%s holds floats from %g to %g, outside --range %s: clip them as you publish them", a.name, least, most, of)
	}
	out := make([]uint8, len(x))
	for i, v := range x {
		out[i] = uint8(math.Round((v - ends[0]) / (ends[1] - ends[0]) * 255))
	}
	return out, nil
}

var errType = errors.New("another type")

func (a *array) floats() ([]float64, error) {
	switch a.dtype {
	case "f4":
		x := make([]float64, len(a.data)/4)
		for i := range x {
			x[i] = float64(math.Float32frombits(a.order.Uint32(a.data[4*i:])))
		}
		return x, nil
	case "f8":
		x := make([]float64, len(a.data)/8)
		for i := range x {
			x[i] = math.Float64frombits(a.order.Uint64(a.data[8*i:]))
		}
		return x, nil
	}
	return nil, errType
}

// labels takes whole numbers, one per image.
func (s *Set) labels(name string, raw []byte) error {
	a, err := open(name, raw)
	if err != nil {
		return err
	}
	if len(a.shape) != 1 || a.shape[0] != s.N {
		return fmt.Errorf("%s has the shape %v: labels are one whole number for each of the %d images", name, a.shape, s.N)
	}
	s.Labels = make([]int32, s.N)
	for i := range s.Labels {
		var v int64
		switch a.dtype {
		case "u1":
			v = int64(a.data[i])
		case "i4":
			v = int64(int32(a.order.Uint32(a.data[4*i:])))
		case "i8":
			v = int64(a.order.Uint64(a.data[8*i:]))
		default:
			return fmt.Errorf("%s holds %s: labels are int64, int32 or uint8", name, a.dtype)
		}
		if v < 0 || v > math.MaxInt32 {
			return fmt.Errorf("%s: label %d is %d: labels are whole numbers from 0 on", name, i, v)
		}
		s.Labels[i] = int32(v)
	}
	return nil
}

// kindOf is what arrays of a dtype that is no number hold.
func kindOf(dtype string) string {
	switch {
	case strings.HasPrefix(dtype, "O"):
		return "Python objects"
	case strings.HasPrefix(dtype, "U"), strings.HasPrefix(dtype, "S"), strings.HasPrefix(dtype, "a"):
		return "text"
	case strings.HasPrefix(dtype, "c"):
		return "complex numbers"
	default:
		return "values of dtype " + dtype
	}
}
