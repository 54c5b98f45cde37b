package slurm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"prabench/harness/machine"
	"prabench/internal/atomicfile"
)

// Program is the executable that tasks run: a copy of the one that planned, so
// that a build in between changes nothing.
type Program struct {
	Path     string `json:"path"`
	SHA256   string `json:"sha256"`
	Revision string `json:"revision"` // of its source
}

// program describes the executable at path as it will lie in the artifacts
// folder.
func program(path, artifacts string) (Program, error) {
	f, err := os.Open(path)
	if err != nil {
		return Program{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return Program{}, err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	return Program{Path: filepath.Join(artifacts, "program", sum[:12], filepath.Base(path)), SHA256: sum,
		Revision: machine.Environment(0).Code()}, nil
}

// keep copies the executable, and the programs of other devices that lie
// beside it, to where tasks find them.
func (p Program) keep(from string) error {
	if err := copyOnce(from, p.Path); err != nil {
		return fmt.Errorf("the program could not be copied to the artifacts folder: %w", err)
	}
	beside, _ := filepath.Glob(filepath.Join(filepath.Dir(from), "prabench-*"))
	for _, other := range beside {
		if err := copyOnce(other, filepath.Join(filepath.Dir(p.Path), filepath.Base(other))); err != nil {
			return fmt.Errorf("the program of another device could not be copied to the artifacts folder: %w", err)
		}
	}
	return p.libraries(from)
}

// libraries copies what a bundle's programs load from the folder lib beside theirs:
// they look beside a copy of themselves as well.
func (p Program) libraries(from string) error {
	lib := filepath.Join(filepath.Dir(filepath.Dir(from)), "lib")
	if _, err := os.Stat(filepath.Join(filepath.Dir(lib), "VERSION")); err != nil {
		return nil // no bundle: /usr/local/lib is nobody's
	}
	found, _ := filepath.Glob(filepath.Join(lib, "lib*.so*"))
	for _, library := range found {
		if err := copyOnce(library, filepath.Join(filepath.Dir(p.Path), "lib", filepath.Base(library))); err != nil {
			return fmt.Errorf("a library of the bundle could not be copied to the artifacts folder: %w", err)
		}
	}
	return nil
}

// copyOnce copies a program unless the copy is there. It appears whole or not
// at all: a task may be starting it.
func copyOnce(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if have, err := os.Stat(to); err == nil && have.Size() == info.Size() && !have.ModTime().Before(info.ModTime()) {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(to, 0o755, func(out *os.File) error {
		_, err := io.Copy(out, in)
		return err
	})
}
