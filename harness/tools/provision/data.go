package provision

import (
	"context"

	"prabench/harness/engine"
	"prabench/models/dataset"
)

// Sources are the data sets, those that are here and how to get the others.
func Sources() []dataset.Source { return dataset.Sources() }

// Fetch gets a data set and checks it. root is the folder to put it in, that of
// this machine without one. It gives the folder, or "" for a set that has none.
func Fetch(ctx context.Context, set, root string, progress func(what string, done, total int64)) (string, error) {
	if err := dataset.Fetch(ctx, set, root, progress); err != nil {
		return "", &engine.Mistake{Err: err}
	}
	for _, s := range dataset.Sources() {
		if s.Set == set {
			return s.Where, nil
		}
	}
	return "", nil
}
