package results

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// What can be wrong with a database as a whole. They are matched with
// errors.Is; the error itself is an [*Error] that says where and what to do.
var (
	ErrMissing     = errors.New("no database")
	ErrReadOnly    = errors.New("read-only database")
	ErrLocked      = errors.New("locked database")
	ErrFull        = errors.New("disk full")
	ErrNetwork     = errors.New("database on a network filesystem")
	ErrNotDatabase = errors.New("not a prabench database")
	ErrCorrupt     = errors.New("corrupt database")
	ErrNewer       = errors.New("database of a newer version")
	ErrOlder       = errors.New("database of an older version")
	ErrIO          = errors.New("disk error")
)

// Error says what is wrong with a database. Nothing stored is lost by any of
// them: a transaction is either whole on disk or never was, and spool files
// stay where they are.
type Error struct {
	Path    string
	Problem error  // one of the Err… values above
	Message string // what happened and what to do, a sentence
	Err     error  // what the system or SQLite said; may be nil
}

func (e *Error) Error() string {
	s := e.Path + ": " + e.Message
	if e.Err != nil {
		s += " (" + e.Err.Error() + ")"
	}
	return s
}

// Unwrap gives the problem and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Problem}
	}
	return []error{e.Problem, e.Err}
}

// explain turns SQLite's and the system's errors into an Error that a user can
// act on. Errors it does not know stay as they are, with the path.
func explain(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	var unknown *UnknownVersion
	if errors.As(err, &known) || errors.As(err, &unknown) {
		return err
	}
	if e := problemOf(err); e != nil {
		e.Path, e.Err = path, err
		return e
	}
	return fmt.Errorf("%s: %s: %w", path, doing, err)
}

func problemOf(err error) *Error {
	full := &Error{Problem: ErrFull, Message: "the disk is full: free some space and run the command again; what was stored is whole, " +
		"results that did not fit stay in the spool folder"}
	readOnly := &Error{Problem: ErrReadOnly, Message: "the database cannot be written: give yourself write permission to the file and to " +
		"its folder, or choose another place with --db"}
	var lite sqlite3.Error
	if !errors.As(err, &lite) {
		switch {
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
			return full
		case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
			return readOnly
		}
		return nil
	}
	switch lite.Code {
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return readOnly
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return &Error{Problem: ErrLocked,
			Message: "another process is writing to the database and did not finish in time: wait for it or stop it, then run the command again"}
	case sqlite3.ErrFull:
		return full
	case sqlite3.ErrNotADB:
		return &Error{Problem: ErrNotDatabase,
			Message: "the file is not an SQLite database: choose another place with --db, or move the file away"}
	case sqlite3.ErrCorrupt:
		return &Error{Problem: ErrCorrupt, Message: "the database is damaged: keep a copy, then restore a snapshot or a .bak file, or save " +
			"what can be read with `sqlite3 FILE .recover`"}
	case sqlite3.ErrIoErr:
		if lite.SystemErrno == syscall.ENOSPC || lite.SystemErrno == syscall.EDQUOT {
			return full
		}
		if lite.SystemErrno == syscall.EFBIG {
			return &Error{Problem: ErrIO, Message: "the file would become larger than the system lets this process write (ulimit -f): raise the " +
				"limit and run the command again; what was stored is whole, results that did not fit stay in the spool folder"}
		}
		return &Error{Problem: ErrIO, Message: "the disk refused to read or write: check the disk and its space, then run the command again"}
	case sqlite3.ErrCantOpen:
		return &Error{Problem: ErrReadOnly, Message: "the database or the files beside it (-wal, -shm) cannot be opened: check the " +
			"permissions of the file and of its folder, or choose another place with --db"}
	}
	return nil
}
