//go:build !unix

package atomicfile

import "io/fs"

func severalNames(fs.FileInfo) bool { return false }
