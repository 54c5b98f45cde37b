package work

import (
	"fmt"
	"math"
	"time"

	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/quantity"
	"prabench/models"
)

// Probe classifies real images from the trunk's features.
var Probe = &stage.Kind{
	Name:    "probe",
	Inputs:  []*stage.Kind{Train},
	Chief:   Train,
	Wanted:  func(s *stage.Settings) bool { return s.Extras.Probe > 0 },
	Asks:    []stage.Capability{stage.Pools},
	Version: "1/" + stage.Core,
	Part: func(s *stage.Settings) any {
		return probePart{s.Extras.Probe, s.Params.(models.Pooled).PooledWeights(), s.Measure.Lowered()}
	},
	OnDevice: true,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		// The trunk of a trained and an untrained model, forward only.
		return stage.Effort{FLOPs: 2 * c.FLOPsTrainImage / 3 * float64(s.Extras.Probe), Threads: s.Training().Threads, Other: 3 * time.Second}
	},
	Memory: func(h stage.Host) int64 { return h.Data() + h.Held(h.Costs.Alone) + 4*h.Weights() },
	Lacks: func(s *stage.Settings, n stage.Images) error {
		if classes := s.Params.Shape().Classes; classes < 2 {
			return fmt.Errorf("metrics.probe: the data set has %d class, and a probe needs two: set metrics.probe = 0", classes)
		}
		if err := stage.HeldOut("metrics.probe", s.Extras.Probe, n.Train, metrics.Least); err != nil {
			return err
		}
		return stage.HeldOut("metrics.probe", math.MaxInt, n.Test, metrics.Least)
	},
}

type probePart struct {
	Count     int    `json:"count"`
	Weights   string `json:"weights"`
	Precision string `json:"precision,omitempty"`
}

// probeBatch is how many images the trunk reads at once.
const probeBatch = 250

// probe classifies real images from the trunk's features, those of the trained
// model and of the untrained one it began as: the control says what the
// architecture and the pixels give alone. It is trained on training images and
// tried on all test images.
func (t *task) probe() error {
	data, err := t.data()
	if err != nil {
		return err
	}
	train, err := t.heldOut("metrics.probe", data, data.Train, t.set.Extras.Probe)
	if err != nil {
		return err
	}
	test, err := t.heldOut("metrics.probe", data, data.Test, data.Test.N)
	if err != nil {
		return err
	}
	be, trained, err := t.model()
	if err != nil {
		return err
	}
	defer be.Close()
	defer trained.Close()
	untrained, err := trained.Params().NewModel(be)
	if err != nil {
		return err
	}
	defer untrained.Close()
	weights := t.set.Params.(models.Pooled).PooledWeights()
	t.about("probe", fmt.Sprintf("logistic regression, penalty %g", metrics.ProbePenalty), "features", "mean of the trunk's outputs",
		"weights", weights, "train_images", train.N, "test_images", test.N)
	for _, m := range []struct {
		metric *quantity.Metric
		model  models.Model
	}{{quantity.ProbeAccuracy, trained}, {quantity.ProbeAccuracyUntrained, untrained}} {
		var f [2]metrics.Features
		for i, p := range []metrics.Pictures{train, test} {
			if f[i], err = t.pooled(m.model, p, weights); err != nil {
				return err
			}
		}
		t.report(worker.Progress{What: "fitting the probe"})
		e, err := metrics.Probe(f[0], f[1], trained.Params().Shape().Classes)
		if err != nil {
			return fitting(err)
		}
		t.estimate(m.metric, e)
	}
	return t.keepNumbers()
}

func (t *task) pooled(m models.Model, p metrics.Pictures, weights string) (metrics.Features, error) {
	images := models.Images{N: p.N, Size: p.Size, Channels: p.Channels, Pixels: p.Pixels, Labels: p.Labels}
	x, err := m.(models.Featured).PooledFeatures(images, weights, probeBatch, func(done int) error {
		t.report(worker.Progress{Done: int64(done), Total: int64(p.N), What: "features"})
		return t.stopped()
	})
	if err != nil {
		return metrics.Features{}, err
	}
	return metrics.FromFloat32(x, len(x)/p.N, p.Labels)
}
