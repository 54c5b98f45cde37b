package outside

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"prabench/internal/atomicfile"
	"prabench/metrics"
)

// ReadFeatures reads features that another program made: an .npy array [N, D] of
// float32 or float64, a row for each image.
func ReadFeatures(path string) (metrics.Features, error) {
	var f metrics.Features
	raw, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	if !bytes.HasPrefix(raw, []byte("\x93NUMPY")) {
		return f, fmt.Errorf("%s is no .npy file: save the features with numpy.save(path, features), [N, D]", path)
	}
	a, err := open(path, raw)
	if err != nil {
		return f, err
	}
	if len(a.shape) != 2 || a.shape[0] < 1 || a.shape[1] < 1 {
		return f, fmt.Errorf("%s has the shape %v: features are [N, D], a row for each image; pool or flatten others yourself", path, a.shape)
	}
	x, err := a.floats()
	if err != nil {
		return f, fmt.Errorf("%s holds %s: features are float32 or float64", path, a.dtype)
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return f, fmt.Errorf("%s: feature %d of image %d is %g, and features are numbers: look at what computed them", path,
				i%a.shape[1], i/a.shape[1], v)
		}
	}
	return metrics.Features{N: a.shape[0], D: a.shape[1], X: x}, nil
}

// ReadStats reads mean and covariance as pytorch-fid, ADM and EDM publish them: an
// .npz file with the arrays mu [D] and sigma [D, D].
func ReadStats(path string) (metrics.Moments, error) {
	var m metrics.Moments
	whole, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	z, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		return m, fmt.Errorf("%s is no .npz file (%w): statistics are numpy.savez(path, mu=mean, sigma=covariance)", path, err)
	}
	read := func(name string, dims int) ([]float64, []int, error) {
		raw, err := member(z, path, name)
		if err != nil {
			return nil, nil, err
		}
		if raw == nil {
			var names []string
			for _, f := range z.File {
				names = append(names, strings.TrimSuffix(f.Name, ".npy"))
			}
			return nil, nil, fmt.Errorf("%s has no array %s, only: %s; statistics are mu [D] and sigma [D, D], as pytorch-fid, ADM and EDM "+
				"write them: numpy.savez(path, mu=mean, sigma=covariance)", path, name, strings.Join(names, ", "))
		}
		a, err := open(path+": "+name, raw)
		if err != nil {
			return nil, nil, err
		}
		x, err := a.floats()
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %s holds %s: statistics are float32 or float64", path, name, a.dtype)
		}
		if len(a.shape) != dims {
			return nil, nil, fmt.Errorf("%s: %s has the shape %v: mu is [D], sigma [D, D]", path, name, a.shape)
		}
		return x, a.shape, nil
	}
	mean, d, err := read("mu", 1)
	if err != nil {
		return m, err
	}
	cov, shape, err := read("sigma", 2)
	if err != nil {
		return m, err
	}
	if shape[0] != d[0] || shape[1] != d[0] || d[0] == 0 {
		return m, fmt.Errorf("%s: mu has the shape %v and sigma %v: they are not of the same features; save both of one extractor", path,
			d, shape)
	}
	return metrics.Moments{Mean: mean, Cov: cov}, nil
}

// WriteStats writes what [ReadStats] reads, and numpy.load in pytorch-fid does.
func WriteStats(path string, m metrics.Moments) error {
	if !strings.HasSuffix(strings.ToLower(path), ".npz") {
		return fmt.Errorf("%s: statistics are written to a file that ends with .npz", path)
	}
	d := len(m.Mean)
	return atomicfile.Output(path, 0o644, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, a := range []struct {
			name  string
			x     []float64
			shape []int
		}{{"mu", m.Mean, []int{d}}, {"sigma", m.Cov, []int{d, d}}} {
			f, err := z.Create(a.name + ".npy")
			if err != nil {
				return err
			}
			if _, err := f.Write(Header("<f8", a.shape...)); err != nil {
				return err
			}
			if err := binary.Write(f, binary.LittleEndian, a.x); err != nil {
				return err
			}
		}
		return z.Close()
	})
}
