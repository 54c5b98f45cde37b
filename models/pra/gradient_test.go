package pra

import (
	"fmt"
	"math"
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
	"prabench/models/layers"
)

// Law 6 for the whole model: the gradient of every tensor equals central
// differences of the loss in float64, for every switch that changes the graph.
func TestLawGradients(t *testing.T) {
	cases := []struct {
		name string
		set  func(*Config, *TrainConfig)
	}{
		{"pra", func(c *Config, tc *TrainConfig) {}},
		{"teacher forcing v", func(c *Config, tc *TrainConfig) { c.State, c.Target, tc.RolloutDepth = 0, "v", 0 }},
		{"identity, noise on the path and the pixels", func(c *Config, tc *TrainConfig) { c.State, tc.InputNoise = 0, 0.3 }},
		{"sphere, strided blocks", func(c *Config, tc *TrainConfig) { c.StateNorm, c.Order, c.Block = "sphere", "strided", 2 }},
		{"contexts", func(c *Config, tc *TrainConfig) { c.Encoder, c.Decoder, tc.InputNoise = "context", "context", 0.2 }},
		{"context for the encoder, interpolated noise", func(c *Config, tc *TrainConfig) {
			c.Encoder, tc.StateNoiseKind = "context", "interpolate"
		}},
		{"causal decoder", func(c *Config, tc *TrainConfig) { c.Decoder, c.DecoderDepth, c.CoderWidth, c.Heads = "causal", 2, 8, 2 }},
		{"causal decoder in blocks, context for the encoder", func(c *Config, tc *TrainConfig) {
			c.Encoder, c.Decoder, c.CoderWidth, c.Heads, c.Block, c.Order, tc.StateNoiseKind = "context", "causal", 8, 2, 2, "strided", "interpolate"
		}},
		{"the trunk's keys", func(c *Config, _ *TrainConfig) {
			c.Width, c.Heads, c.Norm, c.MLPKind, c.Positions, c.QKNorm = 8, 2, "rmsnorm", "swiglu", "rope2d", "rmsnorm"
		}},
		{"rotations in strided blocks, computed again", func(c *Config, tc *TrainConfig) {
			c.Width, c.Heads, c.Positions, c.Block, c.Order, tc.Recompute = 8, 2, "rope2d", 2, "strided", "layers"
		}},
		{"class tokens", func(c *Config, _ *TrainConfig) { c.ClassTokens = 3 }},
		{"class tokens, rotations, blocks, computed again", func(c *Config, tc *TrainConfig) {
			c.Width, c.Heads, c.ClassTokens, c.Positions, c.QKNorm, c.Block, tc.Recompute = 8, 2, 3, "rope2d", "rmsnorm", 2, "layers"
		}},
		{"L1", func(_ *Config, tc *TrainConfig) { tc.RecLoss = "l1" }},
		{"features", func(c *Config, tc *TrainConfig) {
			c.Size, c.Patch, tc.RecLoss, tc.RecFeatureWeight = 8, 4, "features", 0.5
		}},
		{"features of a causal decoder in strided blocks", func(c *Config, tc *TrainConfig) {
			c.Size, c.Block, c.Order, c.Decoder, c.CoderWidth, c.Heads, tc.RecLoss = 8, 2, "strided", "causal", 8, 2, "features"
		}},
		{"two flow samples, v", func(c *Config, tc *TrainConfig) { c.Target, tc.FlowSamples = "v", 2 }},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			c := smallConfig()
			c.Size, c.Width, c.HeadWidth, c.CoderWidth, c.MLP = 4, 6, 5, 7, 2
			tc := DefaultTrain()
			tc.Batch, tc.ClassDropout = 3, 0.3
			tt.set(&c, &tc)
			be := reference.New()
			tr, err := NewTrainer(be, c, tc, smallImages(c, 5))
			if err != nil {
				t.Fatal(err)
			}
			perceive(t, tr)
			flat := be.Host(tr.Model.raw)
			for i := range flat {
				flat[i] += 0.2 * layers.Normal(5, 99, 0, uint32(i), 0)
			}
			tr.loadBatch(0)
			tr.forwardBackward(0)
			got := append([]float64(nil), be.Host(tr.adam.Grads)...)
			tr.held = true

			// Stop-gradients: the constants of the loss must stay as they are
			// while a parameter moves. The AR inputs and the flow's states are
			// functions of the coder, so coder tensors are checked on L_rec
			// alone, trunk and head tensors on L_flow alone.
			sum := func(b device.Buffer) (s float64) {
				for _, v := range be.Host(b) {
					s += v
				}
				return s / float64(b.N)
			}
			loss := func(coder bool) float64 {
				tr.forwardBackward(0)
				if coder {
					rec := sum(tr.acts.lossRec) / float64(c.TokenDim())
					if f := tr.percept; f != nil {
						rec += tc.RecFeatureWeight * sum(f.Loss) / float64(f.Channels())
					}
					return tc.RecWeight * rec
				}
				return sum(tr.acts.lossFlow) / float64(c.StateDim())
			}
			for _, tensor := range tr.net.Tensors {
				coder := tensor.Name[:3] == "enc" || tensor.Name[:3] == "dec"
				var num, diff, size float64
				for k := range min(tensor.N, 12) {
					i := tensor.Offset + (k*7919)%tensor.N
					const h = 1e-5
					old := flat[i]
					flat[i] = old + h
					up := loss(coder)
					flat[i] = old - h
					down := loss(coder)
					flat[i] = old
					num = (up - down) / (2 * h)
					diff += (num - got[i]) * (num - got[i])
					size += num*num + got[i]*got[i]
				}
				if math.Sqrt(diff) > 1e-5*math.Sqrt(size)+1e-9 {
					t.Errorf("%s: gradient differs from central differences by %g of %g", tensor.Name, math.Sqrt(diff), math.Sqrt(size))
				}
				if size == 0 && tensor.Name != "in.class" && tensor.Name != "trunk.class" {
					t.Errorf("%s: the gradient is zero", tensor.Name)
				}
			}
			if testing.Verbose() {
				fmt.Println(tt.name, tr.Losses())
			}
		})
	}
}
