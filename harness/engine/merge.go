package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"prabench/harness/artifact"
	"prabench/harness/machine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/results"
	"prabench/results/record"
)

// ErrNothingToMerge means that a folder is not one of another machine.
var ErrNothingToMerge = errors.New("it has neither results (*.json, or a folder spool) nor artifacts (folders train, sample, …)")

// Merged says what became of another machine's folder.
type Merged struct {
	Copied, Same int                  // artifacts that came, and that were here already
	Attempts     results.IngestReport // from its spool and from beside its artifacts
	Refused      []error              // one for each artifact that conflicts or is damaged
}

// Merge takes in what another machine made: a folder that was its artifacts
// folder (or holds one as .prabench), or its spool folder alone. Artifacts come
// first, each hash compared, then the attempts: a crash between leaves artifacts
// that a run finds. The folder stays as it is and can be merged again, with the
// same result. What conflicts with what is here is refused by name, together
// with its attempt, and harms nothing else. Rounds of timings that are not
// complete stay behind: they are worth something only on their own machine.
//
// The run's own folder is one whose spool is taken in, as a run does it.
func Merge(ctx context.Context, db *results.DB, places Places, dir string) (m Merged, err error) {
	from, spool, err := sourceOf(dir)
	if err != nil {
		return m, err
	}
	release, err := places.incoming("prabench ingest " + dir)
	if err != nil {
		return m, err
	}
	defer release()
	if from.Root != "" && sameFile(from.Root, places.Artifacts) {
		n, err := db.IngestDir(ctx, places.Spool())
		m.Attempts.Inserted = n
		var aside *results.QuarantineError
		if errors.As(err, &aside) {
			m.Attempts.Quarantined, err = aside.Files, nil
		}
		return m, err
	}
	var files []string
	refused := map[string]bool{} // attempts
	if from.Root != "" {
		if files, err = m.artifacts(ctx, places.Store(), from, refused); err != nil {
			return m, err
		}
	}
	spooled, err := results.SpoolFiles(spool)
	if err != nil {
		return m, err
	}
	for _, path := range spooled {
		if !refused[strings.TrimSuffix(filepath.Base(path), ".json")] {
			files = append(files, path)
		}
	}
	m.Attempts, err = db.MergeFiles(ctx, files)
	return m, err
}

// incoming claims the artifacts for what comes from another machine: garbage is
// not collected meanwhile, since artifacts come before what refers to them. It
// may go on beside a run.
func (p Places) incoming(name string) (release func(), err error) {
	if err := os.MkdirAll(p.Artifacts, 0o755); err != nil {
		return nil, &Failure{err}
	}
	l, err := machine.Acquire(filepath.Join(p.Artifacts, "incoming.lock"), name)
	if err != nil {
		return nil, &Failure{err}
	}
	return l.Release, nil
}

// artifacts copies and gives the attempts that lie beside them.
func (m *Merged) artifacts(ctx context.Context, to, from artifact.Store, refused map[string]bool) (attempts []string, err error) {
	for _, kind := range stage.Kinds() {
		refs, err := from.List(kind.Name)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			file := filepath.Join(from.Dir(ref), work.AttemptFile)
			copied, err := to.Merge(from, ref, work.AttemptFile)
			var conflict *artifact.Conflict
			var damage *artifact.Damaged
			switch {
			case errors.Is(err, artifact.ErrMissing): // a folder that is no artifact
				continue
			case errors.As(err, &conflict), errors.As(err, &damage):
				m.Refused = append(m.Refused, err)
				if a, err := record.ReadSpool(file); err == nil {
					refused[a.ID] = true
				}
				continue
			case err != nil:
				return nil, err
			case copied:
				m.Copied++
			default:
				m.Same++
			}
			if isFile(file) {
				attempts = append(attempts, file)
			}
		}
	}
	return attempts, nil
}

// missing says of a folder to take in that it is not there.
type missing struct{ error }

func (m *missing) Error() string {
	return "there is no such folder; give the .prabench of another run, a folder that has one, or its spool"
}

func (m *missing) Unwrap() error { return m.error }

// CheckMerge refuses folders of which [Merge] would refuse one, before there is a
// database or anything is taken in.
func CheckMerge(dirs ...string) error {
	for _, dir := range dirs {
		_, _, err := sourceOf(dir)
		var path *fs.PathError
		if errors.Is(err, ErrNothingToMerge) || errors.As(err, &path) && path.Path == dir {
			return &Mistake{err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sourceOf finds the artifacts and the spool in a folder; without artifacts
// the store has no root.
func sourceOf(dir string) (from artifact.Store, spool string, err error) {
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return from, "", &fs.PathError{Op: "ingest", Path: dir,
			Err: &missing{err}}
	} else if err != nil {
		return from, "", err
	} else if !info.IsDir() {
		return from, "", &fs.PathError{Op: "ingest", Path: dir, Err: errors.New("it is no folder")}
	}
	for _, root := range []string{dir, filepath.Join(dir, ".prabench")} {
		for _, name := range append([]string{"spool"}, stage.Names()...) {
			if isFolder(filepath.Join(root, name)) {
				return artifact.Store{Root: root}, filepath.Join(root, "spool"), nil
			}
		}
	}
	if files, err := results.SpoolFiles(dir); err != nil || len(files) > 0 {
		return from, dir, err
	}
	return from, "", fmt.Errorf("%s: %w", dir, ErrNothingToMerge)
}
