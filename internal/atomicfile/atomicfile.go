// Package atomicfile writes files that are there whole or not at all.
//
// It believes that a reader must never see half a file and that a file which was
// reported as written survives a power cut: content goes into a temporary file
// beside the target, whose name starts with a dot, is brought to the disk, and
// takes the target's name last. Then the folder itself is brought to the disk.
package atomicfile

import (
	"os"
	"path/filepath"
)

// Write makes or replaces the file at path with what content writes, with the
// permissions perm. Where it fails, what was at path before is still there and
// nothing else is left behind.
func Write(path string, perm os.FileMode, content func(f *os.File) error) (err error) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+name+".*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := content(f); err != nil {
		return err
	}
	if err := f.Chmod(perm); err != nil { // CreateTemp keeps others out
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return Sync(dir)
}

// WriteBytes is [Write] of content that is at hand.
func WriteBytes(path string, perm os.FileMode, content []byte) error {
	return Write(path, perm, func(f *os.File) error {
		_, err := f.Write(content)
		return err
	})
}

// Sync brings a file, or the entries of a folder, to the disk.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
