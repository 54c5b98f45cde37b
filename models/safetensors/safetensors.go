// Package safetensors reads and writes the safetensors format: an 8-byte
// little-endian length, a JSON header of names, types, shapes and byte ranges,
// then raw data. It adds one thing that the format lacks: a checksum over
// header and data in the metadata, so that a flipped bit is an error and not a
// different model. Files without that checksum are read as well.
//
// Only 32-bit floats are written and read. Format:
// https://github.com/huggingface/safetensors#format
package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"
	"unsafe"

	"golang.org/x/sys/unix"

	"prabench/internal/atomicfile"
)

// Tensor is one named array of float32.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// File is the content of a safetensors file.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor
	mapped   []byte // what the tensors stand in, where Read has made it
}

// Close gives the memory of what [Read] has read back to the system at once:
// beside a model that was made of it, it would wait for the garbage collector,
// twice the weights and more. The tensors' data are gone then.
func (f *File) Close() {
	if f.mapped == nil {
		return
	}
	for i := range f.Tensors {
		f.Tensors[i].Data = nil
	}
	_ = unix.Munmap(f.mapped) // it is a mapping of ours, whole: nothing can be wrong with it
	f.mapped = nil
}

// checksumKey is the metadata entry with the SHA-256 that Checksum gives.
const checksumKey = "sha256"

const maxHeader = 64 << 20

