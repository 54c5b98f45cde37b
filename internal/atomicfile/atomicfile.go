// Package atomicfile writes files that are there whole or not at all.
//
// Its principle is that a reader must never see half a file and that a file which was
// reported as written survives a power cut: content goes into a temporary file
// beside the target, whose name starts with a dot, is brought to the disk, and
// takes the target's name last. Then the folder itself is brought to the disk.
//
// A path that a user gave is another matter ([Output]): behind it may be a link,
// a pipe or a device, which the user means and which must still be there
// afterwards.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write makes or replaces the file at path with what content writes, with the
// permissions perm. Where it fails, what was at path before is still there and
// nothing else is left behind.
func Write(path string, perm os.FileMode, content func(f *os.File) error) error {
	return write(path, perm, true, content)
}

// WriteBytes is [Write] of content that is at hand.
func WriteBytes(path string, perm os.FileMode, content []byte) error {
	return Write(path, perm, bytesOf(content))
}

// WriteVolatile is [WriteBytes] that does not wait for the disk, for what is
// written often and means nothing after a power cut: readers see it whole, but
// it may be lost.
func WriteVolatile(path string, perm os.FileMode, content []byte) error {
	return write(path, perm, false, bytesOf(content))
}

func bytesOf(content []byte) func(f *os.File) error {
	return func(f *os.File) error {
		_, err := f.Write(content)
		return err
	}
}

func write(path string, perm os.FileMode, durable bool, content func(f *os.File) error) (err error) {
	f, err := beside(path)
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
	if durable {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if durable {
		return Sync(filepath.Dir(path))
	}
	return nil
}

// beside makes the temporary file. An error names the file that was asked for:
// nobody knows the temporary one.
func beside(path string) (*os.File, error) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+name+".*.part")
	var at *os.PathError
	if errors.As(err, &at) {
		return nil, &os.PathError{Op: "open", Path: path, Err: at.Err}
	}
	return f, err
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
