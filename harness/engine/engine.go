// Package engine runs experiments: it turns their cells into shared stages,
// does what is missing in worker processes, and has the results stored.
//
// Its principle is that a run is only the difference between what is wanted and what
// is there. The database says which stages have ended and how, the artifact
// store says what can be built on, and both are looked at again each time; so a
// second run does nothing, a run after a crash does the rest, and a damaged
// file is made again. Everything that computes happens in another process
// (package worker); everything that is stored passes the spool folder.
package engine

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
)

// Cell is one point of an experiment with one seed.
type Cell struct {
	ID       string
	Label    string // for people; the same for all seeds of a point
	Seed     uint64
	Params   map[string]any  // swept keys and their values
	Settings *stage.Settings // of the point: seeds may share it, and Train.Seed is not read, see [Cell.Full]
	Chain    stage.Chain     // filled in by Identify
	Skip     bool            // belongs to the experiment, but is not to be run this time
}

// Full is the settings of the cell with its seed.
func (c *Cell) Full() stage.Settings { return withSeed(c.Settings, c.Seed) }

func withSeed(s *stage.Settings, seed uint64) stage.Settings {
	full := *s
	if full.Params != nil { // not where only an item's place in a plan counts
		full.Params = full.Params.Seeded(seed)
	}
	return full
}

// Experiment is what the harness needs of an experiment file.
type Experiment struct {
	Name, Description string
	File, FileHash    string // path and hash of the experiment file; empty without one
	Cells             []Cell
	Beside            bool   // its cells join the version that the database has of the experiment, and replace none
	Narrowed          string // what sets it apart from the whole file, such as "--set train.steps=10"; "" for the whole file
	lacks             error  // images that stages would be too few for; see [Experiment.Lacks]
	ref               string // its version in the database, where that is not the one shown under its name
}

// Ref is what the database calls the experiment's version: its name where that one
// is shown under it or none is known, else NAME@2. A run and
// [Experiment.CheckPlanned] find it.
func (e *Experiment) Ref() string { return cmp.Or(e.ref, e.Name) }

// Lacks says which stages of the cells to do would have too few images, of those that
// are drawn or of the data set, or nil. What the data have is known once they are
// identified; a set that was never read may have fewer.
func (e *Experiment) Lacks() error { return e.lacks }

// Lacks is that of experiments, nil where none lacks anything.
func Lacks(es ...*Experiment) error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e.lacks
	}
	return errors.Join(errs...)
}

// Places are the files and folders of a run.
type Places struct {
	DB        string // results.db
	Artifacts string // .prabench
}

// Store is the artifact store.
func (p Places) Store() artifact.Store { return artifact.Store{Root: p.Artifacts} }

// Spool is the folder that workers leave results in.
func (p Places) Spool() string { return filepath.Join(p.Artifacts, "spool") }

// Logs is the folder of worker logs.
func (p Places) Logs() string { return filepath.Join(p.Artifacts, "log") }

// LockFile is the file that the running process holds.
func (p Places) LockFile() string { return p.DB + ".lock" }

func (p Places) running() string           { return filepath.Join(p.Artifacts, "running") }
func (p Places) elsewhere() string         { return filepath.Join(p.Artifacts, "elsewhere") } // marks of detached stages
func (p Places) dataHash(id string) string { return filepath.Join(p.Artifacts, "data", id+".json") }

// share makes the folders that workers write into, by absolute names, since
// workers get them.
func (p *Places) share() error {
	abs, err := filepath.Abs(p.Artifacts)
	if err != nil {
		return err
	}
	p.Artifacts = abs
	for _, dir := range []string{p.Artifacts, p.Spool(), p.Logs(), p.running(), p.elsewhere()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("the artifacts folder cannot be used: %w; choose another with --artifacts", err)
		}
	}
	return nil
}

// sweep removes what a run that was killed, and its workers, left half done on
// this machine. Only who holds the locks may, and after the orphans. Other
// machines may be at work here too: what could be theirs stays for a day.
func (p Places) sweep() {
	for _, r := range RunningNow(p) {
		if r.Worker.Here() || time.Since(r.Seen) > 24*time.Hour {
			os.Remove(filepath.Join(p.running(), r.Attempt+".json"))
		}
	}
	for _, pattern := range []string{"tmp/*", "elsewhere/*", "spool/.*.part", "round/*/.*.part", "checkpoint/.*"} {
		left, _ := filepath.Glob(filepath.Join(p.Artifacts, pattern))
		for _, f := range left {
			if info, err := os.Lstat(f); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
				os.RemoveAll(f)
			}
		}
	}
}
