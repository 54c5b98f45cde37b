package work

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"prabench/harness/outside"

	"github.com/sbinet/npyio"
)

// writeArray writes a NumPy file of the given shape. The library would write
// a slice as one dimension only, and people open these files to look at them.
func writeArray[T uint8 | float32](path string, x []T, shape ...int) error {
	descr := map[int]string{1: "|u1", 4: "<f4"}[binary.Size(*new(T))]
	n := 1
	for _, s := range shape {
		n *= s
	}
	if n != len(x) {
		return fmt.Errorf("%s: %d values for the shape %v", path, len(x), shape)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = w.Write(outside.Header(descr, shape...)) // the error stays until Flush
	if err := binary.Write(w, binary.LittleEndian, x); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// readArray reads a NumPy file and its shape.
func readArray[T uint8 | float32](path string) (x []T, shape []int, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	return decodeArray[T](raw, path)
}

// decodeArray reads the content of a NumPy file. Nothing larger than that
// content is allocated for it.
func decodeArray[T uint8 | float32](raw []byte, path string) (x []T, shape []int, err error) {
	defer func() {
		if p := recover(); p != nil { // what the library does with a header that is cut off
			x, shape, err = nil, nil, fmt.Errorf("%s: not a NumPy file: %v", path, p)
		}
	}()
	if n := arrayHeader(raw); n > len(raw) {
		return nil, nil, fmt.Errorf("%s: not a NumPy file: %d bytes, with a header of %d", path, len(raw), n)
	}
	in := bytes.NewReader(raw)
	r, err := npyio.NewReader(in)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	shape = r.Header.Descr.Shape
	left := in.Len()
	n, fits := 1, true
	for _, s := range shape {
		// A product that runs over the largest int could come out right again.
		fits = fits && s >= 0 && (s == 0 || n <= len(raw)/s)
		if fits {
			n *= s
		}
	}
	// The library takes the end of the file for the end of the data.
	if !fits || left != n*binary.Size(*new(T)) {
		return nil, nil, fmt.Errorf("%s: %d bytes of data for the shape %v", path, left, shape)
	}
	if err := r.Read(&x); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return x, shape, nil
}

// arrayHeader is the length of the header with all before it, as the content
// claims it. The library allocates that before it looks for the bytes.
func arrayHeader(raw []byte) int {
	switch {
	case len(raw) < 12:
		return 12
	case raw[6] == 1: // the format's version
		return 10 + int(binary.LittleEndian.Uint16(raw[8:]))
	default:
		return 12 + int(binary.LittleEndian.Uint32(raw[8:]))
	}
}
