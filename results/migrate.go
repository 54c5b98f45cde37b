package results

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"prabench/internal/atomicfile"
)

// A migration brings the schema one version forward. Its text never changes
// once it was released: databases in the field stand on it.
type migration string

//go:embed schema/1.sql
var schema1 string

//go:embed schema/2.sql
var schema2 string

//go:embed schema/3.sql
var schema3 string

//go:embed schema/4.sql
var schema4 string

//go:embed schema/5.sql
var schema5 string

//go:embed schema/6.sql
var schema6 string

// migrations holds one step per version; PRAGMA user_version counts those done.
var migrations = []migration{migration(schema1), migration(schema2), migration(schema3), migration(schema4), migration(schema5),
	migration(schema6)}

// migrate runs the missing steps in one exclusive transaction: the database is
// either at the last version afterwards or as it was. A database that has data
// is copied first, while the lock keeps others from writing.
func (db *DB) migrate(ctx context.Context, conn *sql.Conn, steps []migration) (err error) {
	exec := func(statement string) error {
		_, err := conn.ExecContext(ctx, statement)
		return err
	}
	// Tables may have to be rebuilt; SQLite ignores this inside a transaction.
	if err := exec("PRAGMA foreign_keys=OFF"); err != nil {
		return err
	}
	defer func() {
		if e := exec("PRAGMA foreign_keys=ON"); err == nil {
			err = e
		}
	}()
	if err := exec("BEGIN EXCLUSIVE"); err != nil {
		return err
	}
	backup := ""
	defer func() {
		if err != nil {
			_ = exec("ROLLBACK") // the first error is the one to report
			if backup != "" {
				err = fmt.Errorf("%w; the database is as it was, with a copy at %s", err, backup)
			}
		}
	}()
	// Another process may have come first while this one waited.
	version, err := inspect(ctx, conn, db.path, len(steps))
	if err != nil {
		return err
	}
	if version > 0 && version < len(steps) {
		if backup, err = db.backup(ctx, version); err != nil {
			return fmt.Errorf("making a copy first: %w", err)
		}
	}
	for v := version; v < len(steps); v++ {
		if err := exec(string(steps[v])); err != nil {
			return fmt.Errorf("from version %d to %d: %w", v, v+1, err)
		}
	}
	if err := exec(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, len(steps))); err != nil {
		return err
	}
	var table string
	row := conn.QueryRowContext(ctx, "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")
	if e := row.Scan(&table); e == nil {
		return fmt.Errorf("rows of table %s would refer to nothing", table)
	} else if e != sql.ErrNoRows {
		return e
	}
	return exec("COMMIT")
}

// backup copies the database as last committed to path.v1.bak, or path.v1.2.bak
// and so on where that exists, and gives the copy's path.
func (db *DB) backup(ctx context.Context, version int) (string, error) {
	for i := 1; ; i++ {
		to := fmt.Sprintf("%s.v%d.bak", db.path, version)
		if i > 1 {
			to = fmt.Sprintf("%s.v%d.%d.bak", db.path, version, i)
		}
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		return to, db.copyTo(ctx, to)
	}
}

// Snapshot writes a copy of the database to path, compact and without a log,
// for publishing: it can be read from a folder that cannot be written. Others
// may go on writing meanwhile. It refuses to replace a file.
func (db *DB) Snapshot(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: the file exists: a snapshot never replaces one, choose another name", path)
	}
	return db.copyTo(ctx, path)
}

// copyTo makes a whole copy or none.
func (db *DB) copyTo(ctx context.Context, path string) (err error) {
	temp := path + ".part"
	os.Remove(temp) // of an earlier try
	defer func() {
		if err != nil {
			os.Remove(temp)
			err = explain(path, "copying the database", err)
		}
	}()
	// VACUUM INTO only reads, but query_only forbids it by its name.
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only=0"); err != nil {
		return err
	}
	defer func() {
		if _, e := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only=1"); e != nil && err == nil {
			err = e // the connection goes back to the pool of readers
		}
	}()
	if _, err := conn.ExecContext(ctx, "VACUUM INTO '"+strings.ReplaceAll(temp, "'", "''")+"'"); err != nil {
		return err
	}
	if err := atomicfile.Sync(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return atomicfile.Sync(filepath.Dir(path))
}
