package draw

import (
	"context"
	"errors"

	"prabench/harness/engine"
	"prabench/harness/tools/importance"
)

// Importance says which axes of an experiment decide its metrics; an axis is a list of
// keys that move together.
func (s Source) Importance(ctx context.Context, experiment string, axes [][]string, metrics []string) (importance.Report, error) {
	if err := checkMetrics(metrics); err != nil {
		return importance.Report{}, err
	}
	r, err := importance.Read(ctx, s.DB, experiment, axes, metrics)
	mixed := (*importance.Mixed)(nil)
	if err == nil {
		err = r.Nothing(experiment)
	} else if !errors.As(err, &mixed) {
		return r, err
	}
	if err != nil {
		return r, engine.Mistakef("%w", err)
	}
	return r, nil
}
