package results

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"prabench/internal/filesystem"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// applicationID is "prab": it tells our databases from other programs'.
const applicationID = 0x70726162

// busyTimeout is how long a connection waits for another process's lock.
const busyTimeout = 10 * time.Second

// DB is an open database. Its methods may be called from several goroutines.
type DB struct {
	path  string
	write *sql.DB // one connection; nil when read-only
	read  *sql.DB

	ingest  sync.Mutex // one spool folder is taken in at a time
	several sync.Mutex // held by a read on several connections at once
}

// Open opens the database at path for reading and writing and creates it if
// there is none; its folder must exist. A database of an older version is
// migrated, after a copy beside it (path.v1.bak). It is refused, untouched,
// when it is of a newer version ([ErrNewer]), not one of ours
// ([ErrNotDatabase]), not writable ([ErrReadOnly]) or on a network filesystem
// ([ErrNetwork]).
func Open(path string) (*DB, error) { return open(path, migrations) }

func open(path string, steps []migration) (*DB, error) {
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	if name := filesystem.Network(filepath.Dir(path)); name != "" {
		return nil, onNetwork(path, name)
	}
	if _, err := readHeader(path); err != nil {
		return nil, err
	}
	if err := filesystem.Writable(path); err != nil {
		return nil, explain(path, "opening", err)
	}
	db := &DB{path: path}
	fail := func(doing string, err error) (*DB, error) {
		db.Close()
		return nil, explain(path, doing, err)
	}
	if db.write, err = connect(path, 1, "_txlock=immediate"); err != nil {
		return fail("opening", err)
	}
	ctx := context.Background()
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fail("opening", err)
	}
	defer conn.Close()
	version, err := inspect(ctx, conn, path, len(steps))
	if err != nil {
		return fail("reading its version", err)
	}
	// The log belongs to the file, not to the connection: set once here, after
	// the file is known to be ours.
	if err := useLog(ctx, conn); err != nil {
		return fail("switching on the write-ahead log", err)
	}
	if db.read, err = connect(path, readConnections(), "mode=ro", "_query_only=1"); err != nil {
		return fail("opening", err)
	}
	if version < len(steps) {
		if err := db.migrate(ctx, conn, steps); err != nil {
			return fail("migrating", err)
		}
	} else if err := tryWrite(ctx, conn, version); err != nil && !errors.Is(explain(path, "", err), ErrLocked) {
		return fail("opening for writing", err) // a writer that is busy now is met later, with its own wait
	}
	return db, nil
}

// OpenReadOnly opens an existing database for reading only. It also reads
// snapshots in folders that cannot be written. A database of an older version
// is migrated first, as [Open] does it; where it cannot be, that is [ErrOlder].
func OpenReadOnly(path string) (*DB, error) {
	db, err := openReadOnly(path)
	if !errors.Is(err, ErrOlder) {
		return db, err
	}
	w, failed := Open(path)
	if failed != nil {
		var e *Error
		errors.As(err, &e)
		e.Err = failed
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, explain(path, "migrating", err)
	}
	return openReadOnly(path)
}

func openReadOnly(path string) (*DB, error) {
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	head, err := readHeader(path)
	if err != nil {
		return nil, err
	}
	if head == nil {
		return nil, &Error{Path: path, Problem: ErrMissing,
			Message: "there is no database here: `prabench run FILE` makes one, or name another with --db"}
	}
	const walMode = 2 // byte 18 of the header
	if name := filesystem.Network(filepath.Dir(path)); name != "" && head[18] == walMode {
		return nil, onNetwork(path, name)
	}
	try := func(options ...string) (*DB, error) {
		read, err := connect(path, readConnections(), append(options, "mode=ro", "_query_only=1")...)
		if err != nil {
			return nil, err
		}
		db := &DB{path: path, read: read}
		ctx := context.Background()
		conn, err := read.Conn(ctx)
		if err == nil {
			var version int
			version, err = inspect(ctx, conn, path, len(migrations))
			conn.Close()
			if err == nil && version < len(migrations) {
				err = &Error{Path: path, Problem: ErrOlder,
					Message: fmt.Sprintf("the database is of version %d and this program reads version %d: copy it to where it can be written, there "+
						"it is migrated as it is opened", version, len(migrations))}
			}
		}
		if err != nil {
			db.Close()
			return nil, err
		}
		return db, nil
	}
	db, err := try()
	if err != nil && errors.Is(explain(path, "", err), ErrReadOnly) {
		// A log cannot be opened where its shared memory cannot be made. When
		// there is nothing in it and nobody can write, the file alone is all.
		if st, e := os.Stat(path + "-wal"); e != nil || st.Size() == 0 {
			db, err = try("immutable=1")
		}
	}
	if err != nil {
		return nil, explain(path, "opening", err)
	}
	return db, nil
}

// Path is the absolute path of the database file.
func (db *DB) Path() string { return db.path }

