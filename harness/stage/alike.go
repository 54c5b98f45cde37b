package stage

import "prabench/models"

// Alike is what the speed and the memory of a cell depend on: its model and how it is
// sampled and, where training is timed, trained. No operation looks at the values that
// it computes with, so weights, seeds and data change nothing, unless a sampling ends when its images
// have settled ([models.Settling]). Of cells that share it one is measured.
type Alike struct {
	Family    string `json:"family,omitempty"` // with its version; absent: the default one
	Model     any    `json:"model"`            // the family's tables
	Sample    any    `json:"sample"`
	Train     any    `json:"train"` // only where training is timed; its zero otherwise
	Batch     int    `json:"batch"`
	Device    string `json:"device"`
	Precision string `json:"precision"`
}

// AlikeOf is that of a cell's settings.
func AlikeOf(s *Settings, timesTraining bool) (Alike, error) {
	p, _ := models.Set(s.Params.Resolved().Seeded(0), "sample.seed", uint64(0))
	for _, key := range models.SeedKeys {
		p, _ = models.Set(p, key, uint64(0))
	}
	a := Alike{Model: models.Table(p, "model"), Sample: models.Table(p, "sample"), Train: models.Table(p, "train"),
		Batch: s.Measure.Batch, Device: s.Measure.Device, Precision: s.Measure.Precision}
	if p.Family().Name() != models.Default {
		a.Family = p.Family().Version()
	}
	if timesTraining {
		return a, nil
	}
	w, err := models.Write(p)
	if err != nil {
		return a, err
	}
	w.Train = []byte("{}") // a baseline that was saved before a key came is still this cell's
	if p, err = w.Read(); err == nil {
		a.Train = models.Table(p, "train")
	}
	return a, err
}
