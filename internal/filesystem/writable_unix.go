//go:build unix

package filesystem

import (
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Writable asks the system before SQLite is asked, which would silently open a
// file that cannot be written for reading. The folder counts as well: the log
// is made there.
func Writable(path string) error {
	if err := unix.Access(filepath.Dir(path), unix.W_OK); err != nil {
		return err
	}
	if err := unix.Access(path, unix.W_OK); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
