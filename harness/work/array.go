package work

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
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

// arrayShape reads the shape of a NumPy file of bytes, whose length has to fit it, and
// where its data begin.
func arrayShape(f *os.File) (shape []int, head int64, err error) {
	begin := make([]byte, 12)
	if _, err := io.ReadFull(f, begin); err != nil {
		return nil, 0, fmt.Errorf("%s: not a NumPy file: %w", f.Name(), err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	head = int64(arrayHeader(begin))
	if head > min(info.Size(), mostHeader) {
		return nil, 0, fmt.Errorf("%s: not a NumPy file: %d bytes, with a header of %d", f.Name(), info.Size(), head)
	}
	raw := make([]byte, head)
	if _, err := f.ReadAt(raw, 0); err != nil {
		return nil, 0, err
	}
	defer func() {
		if p := recover(); p != nil { // what the library does with a header that is cut off
			shape, err = nil, fmt.Errorf("%s: not a NumPy file: %v", f.Name(), p)
		}
	}()
	r, err := npyio.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", f.Name(), err)
	}
	shape, n, left := r.Header.Descr.Shape, int64(1), info.Size()-head
	fits := r.Header.Descr.Type == "|u1"
	for _, s := range shape {
		if fits = fits && s >= 0 && (s == 0 || n <= left/int64(s)); fits {
			n *= int64(s)
		}
	}
	if !fits || n != left {
		return nil, 0, fmt.Errorf("%s: %d bytes of data for the shape %v of %s", f.Name(), left, shape, r.Header.Descr.Type)
	}
	return shape, head, nil
}

// mostHeader bounds what is believed of a header's length.
const mostHeader = 1 << 20

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
