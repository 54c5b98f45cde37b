package worker

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"prabench/harness/machine"
	"prabench/results/record"
)

// A full disk is nobody's fault but the disk's: the attempt is interrupted, the
// next run makes another, and until there is room none can end well.

// full is how the reason of an attempt begins that a full disk has ended.
const full = "the disk is full"

// exitFull is the exit code of a worker whose result had no room.
const exitFull = 5

// IsFull says that an error is for want of room on a disk: its space, its inodes
// or the user's quota.
func IsFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// EndedByFullDisk says that an attempt ended for that.
func EndedByFullDisk(a record.Attempt) bool {
	return a.Outcome == record.Interrupted && strings.HasPrefix(a.Reason, full)
}

// FullDisk ends a run: whatever else was started would end in the same way.
type FullDisk struct {
	Doing string // whose result had no room
	Why   string // what the system said
	Dir   string // the artifacts
}

func (e *FullDisk) Error() string {
	why := strings.TrimPrefix(strings.TrimPrefix(e.Why, full), ": ")
	return fmt.Sprintf("%s: %s: %s%s; nothing more is started. Free some space (`prabench gc` lists what is not needed) and run the same "+
		"command again: it goes on from what is stored", full, e.Doing, why, Room(e.Dir))
}

// Room says in brackets what is left on the disk of a folder, in which of the two
// that it can run out of; "" where the system does not tell.
func Room(dir string) string {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return ""
	}
	if s.Files > 0 && s.Ffree == 0 {
		return fmt.Sprintf(" (%s: no inode is left for another file)", dir)
	}
	return fmt.Sprintf(" (%s: %s free)", dir, machine.Size(int64(s.Bavail)*int64(s.Bsize)))
}

// least is what must be free for an attempt to begin: less than any artifact with
// its manifest and result takes.
const least = 64 << 10

// NoRoom is an error where the disk of a folder has no room for any result at all.
func NoRoom(dir string) error {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Blocks == 0 {
		return nil // not told
	}
	if int64(s.Bavail)*int64(s.Bsize) < least || s.Files > 0 && s.Ffree == 0 {
		return fmt.Errorf("%s: %w", dir, syscall.ENOSPC)
	}
	return nil
}
