package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Output writes to a path that a user gave, such as that of --out. A new file
// gets the permissions perm; one that is there keeps its own and is replaced
// whole or not at all, as by [Write]. What a rename would destroy is written
// through, as cp does it:
//
//   - a symbolic link stays and its target gets the content;
//   - of a file with several names (hard links) all have the new content;
//   - a pipe, a terminal or a device such as /dev/null gets the content and
//     stays what it is, and so does whatever /dev/stdout stands for;
//   - a file in a folder where nothing can be made, but that can be written itself.
func Output(path string, perm os.FileMode, content func(w io.Writer) error) error {
	target, through := follow(path)
	info, err := os.Stat(target)
	if errors.Is(err, fs.ErrNotExist) && !through {
		return Write(target, perm, func(f *os.File) error { return content(f) })
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return &os.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	}
	if through || !info.Mode().IsRegular() {
		return pour(target, content)
	}
	if !severalNames(info) && canMakeIn(filepath.Dir(target)) {
		return Write(target, info.Mode().Perm(), func(f *os.File) error { return content(f) })
	}
	var whole bytes.Buffer // an error of content must not cost what is there
	if err := content(&whole); err != nil {
		return err
	}
	return pour(target, func(w io.Writer) error { _, err := whole.WriteTo(w); return err })
}

// Possible says, before anything is made, why [Output] could not write to a path; nil
// when it can as far as that is known now. It makes, changes and opens for reading
// nothing that stays.
func Possible(path string) error {
	target, through := follow(path)
	info, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !through:
		return possibleIn(filepath.Dir(target))
	case err != nil:
		return err
	case info.IsDir():
		return &os.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	case through || !info.Mode().IsRegular() || canMakeIn(filepath.Dir(target)):
		return nil // opening a pipe would wait for its reader
	}
	f, err := os.OpenFile(target, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// PossibleFolder is [Possible] of a folder that is made where it is not there, with
// those above it.
func PossibleFolder(path string) error {
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		_, err := os.Stat(dir)
		if (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) && dir != filepath.Dir(dir) {
			continue
		}
		return possibleIn(dir)
	}
}

func possibleIn(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s", dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is a file, not a folder", dir)
	}
	f, err := os.CreateTemp(dir, ".*.part")
	if at := (*os.PathError)(nil); errors.As(err, &at) {
		err = at.Err // the name is of no interest
	}
	if err != nil {
		return fmt.Errorf("nothing can be made in the folder %s: %w", dir, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// OutputBytes is [Output] of content that is at hand.
func OutputBytes(path string, perm os.FileMode, content []byte) error {
	return Output(path, perm, func(w io.Writer) error { _, err := w.Write(content); return err })
}

// mostLinks is as many as Linux follows.
const mostLinks = 40

// follow gives the name at the end of a chain of symbolic links, whether or not
// there is a file yet. It stops at names below /dev and /proc, which stand for
// open files: through says that these must be opened as they are.
func follow(path string) (target string, through bool) {
	for range mostLinks {
		if abs, err := filepath.Abs(path); err == nil && (strings.HasPrefix(abs, "/dev/") || strings.HasPrefix(abs, "/proc/")) {
			return path, true
		}
		to, err := os.Readlink(path)
		if err != nil { // not a link
			return path, false
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path, false // a circle: opening it says so
}

// canMakeIn says whether files can be made in a folder. It asks the system and makes
// none: a process that is killed at this moment leaves nothing.
func canMakeIn(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }

// pour writes into what is there.
func pour(path string, content func(w io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return errors.Join(content(f), f.Close())
}
