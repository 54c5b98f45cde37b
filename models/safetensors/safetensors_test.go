package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"prabench/internal/memcap"
)

func example() *File {
	return &File{
		Metadata: map[string]string{"format": "test", "steps": "3"},
		Tensors:  []Tensor{{"b", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}}, {"a", []int{1}, []float32{-0.5}}, {"none", []int{0, 4}, []float32{}}},
	}
}

func write(t *testing.T) (path string, content []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.safetensors")
	if err := Write(path, example()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, content
}

func TestRoundTrip(t *testing.T) {
	path, content := write(t)
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := example()
	want.Metadata[checksumKey] = got.Metadata[checksumKey]
	for _, f := range []*File{want, got} { // tensors without data have no order in a file
		for i := range f.Tensors {
			if len(f.Tensors[i].Data) == 0 {
				f.Tensors[i].Data = nil
			}
		}
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(File{})); d != "" {
		t.Error(d)
	}
	if n := binary.LittleEndian.Uint64(content); (8+n)%8 != 0 {
		t.Errorf("data begins at %d, not aligned", 8+n)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
}

// Close gives the memory back, more than once if asked, and leaves no tensor that
// could still be read; what Decode made is Go's.
func TestClose(t *testing.T) {
	path, content := write(t)
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if f.Close(); f.mapped != nil || slices.ContainsFunc(f.Tensors, func(t Tensor) bool { return t.Data != nil }) {
		t.Errorf("after Close: %d bytes mapped, tensors %v", len(f.mapped), f.Tensors)
	}
	f.Close()
	d, err := Decode(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	if d := cmp.Diff(example().Tensors, d.Tensors, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

// Every bit of the file matters, or at least does no harm: a flip is an error,
// unless the decoded content is the same (white space of the header) or the
// checksum itself was hit, which Verified tells.
func TestEveryFlippedBit(t *testing.T) {
	_, content := write(t)
	sane, err := Decode(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range content {
		for bit := range 8 {
			bad := bytes.Clone(content)
			bad[i] ^= 1 << bit
			f, err := Decode(bytes.NewReader(bad), int64(len(bad)))
			if err == nil && f.Verified() && !cmp.Equal(sane, f) {
				t.Fatalf("byte %d bit %d flipped: read as %+v", i, bit, f)
			}
			if err != nil && !errors.Is(err, errDamaged) {
				t.Fatalf("byte %d bit %d flipped: %v", i, bit, err)
			}
		}
	}
}

func TestEveryLength(t *testing.T) {
	path, content := write(t)
	for n := range len(content) {
		if err := os.WriteFile(path, content[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

// A header that claims more than the file has must not be believed.
func TestClaims(t *testing.T) {
	for name, header := range map[string]string{
		"huge tensor":    `{"a":{"dtype":"F32","shape":[2000000000,2000000000],"data_offsets":[0,16]}}`,
		"past the end":   `{"a":{"dtype":"F32","shape":[100],"data_offsets":[0,400]}}`,
		"negative":       `{"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,-16]}}`,
		"a gap":          `{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`,
		"other type":     `{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}`,
		"unknown fields": `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			binary.Write(&b, binary.LittleEndian, uint64(len(header)))
			b.WriteString(header)
			b.Write(make([]byte, 16))
			if _, err := Decode(&b, int64(8+len(header)+16)); !errors.Is(err, errDamaged) {
				t.Errorf("error %v", err)
			}
		})
	}
	long := binary.LittleEndian.AppendUint64(nil, 1<<62)
	if _, err := Decode(bytes.NewReader(long), 8); !errors.Is(err, errDamaged) {
		t.Errorf("a header of 2⁶² bytes: %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	bad := example()
	bad.Tensors[0].Shape = []int{7}
	if err := Write(filepath.Join(dir, "x"), bad); err == nil {
		t.Error("a wrong shape was written")
	}
	twice := example()
	twice.Tensors[1].Name = "b"
	if err := Write(filepath.Join(dir, "x"), twice); err == nil {
		t.Error("two tensors of one name were written")
	}
	if err := Write(filepath.Join(dir, "missing", "x"), example()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x")
	if err := Write(path, example()); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	file := func(header string, data ...byte) {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		f.Add(append(append(b, header...), data...))
	}
	file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0, 63)
	file(`{"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,0]}}`)
	file(`{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,9223372036854775807]}}`)
	file(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}`, 1, 2, 3, 4)
	f.Add([]byte("\xff\xff\xff\x03\x00\x00\x00\x00{}")) // a header of 64 MiB
	f.Fuzz(func(t *testing.T, b []byte) {
		var got *File
		var err error
		memcap.Hold(t, func() { got, err = Decode(bytes.NewReader(b), int64(len(b))) })
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Errorf("untyped: %v", err)
			}
			return
		}
		n := 0
		for _, x := range got.Tensors {
			n += 4 * len(x.Data)
			values := 1
			for _, s := range x.Shape {
				values *= s
			}
			if values != len(x.Data) {
				t.Errorf("%s: %d values of the shape %v", x.Name, len(x.Data), x.Shape)
			}
		}
		if n > len(b) {
			t.Errorf("%d bytes of tensors from a file of %d", n, len(b))
		}
	})
}
