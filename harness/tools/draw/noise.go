package draw

import (
	"context"
	"errors"

	"prabench/harness/engine"
	"prabench/harness/tools/noise"
)

// Noise is the ledger of an experiment that repeats.
func (s Source) Noise(ctx context.Context, experiment string, metrics []string) (noise.Report, error) {
	if err := checkMetrics(metrics); err != nil {
		return noise.Report{}, err
	}
	r, err := noise.Read(ctx, s.DB, experiment, metrics)
	mixed := (*noise.Mixed)(nil)
	if err == nil {
		err = r.Nothing()
	} else if !errors.As(err, &mixed) {
		return r, err
	}
	if err != nil {
		return r, engine.Mistakef("%w", err)
	}
	return r, nil
}
