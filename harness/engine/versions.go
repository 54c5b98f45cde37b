package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"prabench/harness/stage"
	"prabench/results"
)

// KeptVersion is a version of an experiment with what its artifacts take.
type KeptVersion struct {
	Experiment string    `json:"experiment"`
	Version    int       `json:"version"`
	Tag        string    `json:"tag,omitempty"`
	Shown      bool      `json:"shown"`
	Of         string    `json:"of"` // the whole file, or what narrowed it
	Source     string    `json:"source,omitempty"`
	Created    time.Time `json:"created"`
	Cells      int       `json:"cells"`
	Bytes      int64     `json:"bytes"`   // of the artifacts that it needs
	Alone      int64     `json:"alone"`   // of those that no other version needs
	Missing    int       `json:"missing"` // artifacts of stages that ended well which are gone
}

// Ref is how the version is asked for.
func (k KeptVersion) Ref() string {
	return results.Version{Experiment: k.Experiment, Number: k.Version}.Ref()
}

// KeptVersions gives the versions of these experiments, or of all without a
// name, with the sizes of their artifacts.
func KeptVersions(ctx context.Context, places Places, names []string) ([]KeptVersion, error) {
	db, err := results.OpenReadOnly(places.DB)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	uses, versions, err := db.StageUses(ctx)
	if err != nil {
		return nil, err
	}
	done, err := db.NeededStages(ctx)
	if err != nil {
		return nil, err
	}
	sizes, err := places.sizes()
	if err != nil {
		return nil, &Failure{err}
	}
	all := make([]KeptVersion, len(versions))
	for i, v := range versions {
		all[i] = KeptVersion{Experiment: v.Experiment, Version: v.Number, Tag: v.Tag, Shown: v.Shown, Of: v.Kind(), Source: v.Source,
			Created: v.Created, Cells: v.Cells}
	}
	for key, by := range uses {
		size, there := sizes[key]
		for _, i := range by {
			all[i].Bytes += size
			if len(by) == 1 {
				all[i].Alone += size
			}
			if done[key] && !there {
				all[i].Missing++
			}
		}
	}
	known := map[string]bool{}
	for _, v := range versions {
		known[v.Experiment] = true
	}
	for _, name := range names {
		if !known[name] {
			return nil, Mistakef("%s: the database has no such experiment; `prabench experiments` lists what it has", name)
		}
	}
	return slices.DeleteFunc(all, func(k KeptVersion) bool { return len(names) > 0 && !slices.Contains(names, k.Experiment) }), nil
}

// sizes are the bytes of every artifact, by the key of its stage.
func (p Places) sizes() (map[string]int64, error) {
	store, out := p.Store(), map[string]int64{}
	for _, kind := range stage.Kinds() {
		refs, err := store.List(kind.Name)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			n, err := sizeOf(store.Dir(ref))
			if err != nil {
				return nil, err
			}
			out[ref.Key] = n
		}
	}
	return out, nil
}

// ChooseVersions gives the versions that are named: NAME@VERSION, or NAME for all
// of one.
func ChooseVersions(ctx context.Context, places Places, refs []string) ([]KeptVersion, error) {
	all, err := KeptVersions(ctx, places, nil)
	if err != nil {
		return nil, err
	}
	db, err := results.OpenReadOnly(places.DB)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	chosen := map[string]bool{}
	for _, ref := range refs {
		if _, found, err := db.Find(ctx, ref); err != nil {
			return nil, err
		} else if !found {
			return nil, Mistakef("%s: the database has no such experiment; `prabench experiments` lists what it has", ref)
		}
		if v, _, err := db.Find(ctx, ref); err == nil && strings.Contains(ref, "@") {
			chosen[v.Ref()] = true
			continue
		}
		for _, k := range all {
			chosen[k.Ref()] = chosen[k.Ref()] || k.Experiment == ref
		}
	}
	return slices.DeleteFunc(all, func(k KeptVersion) bool { return !chosen[k.Ref()] }), nil
}

// RemoveVersions removes them, see [results.DB.Remove].
func RemoveVersions(ctx context.Context, places Places, chosen []KeptVersion) error {
	return change(places, func(db *results.DB) error {
		for _, k := range chosen {
			if _, err := db.Remove(ctx, k.Ref()); err != nil {
				return err
			}
		}
		return nil
	})
}

// TagVersion gives a version a name, see [results.DB.Tag].
func TagVersion(ctx context.Context, places Places, ref, tag string) error {
	return change(places, func(db *results.DB) error {
		_, err := db.Tag(ctx, ref, tag)
		if known := (*results.Error)(nil); err != nil && !errors.As(err, &known) {
			return Mistakef("%w", err)
		}
		return err
	})
}

// change does something to a database that is there.
func change(places Places, do func(*results.DB) error) error {
	if !isFile(places.DB) {
		return &results.Error{Path: places.DB, Problem: results.ErrMissing, Message: "there is no database here: name another with --db"}
	}
	db, err := results.Open(places.DB)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}
