package engine

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models/dataset"
	"prabench/results"
	"prabench/results/where"
)

// Garbage is something in the artifacts folder that nothing refers to, or
// decoded images in the data folder that are not used.
type Garbage struct {
	Path  string `json:"path"` // relative to the artifacts folder; whole for what lies elsewhere
	Why   string `json:"why"`
	Bytes int64  `json:"bytes"`
	// Of are the versions of experiments that needed it, all of them removed.
	Of []string `json:"of,omitempty"`
}

// Collect finds what no version of an experiment in the database needs: models,
// samples and features of versions that were removed, checkpoints of trainings
// that are done, and what was damaged or never finished. With remove
// it also removes it. It holds the places meanwhile, so nothing that a run or an
// ingest is at can be taken from it.
func Collect(ctx context.Context, places Places, name string, remove bool) ([]Garbage, error) {
	if !isFile(places.DB) {
		return nil, &results.Error{Path: places.DB, Problem: results.ErrMissing,
			Message: "there is no database: without it everything would count as garbage; choose another place with --db"}
	}
	r := &Run{Places: places, Name: name}
	release, err := r.claim()
	if err != nil {
		return nil, &Failure{err}
	}
	defer release()
	places = r.Places
	arrived, err := places.incoming(name)
	if err != nil {
		return nil, err
	}
	defer arrived()
	db, err := results.OpenReadOnly(places.DB)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	needed, err := db.NeededStages(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := places.programsLeft(ctx, db, needed)
	if err != nil {
		return nil, err
	}
	found, err := places.garbage(needed, waiting)
	if err == nil {
		err = namedBy(ctx, db, found)
	}
	if err != nil {
		return found, err
	}
	kept, err := dataset.KeptFiles()
	if err != nil {
		return found, &Failure{err}
	}
	for _, k := range kept {
		if why := k.Unneeded(); why != "" {
			found = append(found, Garbage{Path: k.Path, Why: why, Bytes: k.Bytes})
		}
	}
	if !remove {
		return found, nil
	}
	for _, g := range found {
		path := g.Path
		if !filepath.IsAbs(path) {
			path = filepath.Join(places.Artifacts, path)
		}
		if err := os.RemoveAll(path); err != nil {
			return found, &Failure{err}
		}
	}
	return found, nil
}

// namedBy says which removed versions of experiments needed what is garbage now.
func namedBy(ctx context.Context, db *results.DB, found []Garbage) error {
	var keys []string
	for _, g := range found {
		keys = append(keys, g.key())
	}
	of, err := db.NamedBy(ctx, keys)
	if err != nil {
		return err
	}
	for i := range found {
		found[i].Of = of[found[i].key()]
	}
	return nil
}

// key is the stage that left it, where its name tells.
func (g Garbage) key() string {
	name, _, _ := strings.Cut(filepath.Base(g.Path), ".")
	return name
}

// programsLeft are the samplings of programs that have something left to do, be it the
// timing of what was sampled: they keep their folders. It asks the database only where
// there is such a folder.
func (p Places) programsLeft(ctx context.Context, db *results.DB, done map[string]bool) (map[string]bool, error) {
	left := map[string]bool{}
	if there, err := os.ReadDir(filepath.Join(p.Artifacts, work.Sample.Unfinished)); err != nil || len(there) == 0 {
		return left, nil // what cannot be read is reported where it is looked through
	}
	versions, err := db.Versions(ctx, "", false)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		stages, err := db.CellStages(ctx, v.Ref())
		if err != nil {
			return nil, err
		}
		sampling, undone := map[string]string{}, map[string]bool{} // by cell
		for _, s := range stages {
			k := stage.Named(s.Kind)
			if k == nil || k.Program == nil || !strings.HasPrefix(s.Cell, where.External) {
				continue
			}
			if k == work.Sample {
				sampling[s.Cell] = s.Key
			}
			undone[s.Cell] = undone[s.Cell] || !done[s.Key]
		}
		for cell, key := range sampling {
			if undone[cell] {
				left[key] = true
			}
		}
	}
	return left, nil
}

func (p Places) garbage(needed, programsLeft map[string]bool) ([]Garbage, error) {
	var out []Garbage
	add := func(path, why string) error {
		n, err := sizeOf(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(p.Artifacts, path)
		out = append(out, Garbage{Path: rel, Why: why, Bytes: n})
		return nil
	}
	each := func(dir string, judge func(name string) string) error {
		entries, err := os.ReadDir(filepath.Join(p.Artifacts, dir))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		for _, e := range entries {
			if why := judge(e.Name()); why != "" {
				if err := add(filepath.Join(p.Artifacts, dir, e.Name()), why); err != nil {
					return err
				}
			}
		}
		return nil
	}
	unwanted := func(key string) string {
		if _, ok := needed[key]; !ok {
			return "no version of an experiment needs it"
		}
		return ""
	}
	for _, kind := range stage.Kinds() {
		if err := each(kind.Name, unwanted); err != nil {
			return nil, &Failure{err}
		}
	}
	finished := func(name string) string {
		key, rest, _ := strings.Cut(name, ".")
		switch why := unwanted(key); {
		case programsLeft[name]:
		case strings.HasPrefix(name, work.GivenImages):
			if len(programsLeft) == 0 {
				return "no program has anything left to do"
			}
		case why != "":
			return why
		case needed[key]:
			return "its stage is done"
		case strings.Contains(rest, "damaged"):
			return "damaged"
		}
		return ""
	}
	old := func(name string) string {
		if info, err := os.Stat(filepath.Join(p.Artifacts, "tmp", name)); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			return "never finished"
		}
		return "" // another machine may be writing it
	}
	type folder struct {
		dir   string
		judge func(string) string
	}
	var folders []folder
	for _, kind := range stage.Kinds() {
		if kind.Unfinished != "" {
			folders = append(folders, folder{kind.Unfinished, finished})
		}
	}
	for _, d := range append(folders, folder{"damaged", func(string) string { return "damaged" }}, folder{"tmp", old}) {
		if err := each(d.dir, d.judge); err != nil {
			return nil, &Failure{fmt.Errorf("looking for garbage: %w", err)}
		}
	}
	return out, nil
}

func sizeOf(path string) (n int64, err error) {
	err = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}
