package artifact

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// verified remembers the files whose content this process has compared with their
// hash, and what the system said of them then: a sweep of 10,000 cells shares a
// reference, and a page that looks every few seconds shows every model. A file
// that is as it was is not read again; a run that starts tomorrow reads it again.
var verified sync.Map // path → known

type known struct {
	sha256 string
	look   look
}

// look is what the system says of a file. A change of a byte changes one of
// these, as far as its clock can tell two moments apart.
type look struct {
	size            int64
	inode           uint64
	modified, since int64 // ns; since is of the last change of anything, which nobody can set
}

// settled is how old the last change must be: within less, another one could
// carry the same time.
var settled = 2 * time.Second

func lookAt(info os.FileInfo) (l look, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return l, false
	}
	changed := changeOf(s)
	l = look{info.Size(), s.Ino, info.ModTime().UnixNano(), changed.UnixNano()}
	age := time.Since(changed)
	return l, age > settled
}

// unchanged says whether the file is as it was when it was last compared with the
// hash; keep remembers that it is right, if it has not changed meanwhile.
func unchanged(path, sha256 string) (same bool, keep func()) {
	info, err := os.Stat(path)
	if err != nil {
		return false, func() {}
	}
	now, ok := lookAt(info)
	if !ok {
		return false, func() {}
	}
	if before, found := verified.Load(path); found && before == (known{sha256, now}) {
		return true, func() {}
	}
	return false, func() { verified.Store(path, known{sha256, now}) }
}
