//go:build unix

package atomicfile

import (
	"io/fs"
	"syscall"
)

// severalNames says whether a file has other names that a rename would cut off.
func severalNames(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink > 1
}
