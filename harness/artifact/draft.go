package artifact

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// Draft is an artifact being written, in a folder that no reader looks at.
type Draft struct {
	store Store
	ref   Ref
	dir   string
}

// Begin starts an artifact. End it with Commit or Discard.
func (s Store) Begin(ref Ref) (*Draft, error) {
	tmp := filepath.Join(s.Root, "tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(tmp, fmt.Sprintf("%s-%.12s-", ref.Kind, ref.Key))
	if err != nil {
		return nil, err
	}
	// MkdirTemp makes folders that only their owner may enter, and a rename
	// keeps that: other people of a shared project read these artifacts.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	return &Draft{s, ref, dir}, nil
}

// Path is where to write the file of that name.
func (d *Draft) Path(name string) string { return filepath.Join(d.dir, name) }

// Write writes one whole file.
func (d *Draft) Write(name string, data []byte) error {
	return os.WriteFile(d.Path(name), data, 0o644)
}

// Files flushes what has been written so far to the disk and hashes it.
func (d *Draft) Files() ([]File, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		if e.Name() == manifestName {
			continue
		}
		if err := flush(d.Path(e.Name())); err != nil {
			return nil, err
		}
		sum, size, err := HashFile(d.Path(e.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, File{e.Name(), sum, size})
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	return files, nil
}

// Commit writes the manifest and renames the draft into place. An artifact of
// the same key that was there before gives way: same key, same content. Of two
// machines that commit the same key at once, both succeed and one artifact
// stays, whole.
func (d *Draft) Commit() (Manifest, error) {
	files, err := d.Files()
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Kind: d.ref.Kind, Key: d.ref.Key, Created: time.Now().UTC(), Files: files}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	if err := d.Write(manifestName, append(raw, '\n')); err != nil {
		return m, err
	}
	if err := flush(d.Path(manifestName)); err != nil {
		return m, err
	}
	if err := flush(d.dir); err != nil {
		return m, err
	}
	to := d.store.Dir(d.ref)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return m, err
	}
	if err := d.place(to); err != nil {
		return m, err
	}
	return m, flush(filepath.Dir(to))
}

// place renames the draft to its place. What is there already is exchanged with
// it in one step, so that a reader always finds one of the two; where the
// filesystem has no such step (NFS) it is renamed away first, and again if
// another process puts its own there in between.
func (d *Draft) place(to string) error {
	for try := 0; ; try++ {
		err := os.Rename(d.dir, to)
		if err == nil || try == 100 || !errors.Is(err, fs.ErrExist) { // a folder that is not empty is ErrExist too
			return err
		}
		if exchange(d.dir, to) == nil {
			return os.RemoveAll(d.dir)
		}
		old := fmt.Sprintf("%s.old%d", d.dir, try)
		if err := os.Rename(to, old); err == nil {
			defer os.RemoveAll(old)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// Discard removes the draft; after Commit it does nothing.
func (d *Draft) Discard() { os.RemoveAll(d.dir) }

func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