type entry struct {
	Dtype   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// Verified reports whether the file carries the checksum, which Decode then
// has found to match.
func (f *File) Verified() bool { return f.Metadata[checksumKey] != "" }

// checksum covers metadata (without itself), names, shapes and data.
func (f *File) checksum() string {
	h := sha256.New()
	keys := make([]string, 0, len(f.Metadata))
	for k := range f.Metadata {
		if k != checksumKey {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Fprintf(h, "%q=%q\n", k, f.Metadata[k])
	}
	for _, t := range f.Tensors {
		fmt.Fprintf(h, "%q %v\n", t.Name, t.Shape)
		h.Write(raw(t.Data))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// raw is the bytes of x; every supported machine is little-endian.
func raw(x []float32) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x))
}

// Write replaces the file at path in one step: a temporary file beside it is
// written, synced and renamed.
func Write(path string, f *File) (err error) {
	meta := map[string]string{}
	for k, v := range f.Metadata {
		meta[k] = v
	}
	header := map[string]any{"__metadata__": meta}
	at := 0
	for _, t := range f.Tensors {
		n := 1
		for _, s := range t.Shape {
			n *= s
		}
		if n != len(t.Data) {
			return fmt.Errorf("safetensors: %s has %d values for shape %v", t.Name, len(t.Data), t.Shape)
		}
		if _, twice := header[t.Name]; twice {
			return fmt.Errorf("safetensors: two tensors named %q", t.Name)
		}
		header[t.Name] = entry{"F32", t.Shape, [2]int{at, at + 4*n}}
		at += 4 * n
	}
	meta[checksumKey] = f.checksum()
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(text)%8 != 0 { // the data begins aligned
		text = append(text, ' ')
	}
	var size [8]byte
	binary.LittleEndian.PutUint64(size[:], uint64(len(text)))
	err = atomicfile.Write(path, 0o644, func(out *os.File) error {
		if _, err := out.Write(append(size[:], text...)); err != nil {
			return err
		}
		for _, t := range f.Tensors {
			if _, err := out.Write(raw(t.Data)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Read reads a file; damage of any kind is an error that names the file. Its
// Close gives the memory back.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	out := &File{}
	err = out.decode(f, info.Size(), func(total int64) ([]byte, error) {
		out.mapped, err = unix.Mmap(-1, 0, int(total), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		return out.mapped, err
	})
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

var errDamaged = errors.New("damaged or not a safetensors file")

// Decode reads a file of the given size in bytes from r. Nothing larger than
// that size is ever allocated.
func Decode(r io.Reader, size int64) (*File, error) {
	f := &File{}
	if err := f.decode(r, size, func(total int64) ([]byte, error) { return raw(make([]float32, total/4)), nil }); err != nil {
		return nil, err
	}
	return f, nil
}

// decode reads into memory that memory gives for all tensors together.
func (f *File) decode(r io.Reader, size int64, memory func(total int64) ([]byte, error)) error {
	entries, meta, n, err := header(r, size)
	if err != nil {
		return err
	}
	total := size - 8 - n
	if err := fit(entries, total); err != nil {
		return err
	}
	if total > 0 {
		data, err := memory(total)
		if err != nil {
			return fmt.Errorf("memory for %d bytes of weights: %w", total, err)
		}
		if _, err := io.ReadFull(r, data); err != nil {
			return fmt.Errorf("%w: the data are cut off", errDamaged)
		}
		f.place(entries, unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), total/4))
	} else {
		f.place(entries, nil)
	}
	f.Metadata = meta
	if want, has := meta[checksumKey]; has && want != f.checksum() {
		return fmt.Errorf("%w: its content does not match its checksum (where another program wrote it, leave the metadata entry %s out)",
			errDamaged, checksumKey)
	}
	return nil
}

// header reads what comes before the data, n bytes after the first eight.
func header(r io.Reader, size int64) (entries []namedEntry, meta map[string]string, n int64, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, nil, 0, fmt.Errorf("%w: it has no header", errDamaged)
	}
	long := binary.LittleEndian.Uint64(head[:])
	if long > maxHeader || int64(long) > size-8 {
		return nil, nil, 0, fmt.Errorf("%w: a header of %d bytes in a file of %d", errDamaged, long, size)
	}
	text := make([]byte, long)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, nil, 0, fmt.Errorf("%w: the header is cut off", errDamaged)
	}
	entries, meta, err = parseHeader(text)
	return entries, meta, int64(long), err
}

// Metadata reads a file's metadata alone.
func Metadata(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	_, meta, _, err := header(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return meta, nil
}

// fit says what keeps the entries from filling a data part of total bytes.
func fit(entries []namedEntry, total int64) error {
	at := 0
	for _, e := range entries {
		elements, ok := e.elements()
		if e.Dtype != "F32" || !ok || e.Offsets[0] != at || e.Offsets[1] != at+4*elements || int64(e.Offsets[1]) > total {
			return fmt.Errorf("%w: tensor %q of type %s, shape %v and bytes %v does not fit a data part of %d bytes", errDamaged, e.name,
				e.Dtype, e.Shape, e.Offsets, total)
		}
		at = e.Offsets[1]
	}
	if int64(at) != total {
		return fmt.Errorf("%w: %d bytes of data where the header describes %d", errDamaged, total, at)
	}
	return nil
}

// place makes the tensors views of data, one after another.
func (f *File) place(entries []namedEntry, data []float32) {
	for _, e := range entries {
		lo, hi := e.Offsets[0]/4, e.Offsets[1]/4
		f.Tensors = append(f.Tensors, Tensor{e.name, e.Shape, data[lo:hi:hi]})
	}
}

type namedEntry struct {
	name string
	entry
}

func (e entry) elements() (int, bool) {
	n := 1
	for _, s := range e.Shape {
		if s < 0 || (s > 0 && n > math.MaxInt32*4/s) {
			return 0, false
		}
		n *= s
	}
	return n, true
}

// parseHeader gives the entries in the order of their data.
func parseHeader(text []byte) ([]namedEntry, map[string]string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, nil, fmt.Errorf("%w: its header is not JSON: %v", errDamaged, err)
	}
	meta := map[string]string{}
	var entries []namedEntry
	for name, field := range fields {
		if name == "__metadata__" {
			if err := json.Unmarshal(field, &meta); err != nil {
				return nil, nil, fmt.Errorf("%w: its metadata is not a table of strings: %v", errDamaged, err)
			}
			continue
		}
		var e entry
		var members map[string]json.RawMessage // by their exact names: encoding/json takes "Shape" for "shape"
		if err := errors.Join(json.Unmarshal(field, &members), json.Unmarshal(field, &e)); err != nil {
			return nil, nil, fmt.Errorf("%w: tensor %q: %v", errDamaged, name, err)
		}
		if len(members) != 3 || members["dtype"] == nil || members["shape"] == nil || members["data_offsets"] == nil {
			return nil, nil, fmt.Errorf("%w: tensor %q is not described by dtype, shape and data_offsets", errDamaged, name)
		}
		entries = append(entries, namedEntry{name, e})
	}
	slices.SortFunc(entries, func(a, b namedEntry) int {
		if a.Offsets != b.Offsets {
			return slices.Compare(a.Offsets[:], b.Offsets[:])
		}
		return bytes.Compare([]byte(a.name), []byte(b.name))
	})
	return entries, meta, nil
}
