package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Every stage of an experiment loads its data in a process of its own, and
// decoding a large folder takes minutes. From keepFrom pictures on the decoded
// pixels are kept in the data folder and used again while no file's name, size
// or time has changed. Losing or spoiling a kept file only costs time.
const keepFrom = 1000

// key names the decoded form of these pictures; "" where one of them is gone.
func (s *pictureSet) key() string {
	h := sha256.New()
	r := s.r
	abs, err := filepath.Abs(r.Root)
	if err != nil {
		return ""
	}
	fmt.Fprintf(h, "%s%s\n%d %d %s %d %s\n", packedMagic, abs, r.info.Size, r.info.Channels, r.fit, fitVersion, runtime.Version())
	if r.Decoder == turboDecoder {
		fmt.Fprintln(h, turboDecoder)
	}
	if r.Set != Folder { // the hash of a set begins with its name
		fmt.Fprintln(h, "set="+r.Set)
	}
	if s.of.stamp(h, s.all) != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

func keptPath(key string) (string, error) {
	dir, err := DataDir()
	return filepath.Join(dir, "decoded", key+".bin"), err
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// keep writes the decoded images of a set that is in memory. Failing to is no
// error: the next load decodes.
func keep(key, root string, d *Data) {
	path, err := keptPath(key)
	n := d.Train.N + d.Test.N
	if err != nil || n == 0 || os.MkdirAll(filepath.Dir(path), 0o777) != nil || !makeRoom(int64(len(d.Train.Pixels)+len(d.Test.Pixels))) {
		return
	}
	about := &decoded{packedHead: packedHead{Root: absolute(root), Hash: d.Hash, Found: d.Found, Train: d.Train.N, Test: d.Test.N,
		Bytes: (len(d.Train.Pixels) + len(d.Test.Pixels)) / n}}
	_, _ = writePacked(path, about.Bytes, func(write func(i int, pixels []byte) error) (*decoded, error) {
		for _, s := range []Split{d.Train, d.Test} {
			for i := range s.N {
				p := s.Pixels[i*about.Bytes : (i+1)*about.Bytes]
				if err := write(len(about.labels), p); err != nil {
					return nil, err
				}
				about.labels = append(about.labels, s.Labels[i])
				about.sums = append(about.sums, checksum(p))
			}
		}
		return about, nil
	})
}

// kept is the set from its file of decoded pixels; nil unless that is there and
// whole.
func (s *pictureSet) kept(key string, resident bool) *Data {
	path, err := keptPath(key)
	if key == "" || err != nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	about, err := readFooter(f)
	if err != nil || about.Train != s.train || len(about.labels) != len(s.all) || about.Bytes != s.each() || resident && about.Absent {
		f.Close()
		return nil
	}
	for i, it := range s.all {
		if about.labels[i] != int32(it.class) {
			f.Close()
			return nil
		}
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // what is used stays
	if about.Absent {
		f.Close()
		return s.later(about)
	}
	d, err := about.data(f, resident)
	if resident {
		f.Close()
	}
	if err != nil {
		return nil
	}
	return d
}
