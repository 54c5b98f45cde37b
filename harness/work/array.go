package work

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/sbinet/npyio"
)

// writeArray writes a NumPy file of the given shape. The library would write
// a slice as one dimension only, and people open these files to look at them.
func writeArray[T uint8 | float32](path string, x []T, shape ...int) error {
	descr := map[int]string{1: "|u1", 4: "<f4"}[binary.Size(*new(T))]
	var dims strings.Builder
	n := 1
	for _, s := range shape {
		n *= s
		fmt.Fprintf(&dims, "%d,", s)
	}
	if n != len(x) {
		return fmt.Errorf("%s: %d values for the shape %v", path, len(x), shape)
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims.String())
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	w.WriteString("\x93NUMPY\x01\x00")
	binary.Write(w, binary.LittleEndian, uint16(len(header)))
	w.WriteString(header)
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
	defer func() {
		if p := recover(); p != nil { // what the library does with a header that is cut off
			err = fmt.Errorf("%s: not a NumPy file: %v", path, p)
		}
	}()
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	r, err := npyio.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := r.Read(&x); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return x, r.Header.Descr.Shape, nil
}
