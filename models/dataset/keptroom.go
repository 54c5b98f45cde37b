package dataset

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Decoded pixels are kept within a bound, the least recently used go first.
const (
	roomVariable = "PRABENCH_DECODED_GIB"
	defaultRoom  = 32 // GiB
	unusedFor    = 30 * 24 * time.Hour
	writingFor   = 24 * time.Hour // since it was last written, a file may be one that still is
)

// Kept is a file of decoded pixels in the data folder.
type Kept struct {
	Path  string
	Root  string // the folder that was decoded; "" when the file cannot say
	Bytes int64
	Used  time.Time // last written or read
}

// KeptFiles lists the decoded pixels on this machine, the least recently used
// first.
func KeptFiles() ([]Kept, error) {
	dir, err := DataDir()
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, "decoded")
	entries, err := os.ReadDir(dir)
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("looking for decoded images: %w", err)
	}
	var all []Kept
	for _, e := range entries {
		st, err := e.Info()
		if err != nil || !st.Mode().IsRegular() || filepath.Ext(e.Name()) != ".bin" && !unfinished(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		all = append(all, Kept{path, keptRoot(path), st.Size(), st.ModTime()})
	}
	slices.SortFunc(all, func(a, b Kept) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.Path, b.Path)) })
	return all, nil
}

// unfinished says that a file is one that is being written, or was when its writer was killed.
func unfinished(name string) bool {
	ok, _ := filepath.Match(".*.bin.*.part", name)
	return ok
}

// Unneeded says why a file of decoded pixels may go, or "".
func (k Kept) Unneeded() string {
	if unfinished(filepath.Base(k.Path)) {
		if time.Since(k.Used) < writingFor {
			return ""
		}
		return "decoded images of a process that was stopped"
	}
	if k.Root == "" {
		return "decoded images that this version does not read"
	}
	if _, err := os.Stat(k.Root); os.IsNotExist(err) {
		return "decoded images of " + k.Root + ", which is gone"
	}
	if time.Since(k.Used) > unusedFor {
		return "decoded images of " + k.Root + ", not used for 30 days"
	}
	return ""
}

func keptRoot(path string) string {
	f, _, err := openRegular(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	about, err := readFooter(f)
	if err != nil {
		return ""
	}
	return about.Root
}

// makeRoom removes the least recently used files until n bytes more are within
// the bound. It is false when they never are.
func makeRoom(n int64) bool {
	room := int64(defaultRoom) << 30
	if v, err := strconv.ParseFloat(os.Getenv(roomVariable), 64); err == nil && v >= 0 {
		room = int64(v * (1 << 30))
	}
	if n > room {
		return false
	}
	all, err := KeptFiles()
	if err != nil {
		return false
	}
	for _, k := range all {
		n += k.Bytes
	}
	for _, k := range all {
		if n <= room {
			break
		}
		if unfinished(filepath.Base(k.Path)) && k.Unneeded() == "" {
			continue
		}
		if os.Remove(k.Path) == nil {
			n -= k.Bytes
		}
	}
	return n <= room
}
