package dataset

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"prabench/models/dataset/turbo"
)

var (
	photographs = flag.Int("photographs", 1000, "JPEG files of BenchmarkSources")
	sourcesDir  = flag.String("sources", "", "folder to make them in, for loaders.py; a temporary one otherwise")
)

// BenchmarkSources reads JPEG files of 256² pixels in a shuffled order on all cores,
// as a training reads them, from each source. testdata/loaders.py reads the same
// with PyTorch.
func BenchmarkSources(b *testing.B) {
	b.Setenv("PRABENCH_DATA", b.TempDir())
	b.Setenv(residentVariable, "0")
	b.Setenv(roomVariable, "0") // nothing is kept: pictures are decoded when they are read
	root := *sourcesDir
	if root == "" {
		root = b.TempDir()
	}
	folder := filepath.Join(root, "folder")
	if _, err := os.Stat(folder); err != nil {
		writePhotographs(b, folder, *photographs)
	}
	tars := shardsOf(b, folder, true)
	parquets := parquetsOf(b, folder)
	for _, decoder := range []string{"go", "turbo"} {
		if decoder == "turbo" && !turbo.Here() {
			continue
		}
		spec := Spec{Set: Folder, Root: folder, Size: 256, Decoder: decoder}
		pack := filepath.Join(b.TempDir(), decoder+".pack")
		if _, err := Pack(context.Background(), spec, pack, nil); err != nil {
			b.Fatal(err)
		}
		if decoder == "turbo" {
			b.Run("decoding alone", func(b *testing.B) { decodeAll(b, folder) })
		}
		for _, source := range []struct{ name, root string }{{"folder", folder}, {"tar", tars}, {"parquet", parquets}, {"packed", pack}} {
			spec.Root = source.root
			d := mustLoadFor(b, spec)
			b.Run(source.name+"/"+decoder, func(b *testing.B) { readAll(b, d.Train) })
		}
	}
}

func mustLoadFor(b *testing.B, spec Spec) *Data {
	b.Helper()
	d, err := Load(context.Background(), spec, nil)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// decodeAll decodes files in memory on all cores, which is what no source of them can be
// faster than.
func decodeAll(b *testing.B, folder string) {
	names, err := filepath.Glob(filepath.Join(folder, "train", "*", "*.jpg"))
	if err != nil || len(names) == 0 {
		b.Fatalf("%d files, %v", len(names), err)
	}
	files := make([][]byte, len(names))
	for i, name := range names {
		if files[i], err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	}
	onAllCores(b, len(files), func(i int, into []byte) error {
		if !turbo.Decode(files[i], into, 256, 256) {
			return errors.New(names[i])
		}
		return nil
	})
}

// readAll reads every image of a split once for each of b.N.
func readAll(b *testing.B, s Split) {
	order := rand.New(rand.NewPCG(1, 2)).Perm(s.N)
	onAllCores(b, s.N, func(i int, into []byte) error { return s.Read(order[i], into) })
}

// onAllCores does something with n images of 256² pixels once for each of b.N.
func onAllCores(b *testing.B, n int, do func(i int, into []byte) error) {
	b.ResetTimer()
	from := time.Now()
	for range b.N {
		var g sync.WaitGroup
		workers := runtime.GOMAXPROCS(0)
		for w := range workers {
			g.Go(func() {
				into := make([]byte, 256*256*3)
				for k := w; k < n; k += workers {
					if err := do(k, into); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		g.Wait()
	}
	b.ReportMetric(float64(b.N*n)/time.Since(from).Seconds(), "images/s")
}

// writePhotographs makes a folder of three classes in train and val.
func writePhotographs(b *testing.B, folder string, n int) {
	b.Helper()
	err := inParallel(context.Background(), n, func(i int) error {
		split := "train"
		if i%20 == 19 {
			split = "val"
		}
		dir := filepath.Join(folder, split, []string{"ant", "bee", "cow"}[i%3])
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, photograph(256, 256, i), &jpeg.Options{Quality: 90}); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.jpg", i)), out.Bytes(), 0o644)
	})
	if err != nil {
		b.Fatal(err)
	}
}
