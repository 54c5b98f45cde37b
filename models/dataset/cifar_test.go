package dataset

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/internal/memcap"
)

// cifarBytes is n records; pixel k of record i has red i, green k, blue i+k.
func cifarBytes(n int) []byte {
	b := make([]byte, n*cifarRecord)
	for i := range n {
		rec := b[i*cifarRecord:]
		rec[0] = byte(i % 10)
		for k := range cifarPlane {
			rec[1+k], rec[1+cifarPlane+k], rec[1+2*cifarPlane+k] = byte(i), byte(k), byte(i+k)
		}
	}
	return b
}

func writeCIFAR(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for i, name := range cifarFiles {
		if err := os.WriteFile(filepath.Join(dir, name), cifarBytes(i+1), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadCIFAR(t *testing.T) {
	root := t.TempDir()
	writeCIFAR(t, filepath.Join(root, "cifar-10-batches-bin")) // as the archive unpacks
	d, err := Load(context.Background(), Spec{Set: CIFAR10, Root: root}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.N != 1+2+3+4+5 || d.Test.N != 6 || d.Size != 32 || d.Channels != 3 {
		t.Fatalf("loaded %d + %d images of %d×%d×%d", d.Train.N, d.Test.N, d.Size, d.Size, d.Channels)
	}
	// Image 4 is record 1 of the third batch.
	for _, k := range []int{0, 700, 1023} {
		at := d.Train.Pixels[(4*cifarPlane+k)*3:][:3]
		if want := []byte{1, byte(k), byte(1 + k)}; !bytes.Equal(at, want) {
			t.Errorf("pixel %d of image 4 is %v, want %v", k, at, want)
		}
	}
	if d.Train.Labels[4] != 1 || d.Test.Labels[5] != 5 {
		t.Errorf("labels %v and %v", d.Train.Labels, d.Test.Labels)
	}
	few, err := Load(context.Background(), Spec{Set: CIFAR10, Root: root, Limit: 4}, nil)
	if err != nil || few.Train.N != 4 || !bytes.Equal(few.Train.Pixels, d.Train.Pixels[:4*3*cifarPlane]) {
		t.Errorf("limit 4 is not the first 4 images (%v)", err)
	}
}

func TestReadCIFARRefuses(t *testing.T) {
	bad := cifarBytes(3)
	bad[cifarRecord] = 10
	for _, c := range []struct {
		name string
		file []byte
		size int64
		want string
	}{
		{"empty", nil, 0, "has 0 bytes"},
		{"part of a record", cifarBytes(2)[:5000], 5000, "has 5000 bytes"},
		{"too large", nil, (cifarMax + 1) * cifarRecord, "1 to 10000 records"},
		{"shrinks while read", cifarBytes(1), 2 * cifarRecord, "ends after 3073 of 6146 bytes"},
		{"label", bad, int64(len(bad)), "gives image 1 the label 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readCIFAR(bytes.NewReader(c.file), "some/file", c.size)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "some/file") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzCIFAR(f *testing.F) {
	for _, b := range [][]byte{nil, cifarBytes(1), cifarBytes(2), cifarBytes(2)[:4000], bytes.Repeat([]byte{255}, cifarRecord)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got cifarBatch
		var err error
		memcap.Hold(t, func() { got, err = readCIFAR(bytes.NewReader(b), "fuzz", int64(len(b))) })
		if err != nil {
			return
		}
		if len(got.labels)*cifarRecord != len(b) || len(got.pixels) != len(got.labels)*3*cifarPlane {
			t.Errorf("%d bytes gave %d labels and %d pixels", len(b), len(got.labels), len(got.pixels))
		}
		for _, l := range got.labels {
			if l < 0 || l > 9 {
				t.Errorf("label %d", l)
			}
		}
	})
}
