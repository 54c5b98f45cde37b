package outside

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"prabench/metrics"
)

// Statistics that NumPy wrote, compressed and in single precision, are read, and
// the distance is that of pytorch-fid's formula. stats.py wrote the files.
func TestStatisticsOfOthers(t *testing.T) {
	raw, err := os.ReadFile("testdata/distance.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		t.Fatal(err)
	}
	f, err := ReadFeatures("testdata/features.npy")
	if err != nil || f.N != 150 || f.D != 6 {
		t.Fatal(f.N, f.D, err)
	}
	for file, off := range map[string]float64{"stats.npz": 1e-9, "single.npz": 1e-5} {
		m, err := ReadStats("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		e, err := metrics.FrechetToMoments(m, f)
		if err != nil || math.Abs(e.Value/want-1) > off || e.N != 150 || !(e.Lo < e.Value && e.Value < e.Hi) {
			t.Errorf("%s: %+v (%v), theirs %v", file, e, err, want)
		}
	}
}

// Statistics that are written are read again to the bit, and by the lines with
// which pytorch-fid reads them.
func TestStatisticsForOthers(t *testing.T) {
	f, err := ReadFeatures("testdata/features.npy")
	if err != nil {
		t.Fatal(err)
	}
	m, err := metrics.MomentsOf(f)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s.npz")
	if err := WriteStats(path, m); err != nil {
		t.Fatal(err)
	}
	again, err := ReadStats(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range append(m.Mean, m.Cov...) {
		if got := append(again.Mean, again.Cov...)[i]; got != v {
			t.Fatalf("number %d is %v, was %v", i, got, v)
		}
	}
	if err := WriteStats(filepath.Join(t.TempDir(), "s.npy"), m); err == nil || !strings.Contains(err.Error(), ".npz") {
		t.Error(err)
	}
	if out, err := exec.Command("python3", "-c", "import numpy").CombinedOutput(); err != nil {
		t.Skipf("no Python with NumPy here, which would read the file: %v %s", err, out)
	}
	out, err := exec.Command("python3", "-c", `
import sys, numpy as np
with np.load(sys.argv[1]) as f:
    m, s = f['mu'][:], f['sigma'][:]
x = np.load('testdata/features.npy').astype(float)
assert m.shape == (6,) and s.shape == (6, 6) and m.dtype == s.dtype == np.float64
print(abs(m - x.mean(0)).max(), abs(s - np.cov(x, rowvar=False)).max())`, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, word := range strings.Fields(string(out)) {
		if off, err := strconv.ParseFloat(word, 64); err != nil || off > 1e-12 {
			t.Errorf("NumPy finds other moments: %s", out)
		}
	}
}

func TestFeaturesAndStatisticsThatDoNotDo(t *testing.T) {
	vector := numpy("<f8", []float64{1, 2}, 2)
	square := numpy("<f8", []float64{2, 1, 1, 2}, 2, 2)
	for want, file := range map[string]struct {
		name string
		raw  []byte
	}{
		"has no array mu, only: mean, sigma": {"a.npz", npz(map[string][]byte{"mean": vector, "sigma": square})},
		"has no array sigma, only: mu":       {"b.npz", npz(map[string][]byte{"mu": vector})},
		"mu has the shape [2 2]":             {"c.npz", npz(map[string][]byte{"mu": square, "sigma": square})},
		"sigma has the shape [2]":            {"d.npz", npz(map[string][]byte{"mu": vector, "sigma": vector})},
		"not of the same features":           {"e.npz", npz(map[string][]byte{"mu": numpy("<f8", []float64{1, 2, 3}, 3), "sigma": square})},
		"mu holds i8":                        {"f.npz", npz(map[string][]byte{"mu": numpy("<i8", []int64{1, 2}, 2), "sigma": square})},
		"is no .npz file":                    {"g.npz", vector},
		"features are [N, D]":                {"h.npy", vector},
		"features are float32 or float64":    {"i.npy", numpy("<i8", make([]int64, 4), 2, 2)},
		"feature 1 of image 1 is NaN":        {"j.npy", numpy("<f8", []float64{1, 2, 3, math.NaN()}, 2, 2)},
		"is no .npy file":                    {"k.npy", []byte("text")},
		"not a whole NumPy array":            {"l.npy", append([]byte("\x93NUMPY\x01\x00\xff\xff"), square[10:]...)},
	} {
		path := put(t, filepath.Join(t.TempDir(), file.name), file.raw)
		var err error
		if strings.HasSuffix(file.name, ".npz") {
			_, err = ReadStats(path)
		} else {
			_, err = ReadFeatures(path)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file.name, err, want)
		}
	}
}
