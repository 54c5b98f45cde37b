package machine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// Lock is an exclusive claim on a file, held until it is released or the
// process ends, however it ends.
type Lock struct{ f *os.File }

// Held means that another process has the lock.
type Held struct {
	Path string
	By   string // what the holder wrote about itself
}

func (e *Held) Error() string {
	by := e.By
	if by == "" {
		by = "another process"
	}
	return fmt.Sprintf("%s is held by %s: wait until it ends or stop it", e.Path, by)
}

// Acquire claims the file, which is made if need be, and writes into it who
// holds it. It does not wait: if the file is taken, the error is *Held.
func Acquire(path, doing string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			by, _ := io.ReadAll(io.LimitReader(f, 1024))
			return nil, &Held{path, strings.TrimSpace(string(by))}
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	host, _ := os.Hostname()
	_ = f.Truncate(0) // the text only says who holds the lock
	fmt.Fprintf(f, "process %d on %s, %s, since %s\n", os.Getpid(), host, doing, time.Now().Format("2006-01-02 15:04:05"))
	return &Lock{f}, nil
}

// Holder is who holds the lock now, or "" when nobody does.
func Holder(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return ""
	}
	by, _ := io.ReadAll(io.LimitReader(f, 1024))
	return strings.TrimSpace(string(by))
}

// Release gives the lock back. The file stays: removing it would let two
// processes hold locks on two files of one name.
func (l *Lock) Release() {
	_ = l.f.Truncate(0)
	l.f.Close()
}
