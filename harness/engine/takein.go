package engine

import (
	"context"
	"errors"
	"fmt"

	"prabench/harness/machine"
	"prabench/results"
)

// TakeIn stores what workers elsewhere have left in the spool folder, and gives
// the number of new attempts. While another process holds the places it takes
// nothing in: that process does. Spool files put into quarantine are named in
// the notes.
func TakeIn(ctx context.Context, places Places, name string) (stored int, notes []string, err error) {
	r := &Run{Places: places, Name: name}
	release, err := r.claim()
	var held *machine.Held
	if errors.As(err, &held) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, &Failure{err}
	}
	defer release()
	db, err := results.Open(places.DB)
	if err != nil {
		return 0, nil, &Failure{err}
	}
	defer db.Close()
	stored, err = db.IngestDir(ctx, r.Places.Spool())
	var aside *results.QuarantineError
	if errors.As(err, &aside) {
		return stored, []string{fmt.Sprintf("warning: %v", err)}, nil
	}
	if err != nil {
		return stored, nil, &Failure{err}
	}
	return stored, nil, nil
}
