package pra

import (
	"prabench/models/device"
	"prabench/models/layers"
)

// trainBatch is the host side of a training batch: tokens, labels after class
// dropout, image ids that key the noise, and room for row scalars.
type trainBatch struct {
	cfg   Config
	tc    TrainConfig
	order []int32

	tokens            []float32 // [batch, N, P]
	hostLabels        []int32
	hostIDs           []int32
	scalars, scalars2 []float32 // [m·batch·N]
	weights           []float32
	labels, ids       device.Ints
}

func newTrainBatch(cfg Config, tc TrainConfig, m *layers.Memory) *trainBatch {
	rows := tc.micro() * cfg.Tokens()
	R := rows * tc.FlowSamples
	return &trainBatch{
		cfg: cfg, tc: tc, order: cfg.order(),
		tokens: make([]float32, rows*cfg.TokenDim()), hostLabels: make([]int32, tc.micro()), hostIDs: make([]int32, tc.micro()),
		scalars: make([]float32, R), scalars2: make([]float32, R), weights: make([]float32, R),
		labels: m.Ints(tc.micro()), ids: m.Ints(tc.micro()),
	}
}

// pick puts into place i the image with number at in the stream of all images the
// training has seen, which keys its noise.
func (b *trainBatch) pick(i, at int, feed *layers.Feed, key uint64) error {
	per := b.cfg.Tokens() * b.cfg.TokenDim()
	pixels, label, err := feed.Next(at)
	if err != nil {
		return err
	}
	b.cfg.patches().Cut(b.tokens[i*per:(i+1)*per], pixels, b.order)
	b.hostIDs[i], b.hostLabels[i] = int32(uint32(at)), label
	if layers.Uniform(key, streamDropout, uint32(at), 0) < b.tc.ClassDropout {
		b.hostLabels[i] = int32(b.cfg.Classes)
	}
	return nil
}
