package work

import (
	"time"

	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/quantity"
	"prabench/models"
)

// Reconstruction compares held-out images with what a model's coder makes of them: no
// model can draw better ones than its decoder.
var Reconstruction = &stage.Kind{
	Name:     "reconstruction",
	Inputs:   []*stage.Kind{Reference, Train},
	Optional: featured(),
	Chief:    Train,
	Wanted:   func(s *stage.Settings) bool { return s.Extras.Reconstruction > 0 },
	Asks:     []stage.Capability{stage.Reconstructs},
	Version:  scoreVersion + "/" + stage.Core,
	Part: func(s *stage.Settings) any {
		return probePart{s.Extras.Reconstruction, s.Params.(models.Coded).CodedWeights(), s.Measure.Lowered()}
	},
	OnDevice: true,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		forward := c.FLOPsTrainImage / 3 * float64(s.Extras.Reconstruction)
		return stage.Effort{FLOPs: forward, Threads: s.Training().Threads, Other: 3 * time.Second}
	},
	Memory: func(h stage.Host) int64 {
		return h.Data() + h.Images(2*h.Extras.Reconstruction) + embedding(h) + h.Held(h.Costs.Alone) + 4*h.Weights()
	},
	Lacks: func(s *stage.Settings, n stage.Images) error {
		_, other := n.Splits(s)
		return stage.HeldOut("metrics.reconstruction", s.Extras.Reconstruction, other, metrics.Least)
	},
}

// reconstructed is how many images the coder reads at once.
const reconstructed = 100

// reconstruction scores what the coder makes of held-out images as samples are scored,
// beside these images themselves.
func (t *task) reconstruction() error {
	reference, info, err := t.readReference()
	if err != nil {
		return err
	}
	data, err := t.data()
	if err != nil {
		return err
	}
	_, other := t.splits(data)
	real, err := t.heldOut("metrics.reconstruction", data, other, t.set.Extras.Reconstruction)
	if err != nil {
		return err
	}
	made, codes, err := t.reconstruct(real)
	if err != nil {
		return err
	}
	embedder, err := t.embedder(real.Size, real.Channels)
	if err != nil {
		return err
	}
	if embedder.Hash() != info.Protocol.EmbedderHash {
		return worker.Invalid("the reference was made with another embedder (%s): build prabench and its workers from one revision",
			info.Protocol.Embedder)
	}
	info.Protocol.Samples = real.N
	t.attempt.Protocol = info.Protocol.Map()
	for _, of := range []struct {
		metric *quantity.Metric
		images metrics.Pictures
	}{{quantity.RFIDProxy, made}, {quantity.RFIDProxyFloor, real}} {
		x, err := t.embed(embedder, of.images.Pixels, of.images.N, of.images.Size, of.images.Channels)
		if err != nil {
			return err
		}
		f, err := metrics.FromFloat32(x, embedder.Dim(), real.Labels)
		if err != nil {
			return err
		}
		e, err := metrics.FrechetEstimate(reference, f)
		if err != nil {
			return fitting(err)
		}
		t.estimate(of.metric, e)
	}
	e, err := metrics.ReconstructionError(real, made)
	if err != nil {
		return fitting(err)
	}
	t.estimate(quantity.ReconstructionError, e)
	if codes != nil {
		use, perplexity, err := metrics.Codebook(codes, real.N, real.Labels, t.set.Params.(models.Coded).Codes())
		if err != nil {
			return fitting(err)
		}
		t.estimate(quantity.CodebookUse, use)
		t.estimate(quantity.CodebookPerplexity, perplexity)
	}
	return t.keepNumbers()
}

func (t *task) reconstruct(real metrics.Pictures) (made metrics.Pictures, codes []int32, err error) {
	be, m, err := t.model()
	if err != nil {
		return made, nil, err
	}
	defer be.Close()
	defer m.Close()
	images := models.Images{N: real.N, Size: real.Size, Channels: real.Channels, Pixels: real.Pixels, Labels: real.Labels}
	made = real
	made.Pixels, codes, err = m.(models.Reconstructor).Reconstruct(images, t.set.Params.(models.Coded).CodedWeights(), reconstructed,
		func(done int) error {
			t.report(worker.Progress{Done: int64(done), Total: int64(real.N), What: "reconstructing"})
			return t.stopped()
		})
	return made, codes, err
}
