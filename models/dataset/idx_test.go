package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"prabench/internal/memcap"
)

// idxBytes is a valid IDX file of these dimensions filled with 0, 1, 2, …
func idxBytes(dims ...int) []byte {
	b, n := []byte{0, 0, 8, byte(len(dims))}, 1
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
		n *= d
	}
	for i := range n {
		b = append(b, byte(i%10))
	}
	return b
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// withCount replaces the first dimension that a file claims.
func withCount(b []byte, n uint32) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b[4:], n)
	return b
}

func TestReadIDXAcceptsPlainAndPacked(t *testing.T) {
	plain := idxBytes(5, 4, 3)
	var sums []string
	for name, b := range map[string][]byte{"plain": plain, "packed": packed(plain)} {
		got, err := readIDX(bytes.NewReader(b), name, int64(len(b)), 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Dims[0] != 5 || got.Dims[1] != 4 || got.Dims[2] != 3 || !bytes.Equal(got.Data, plain[16:]) {
			t.Errorf("%s: read %v and %d bytes of data", name, got.Dims, len(got.Data))
		}
		sums = append(sums, got.Sum)
	}
	if sums[0] != sums[1] {
		t.Errorf("plain and packed copies have different sums: %v", sums)
	}
}

func TestReadIDXRefuses(t *testing.T) {
	good := idxBytes(5, 4, 3)
	brokenSum := packed(good)
	brokenSum[len(brokenSum)-6] ^= 1 // in the CRC of the trailer
	for _, c := range []struct {
		name string
		file []byte
		dims int
		want string
	}{
		{"empty", nil, 3, "after 0 of the 16 header bytes"},
		{"short header", good[:10], 3, "after 10 of the 16 header bytes"},
		{"wrong magic", append([]byte("PNG!"), good[4:]...), 3, "starts with 50 4e 47 21"},
		{"float data", append([]byte{0, 0, 0x0d, 3}, good[4:]...), 3, "is not the IDX file expected"},
		{"labels for images", idxBytes(60), 3, "is not the IDX file expected"},
		{"images for labels", good, 1, "is not the IDX file expected"},
		{"truncated by one", good[:len(good)-1], 3, "claims 5×4×3 bytes of data, the file (75 bytes) holds 59"},
		{"truncated in the gzip stream", packed(good)[:40], 3, "(40 bytes) is"},
		{"truncated before packing", packed(good[:len(good)-1]), 3, "claims 5×4×3 bytes of data, 59 are there"},
		{"one byte too many", append(bytes.Clone(good), 0), 3, "data go on"},
		{"one byte too many, packed", packed(append(bytes.Clone(good), 0)), 3, "data go on"},
		{"2^31 images", withCount(good, 1<<31), 3, "claims 2147483648×4×3"},
		{"2^31 images, packed", packed(withCount(good, 1<<31)), 3, "claims 2147483648×4×3"},
		{"product overflows", bytes.Join([][]byte{{0, 0, 8, 3}, bytes.Repeat([]byte{0xff}, 12)}, nil), 3,
			"claims 4294967295×4294967295×4294967295"},
		{"broken gzip checksum", brokenSum, 3, "is damaged: gzip: invalid checksum"},
		{"broken gzip header", []byte{0x1f, 0x8b, 99, 0, 0, 0, 0, 0, 0, 0, 0}, 3, "is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readIDX(bytes.NewReader(c.file), "some/file", int64(len(c.file)), c.dims)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "some/file") {
				t.Errorf("got %v, want an error with %q that names the file", err, c.want)
			}
		})
	}
}

func TestHugeClaimAllocatesNothingLarge(t *testing.T) {
	for _, file := range [][]byte{
		withCount(idxBytes(1, 28, 28), 1<<31),
		packed(withCount(idxBytes(1, 28, 28), 1<<31)),
		packed(withCount(idxBytes(1, 28, 28), 100)), // possible for its size, but not there
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := readIDX(bytes.NewReader(file), "f", int64(len(file)), 3); err == nil {
			t.Fatal("accepted")
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
			t.Errorf("allocated %d bytes for a file of %d", got, len(file))
		}
	}
}

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestReadIDXGrowsPastTheFirstAllocation(t *testing.T) {
	n := firstAllocation/(28*28) + 1000
	head := withCount(idxBytes(0, 28, 28), uint32(n))
	size := n * 28 * 28
	got, err := readIDX(io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, int64(size))), "f", int64(size+16), 3)
	if err != nil || len(got.Data) != size {
		t.Fatalf("read %d bytes, error %v; want %d", len(got.Data), err, size)
	}
}

// writeSet writes a folder of four IDX files; each may be replaced.
func writeSet(t testing.TB, replace map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"train-images-idx3-ubyte": idxBytes(20, 28, 28), "train-labels-idx1-ubyte": idxBytes(20),
		"t10k-images-idx3-ubyte": idxBytes(10, 28, 28), "t10k-labels-idx1-ubyte": idxBytes(10),
	} {
		if r, ok := replace[name]; ok {
			b = r
		}
		if b == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadRefusesDamagedSets(t *testing.T) {
	images := idxBytes(20, 28, 28)
	bad := idxBytes(20)
	bad[8+7] = 10
	for _, c := range []struct {
		name, file string
		content    []byte
		want       string
	}{
		{"truncated", "train-images-idx3-ubyte", images[:len(images)/2], "claims 20×28×28"},
		{"2^31 images", "train-images-idx3-ubyte", withCount(images, 1<<31), "claims 2147483648×28×28"},
		{"2^31 labels", "t10k-labels-idx1-ubyte", withCount(idxBytes(10), 1<<31), "claims 2147483648 bytes"},
		{"other size", "train-images-idx3-ubyte", idxBytes(20, 32, 32), "holds images of 32×32 pixels"},
		{"fewer labels", "train-labels-idx1-ubyte", idxBytes(19), "holds 20 images but"},
		{"label out of range", "train-labels-idx1-ubyte", bad, "gives image 7 the label 10"},
		{"no images", "t10k-images-idx3-ubyte", idxBytes(0, 28, 28), "t10k-images-idx3-ubyte holds 0 images but"},
		{"missing", "t10k-labels-idx1-ubyte", nil, "has no file t10k-labels-idx1-ubyte"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := writeSet(t, map[string][]byte{c.file: c.content})
			_, err := Load(context.Background(), Spec{Set: MNIST, Root: dir}, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
				t.Errorf("got %v, want %q and the name %s", err, c.want, c.file)
			}
		})
	}
}

func FuzzIDX(f *testing.F) {
	good := idxBytes(5, 4, 3)
	for _, b := range [][]byte{nil, good, packed(good), good[:30], withCount(good, 1<<31), packed(withCount(good, 1<<31)), idxBytes(7)} {
		f.Add(b, 3)
		f.Add(b, 1)
	}
	f.Fuzz(func(t *testing.T, b []byte, dims int) {
		if dims != 1 && dims != 3 {
			return
		}
		var got idx
		var err error
		memcap.Hold(t, func() { got, err = readIDX(bytes.NewReader(b), "fuzz", int64(len(b)), dims) })
		if err != nil {
			if !strings.Contains(err.Error(), "fuzz") {
				t.Errorf("error does not name the file: %v", err)
			}
			return
		}
		n := 1
		for _, d := range got.Dims {
			n *= d
		}
		if n != len(got.Data) || len(got.Dims) != dims {
			t.Errorf("dimensions %v with %d bytes", got.Dims, len(got.Data))
		}
	})
}