// Close ends all connections. The last one to close folds the log into the file.
func (db *DB) Close() error {
	var errs []error
	for _, c := range []*sql.DB{db.read, db.write} { // the writer last: it can fold the log
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// writer gives the writing connection or says why there is none.
func (db *DB) writer() (*sql.DB, error) {
	if db.write == nil {
		return nil, &Error{Path: db.path, Problem: ErrReadOnly, Message: "the database was opened for reading only"}
	}
	return db.write, nil
}

// readConnections is more than one answer takes, see readers: a caller that holds
// several connections must not wait for those who hold one.
func readConnections() int { return max(2, runtime.NumCPU()) + maxReaders }

// connect opens a pool whose every connection waits for locks, checks foreign
// keys and has each commit on disk before it returns: a spool file is removed
// after that, so a weaker setting could lose it to a power cut.
func connect(path string, connections int, options ...string) (*sql.DB, error) {
	options = append(options, fmt.Sprintf("_busy_timeout=%d", busyTimeout.Milliseconds()),
		"_foreign_keys=1", "_synchronous=FULL", "_cache_size=-32768", "_stmt_cache_size=32")
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(options, "&")
	db, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// locate makes path absolute, follows links (the log stands beside the real
// file) and checks its folder.
func locate(path string) (string, error) {
	if path == "" {
		return "", errors.New("the database has no path: name one with --db")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	folder := filepath.Dir(abs)
	if st, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) || err == nil && !st.IsDir() {
		return "", &Error{Path: abs, Problem: ErrMissing, Message: "the folder " + folder +
			" does not exist: make it, or choose another place with --db"}
	} else if err != nil {
		return "", explain(abs, "opening", err)
	}
	if target, err := filepath.EvalSymlinks(abs); err == nil {
		return target, nil
	}
	if target, err := filepath.EvalSymlinks(folder); err == nil {
		return filepath.Join(target, filepath.Base(abs)), nil
	}
	return abs, nil
}

func onNetwork(path, name string) error {
	return &Error{Path: path, Problem: ErrNetwork, Message: "the database would be on a network filesystem, " + name +
		", where SQLite's write-ahead log can lose data: put it on a local disk with --db; /tmp will do, since `prabench ingest DIR` " +
		"makes it again from the folder of artifacts, which may stay where it is, on this machine or any other " +
		"(docs/reference/cluster.md, \"Where everything is NFS\")"}
}

// readHeader reads the first 100 bytes of a database file, nil when there is
// no file or an empty one. It refuses what is not SQLite before SQLite touches it.
func readHeader(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, explain(path, "opening", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && !st.Mode().IsRegular() {
		return nil, &Error{Path: path, Problem: ErrNotDatabase,
			Message: "this is a folder or a device, not a database file: choose another place with --db"}
	}
	head := make([]byte, 100)
	n, err := io.ReadFull(f, head)
	if n == 0 && err == io.EOF {
		return nil, nil
	}
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, explain(path, "reading", err)
	}
	if n < len(head) || string(head[:16]) != "SQLite format 3\x00" {
		return nil, &Error{Path: path, Problem: ErrNotDatabase,
			Message: "the file is not an SQLite database: choose another place with --db, or move the file away"}
	}
	if id := binary.BigEndian.Uint32(head[68:]); id != 0 && id != applicationID {
		return nil, &Error{Path: path, Problem: ErrNotDatabase,
			Message: "the file is an SQLite database of another program: choose another place with --db"}
	}
	return head, nil
}

// inspect reads the version and refuses databases that are not ours or newer
// than known.
func inspect(ctx context.Context, conn *sql.Conn, path string, known int) (version int, err error) {
	// One statement, so one snapshot: another process may be creating the database.
	var id, tables int
	const ask = "SELECT (SELECT count(*) FROM sqlite_master), application_id, user_version FROM pragma_application_id, pragma_user_version"
	if err := conn.QueryRowContext(ctx, ask).Scan(&tables, &id, &version); err != nil {
		return 0, err
	}
	if tables > 0 && id != applicationID {
		return 0, &Error{Path: path, Problem: ErrNotDatabase,
			Message: "the file is an SQLite database of another program: choose another place with --db"}
	}
	if version > known {
		return 0, &Error{Path: path, Problem: ErrNewer,
			Message: fmt.Sprintf("the database is of version %d and this program knows versions up to %d: update prabench, or choose another "+
				"place with --db; the file was not touched", version, known)}
	}
	return version, nil
}

// useLog switches to the write-ahead log. Two processes that create a database
// at once meet here, without SQLite's usual wait.
func useLog(ctx context.Context, conn *sql.Conn) error {
	var mode string
	var err error
	for wait := time.Millisecond; wait < busyTimeout/4; wait *= 2 {
		err = conn.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
		if err == nil && mode == "wal" {
			return nil
		}
		if err != nil && !errors.Is(explain("", "", err), ErrLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	if err == nil {
		err = fmt.Errorf("SQLite keeps journal mode %q", mode)
	}
	return err
}

// tryWrite writes the version that is already there and takes it back: the one
// sure way to learn that a database can be written.
func tryWrite(ctx context.Context, conn *sql.Conn, version int) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d", version))
	if _, e := conn.ExecContext(ctx, "ROLLBACK"); err == nil {
		err = e
	}
	return err
}
