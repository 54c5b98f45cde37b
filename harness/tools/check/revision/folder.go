package revision

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A check that is killed outright (SIGKILL, want of memory) can remove nothing. What
// it leaves is found by the next one: its folder has a lock, which the system gives
// back when the check and every program that it started there are gone.

const (
	folderName = "prabench-check-"
	ownerFile  = "owner"      // locked for as long as the folder is in use
	repoFile   = "repository" // in which the worktree below is registered
	treeFolder = "source"
)

// NewFolder makes a folder for what a check makes on the way, and locks it; done
// removes it.
func NewFolder() (dir string, done func(), err error) {
	if dir, err = os.MkdirTemp("", folderName+"*"); err != nil {
		return "", nil, err
	}
	held, err := claim(dir)
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, func() {
		os.RemoveAll(dir)
		held.Close()
	}, nil
}

// claim locks a new folder. The file has its name only once it is locked, so that
// no check that starts meanwhile takes the folder for a dead one's.
func claim(dir string) (*os.File, error) {
	unnamed := filepath.Join(dir, ownerFile+".new")
	held, err := lock(unnamed, syscall.LOCK_SH, os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(unnamed, filepath.Join(dir, ownerFile)); err != nil {
		held.Close()
		return nil, err
	}
	return held, nil
}

// lock opens a file and locks it, without waiting. A file that lost its name
// meanwhile is of a check that ended by itself: it is as good as none.
func lock(path string, how, more int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|more, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	locked, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if named, err := os.Lstat(path); err != nil || !os.SameFile(locked, named) {
		f.Close()
		return nil, fs.ErrNotExist
	}
	return f, nil
}

// RemoveDead removes the folders of this user's checks that are gone, with the
// worktrees that their repositories still know of, and gives them. What cannot be
// removed stays for the next time.
func RemoveDead(ctx context.Context) (removed []string) {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), folderName+"*"))
	for _, dir := range found {
		if own(dir) && removeDead(ctx, dir) == nil {
			removed = append(removed, dir)
		}
	}
	return removed
}

// own says that a path is a folder, no link to one, and this user's: nothing of
// what others write there is followed.
func own(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

func removeDead(ctx context.Context, dir string) error {
	held, err := lock(filepath.Join(dir, ownerFile), syscall.LOCK_EX, 0)
	if err != nil {
		return err // in use, or of a program that knew no lock
	}
	defer held.Close()
	repository, err := os.ReadFile(filepath.Join(dir, repoFile))
	switch {
	case errors.Is(err, fs.ErrNotExist): // nothing was checked out
	case err != nil:
		return err
	default:
		top := strings.TrimSpace(string(repository))
		if _, err := os.Stat(top); err != nil { // the repository is gone, and what it knew with it
			break
		}
		if err := forget(ctx, top, filepath.Join(dir, treeFolder)); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}
