package results

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"prabench/results/record"

	"github.com/mattn/go-sqlite3"
)

// IngestReport says what became of the files of a spool folder.
type IngestReport struct {
	Inserted    int // new attempts
	Known       int // attempts that were stored before
	Quarantined []Quarantined
}

// Quarantined is a spool file that can never be stored.
type Quarantined struct {
	File string // where it was
	To   string // where it is now, with the reason beside it in To + ".why"
	Why  string
}

// QuarantineError tells of files that were put aside. All others were stored:
// a caller may show it as a warning and go on.
type QuarantineError struct{ Files []Quarantined }

func (e *QuarantineError) Error() string {
	lines := make([]string, len(e.Files))
	for i, q := range e.Files {
		lines[i] = q.File + ": put into quarantine: " + q.Why
	}
	return strings.Join(lines, "\n")
}

// IngestDir stores every attempt of the spool folder dir (its *.json files)
// and gives the number of new ones. A file is removed after its transaction is
// on disk. A corrupt file is moved to dir/quarantine with the reason in a .why
// file beside it and told by a [*QuarantineError], which comes after
// everything else was stored. A folder that does not exist is an empty one.
func (db *DB) IngestDir(ctx context.Context, dir string) (n int, err error) {
	paths, err := SpoolFiles(dir)
	if err != nil {
		return 0, err
	}
	report, err := db.ingestFiles(ctx, paths, false)
	if err == nil && len(report.Quarantined) > 0 {
		err = &QuarantineError{report.Quarantined}
	}
	return report.Inserted, err
}

// MergeDir stores every attempt of a spool folder of another machine and
// leaves the folder as it is: merging it again changes nothing. Corrupt files
// are in the report, and stay.
func (db *DB) MergeDir(ctx context.Context, dir string) (IngestReport, error) {
	paths, err := SpoolFiles(dir)
	if err != nil {
		return IngestReport{}, err
	}
	return db.MergeFiles(ctx, paths)
}

// MergeFiles is [DB.MergeDir] of some files, wherever they lie.
func (db *DB) MergeFiles(ctx context.Context, paths []string) (IngestReport, error) {
	return db.ingestFiles(ctx, paths, true)
}

// A transaction takes in this much: few enough to keep others waiting for the
// lock only briefly, many enough to share the wait for the disk.
const (
	batchFiles = 256
	batchBytes = 16 << 20
)

// spooled is a file that was read.
type spooled struct {
	path    string
	attempt record.Attempt
}

func (db *DB) ingestFiles(ctx context.Context, paths []string, keep bool) (report IngestReport, err error) {
	if _, err := db.writer(); err != nil {
		return report, err
	}
	db.ingest.Lock()
	defer db.ingest.Unlock()
	aside := func(path, why string) error {
		if keep {
			report.Quarantined = append(report.Quarantined, Quarantined{File: path, Why: why})
			return nil
		}
		q, err := quarantine(path, why)
		if err == nil && q.To != "" {
			report.Quarantined = append(report.Quarantined, q)
		}
		return err
	}
	var left []error // files that could not be read and stay
	for len(paths) > 0 {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		var batch []spooled
		bytes := int64(0)
		for len(paths) > 0 && len(batch) < batchFiles && bytes < batchBytes {
			path := paths[0]
			paths = paths[1:]
			if st, err := os.Stat(path); err == nil {
				bytes += st.Size()
			}
			a, err := record.ReadSpool(path)
			var corrupt *record.CorruptError
			switch {
			case err == nil:
				batch = append(batch, spooled{path, a})
			case errors.Is(err, fs.ErrNotExist): // another process took it
			case errors.As(err, &corrupt):
				if err := aside(path, corrupt.Why); err != nil {
					return report, err
				}
			default:
				left = append(left, err)
			}
		}
		inserted, refused, err := db.ingestBatch(ctx, batch)
		if err != nil {
			return report, explain(db.path, "storing results", err)
		}
		report.Inserted += inserted
		report.Known += len(batch) - inserted - len(refused)
		for _, s := range batch {
			if why, bad := refused[s.path]; bad {
				if err := aside(s.path, why); err != nil {
					return report, err
				}
			} else if !keep {
				if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					left = append(left, fmt.Errorf("%w: its attempt is stored, remove the file by hand", err))
				}
			}
		}
	}
	return report, errors.Join(left...)
}

// SpoolFiles lists the files of a spool folder that [DB.IngestDir] would take
// in, oldest attempt first. A folder that does not exist is an empty one.
func SpoolFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: the spool folder cannot be read: %w", dir, err)
	}
	var paths []string // ReadDir sorts by name, and names begin with the time
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() && strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, ".") {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths, nil
}

// ingestBatch stores attempts in one transaction. Those that contradict what is
// stored are refused, each with its reason, without harm to the others.
func (db *DB) ingestBatch(ctx context.Context, batch []spooled) (inserted int, refused map[string]string, err error) {
	if len(batch) == 0 {
		return 0, nil, nil
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, err
	}
	defer tx.Rollback()
	in := newInserter(ctx, tx)
	defer in.close()
	refused = map[string]string{}
	for _, s := range batch {
		if err := in.exec("SAVEPOINT attempt"); err != nil {
			return 0, nil, err
		}
		added, err := in.insert(s.attempt)
		if err != nil {
			if !contradicts(err) {
				return 0, nil, err
			}
			refused[s.path] = err.Error()
			in.forget()
			if err := in.exec("ROLLBACK TO attempt"); err != nil {
				return 0, nil, err
			}
		}
		if err := in.exec("RELEASE attempt"); err != nil {
			return 0, nil, err
		}
		if added {
			inserted++
		}
	}
	return inserted, refused, tx.Commit()
}

// contradicts tells errors of an attempt's content from those of the disk, the
// lock or the context, after which the attempt may still be stored.
func contradicts(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.Code == sqlite3.ErrConstraint || lite.Code == sqlite3.ErrTooBig || lite.Code == sqlite3.ErrMismatch
	}
	var conflict *ConflictError
	var kind *KindError
	return errors.As(err, &conflict) || errors.As(err, &kind)
}

// quarantine moves a file into the folder of that name beside it. An empty To
// says that it was gone.
func quarantine(path, why string) (Quarantined, error) {
	folder := filepath.Join(filepath.Dir(path), "quarantine")
	fail := func(err error) (Quarantined, error) {
		return Quarantined{}, fmt.Errorf("%s: it cannot be stored (%s) and not be put into quarantine: %w", path, why, err)
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return fail(err)
	}
	to := filepath.Join(folder, filepath.Base(path))
	for i := 2; ; i++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		}
		to = filepath.Join(folder, fmt.Sprintf("%s.%d", filepath.Base(path), i))
	}
	if err := os.WriteFile(to+".why", []byte(why+"\n"), 0o666); err != nil {
		return fail(err)
	}
	if err := os.Rename(path, to); errors.Is(err, fs.ErrNotExist) {
		os.Remove(to + ".why")
		return Quarantined{}, nil
	} else if err != nil {
		return fail(err)
	}
	return Quarantined{File: path, To: to, Why: why}, nil
}
