// Package artifact keeps what stages make: model weights, samples, features,
// raw timings.
//
// Its principle is that a folder named after the hash of everything that went into
// it is either whole or absent, and that bytes on a disk are not to be trusted
// because they were right once. Files are written to a draft, flushed, hashed,
// and the draft renamed into place in one step; anyone who reads a file gets its
// hash compared first, and a difference is an error that names the file.
package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"
)

// Store is a folder of artifacts: <root>/<kind>/<key>/ holds one stage's files
// and manifest.json.
type Store struct{ Root string }

// Ref names an artifact: the kind of stage that made it and the stage's key.
type Ref struct{ Kind, Key string }

func (r Ref) String() string {
	if len(r.Key) > 12 {
		return r.Kind + " " + r.Key[:12]
	}
	return r.Kind + " " + r.Key
}

// File is one file of an artifact.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Manifest is what manifest.json says about an artifact.
type Manifest struct {
	Kind    string    `json:"kind"`
	Key     string    `json:"key"`
	Created time.Time `json:"created"`
	Files   []File    `json:"files"` // by name, without manifest.json itself
}

// ErrMissing means that no such artifact is in the store.
var ErrMissing = errors.New("there is no such artifact")

// Damaged means that an artifact is there but is not what was written.
type Damaged struct {
	Ref     Ref
	File    string // inside the artifact
	Problem string
}

func (e *Damaged) Error() string {
	return fmt.Sprintf("artifact %s: %s %s", e.Ref, e.File, e.Problem)
}

const manifestName = "manifest.json"

// Dir is where the artifact lies once it is committed.
func (s Store) Dir(ref Ref) string { return filepath.Join(s.Root, ref.Kind, ref.Key) }

// Stat reads the manifest and compares file sizes, not contents: fast enough
// to be asked for every stage of a plan. Errors are ErrMissing or *Damaged.
func (s Store) Stat(ref Ref) (Manifest, error) {
	var m Manifest
	raw, err := os.ReadFile(filepath.Join(s.Dir(ref), manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("artifact %s: %w", ref, ErrMissing)
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, &Damaged{ref, manifestName, "is not a manifest: " + err.Error()}
	}
	if m.Kind != ref.Kind || m.Key != ref.Key {
		return m, &Damaged{ref, manifestName, fmt.Sprintf("belongs to %s", Ref{m.Kind, m.Key})}
	}
	for _, f := range m.Files {
		info, err := os.Stat(filepath.Join(s.Dir(ref), f.Name))
		if err != nil {
			return m, &Damaged{ref, f.Name, "is gone"}
		}
		if info.Size() != f.Bytes {
			return m, &Damaged{ref, f.Name, fmt.Sprintf("has %d bytes, %d were written", info.Size(), f.Bytes)}
		}
	}
	return m, nil
}

// Check is Stat and the hash of every file; one that has not changed since this
// process compared it is not read again.
func (s Store) Check(ref Ref) (Manifest, error) {
	m, err := s.Stat(ref)
	if err != nil {
		return m, err
	}
	for _, f := range m.Files {
		same, keep := unchanged(filepath.Join(s.Dir(ref), f.Name), f.SHA256)
		if same {
			continue
		}
		if err := s.checkFile(ref, f); err != nil {
			return m, err
		}
		keep()
	}
	return m, nil
}

// Path is the path of one file of an artifact, its hash just compared.
func (s Store) Path(ref Ref, name string) (string, error) {
	m, err := s.Stat(ref)
	if err != nil {
		return "", err
	}
	for _, f := range m.Files {
		if f.Name == name {
			return filepath.Join(s.Dir(ref), name), s.checkFile(ref, f)
		}
	}
	return "", &Damaged{ref, name, "was never part of it"}
}

// Read is the content of one file of an artifact, its hash compared.
func (s Store) Read(ref Ref, name string) ([]byte, error) {
	path, err := s.Path(ref, name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func (s Store) checkFile(ref Ref, f File) error {
	sum, _, err := HashFile(filepath.Join(s.Dir(ref), f.Name))
	if err != nil {
		return err
	}
	if sum != f.SHA256 {
		return &Damaged{ref, f.Name, fmt.Sprintf("has changed since it was written (SHA-256 %.12s…, %.12s… expected)", sum, f.SHA256)}
	}
	return nil
}

// SetAside moves an artifact out of the way, to <root>/damaged, so that its
// stage can be done again and the bytes can still be looked at.
func (s Store) SetAside(ref Ref) (string, error) {
	dir := filepath.Join(s.Root, "damaged")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	to := filepath.Join(dir, fmt.Sprintf("%s-%.12s-%d", ref.Kind, ref.Key, time.Now().UnixNano()))
	return to, os.Rename(s.Dir(ref), to)
}

// List names the artifacts of a kind that have a folder, whole or not.
func (s Store) List(kind string) ([]Ref, error) {
	entries, err := os.ReadDir(filepath.Join(s.Root, kind))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Ref
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, Ref{kind, e.Name()})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out, nil
}

// buffers to read through: most artifacts are smaller than one.
var buffers = sync.Pool{New: func() any { return new([1 << 18]byte) }}

// HashFile is the SHA-256 of a file in hex, and its size in bytes.
func HashFile(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	buffer := buffers.Get().(*[1 << 18]byte)
	defer buffers.Put(buffer)
	n, err := io.CopyBuffer(h, struct{ io.Reader }{f}, buffer[:]) // the file alone would bring a buffer of its own
	return hex.EncodeToString(h.Sum(nil)), n, err
}
