package pra

import "prabench/metrics/quantity"

// How the keys of the core's tables are called and what they do: a row for each
// field of [Config], [TrainConfig] and [SampleConfig] that is a key.

var _ = quantity.Keys("model",
	quantity.Key{Name: "patch", Label: "patch side (pixels)", Doc: "p, side of a patch in pixels; divides the image size"},
	quantity.Key{Name: "block", Label: "block (tokens per AR step)", Doc: "B, tokens emitted by one AR step; divides the number of tokens N"},
	quantity.Key{Name: "order", Label: "token order", Doc: "how tokens form blocks: contiguous, or strided (far apart)"},
	quantity.Key{Name: "state", Label: "state width (0 = pixels)",
		Doc: "d, width of the intermediate state; 0 is identity: the head generates raw patches"},
	quantity.Key{Name: "state_norm", Label: "state normalisation", Doc: "how the state is normalised: layernorm or sphere"},
	quantity.Key{Name: "width", Label: "trunk width", Doc: "width of the trunk"},
	quantity.Key{Name: "depth", Label: "trunk layers", Short: "layers", Doc: "layers of the trunk"},
	quantity.Key{Name: "heads", Label: "attention heads", Doc: "attention heads; divides model.width"},
	quantity.Key{Name: "mlp", Label: "width of the trunk's MLP over its own", Doc: "width of the trunk's MLP as a multiple of model.width"},
	quantity.Key{Name: "head_width", Label: "flow head width", Doc: "width of the flow head"},
	quantity.Key{Name: "head_depth", Label: "flow head blocks", Doc: "residual blocks of the flow head"},
	quantity.Key{Name: "coder_width", Label: "hidden width of encoder and decoder", Doc: "hidden width of encoder and decoder"},
	quantity.Key{Name: "target", Label: "prediction target", Doc: "what the head predicts: x (the clean state) or v (the velocity)"},
)

var _ = quantity.Keys("train",
	quantity.Key{Name: "steps", Label: "training steps", Doc: "optimisation steps"},
	quantity.Key{Name: "batch", Label: "training batch (images)", Doc: "images a step"},
	quantity.Key{Name: "lr", Label: "learning rate", Doc: "peak learning rate of AdamW"},
	quantity.Key{Name: "warmup", Label: "share of steps with warm-up", Doc: "share of the steps with linear warm-up; cosine to 0 afterwards"},
	quantity.Key{Name: "beta2", Label: "decay of squared gradients", Doc: "decay of AdamW's mean of squared gradients"},
	quantity.Key{Name: "weight_decay", Label: "weight decay", Doc: "weight decay of AdamW"},
	quantity.Key{Name: "clip", Label: "bound of the gradient norm", Doc: "bound of the global gradient norm; 0 is none"},
	quantity.Key{Name: "ema", Label: "decay of averaged weights", Doc: "decay of the averaged weights, min(ema, (1+n)/(10+n))"},
	quantity.Key{Name: "rollout_depth", Label: "training rollout depth",
		Doc: `R: 0 clean inputs, 1 PRA, r ≥ 2 adds r−1 parallel sweeps; "exact" is K, the number of AR steps`},
	quantity.Key{Name: "anchor", Label: "anchor strength", Doc: "s: a sweep's flow starts from s·z + (1−s)·ω"},
	quantity.Key{Name: "mix", Label: "share of images with inputs of depth 1", Doc: "share of images that keep depth-1 inputs when R ≥ 2"},
	quantity.Key{Name: "sweep_steps", Label: "solver steps of a training sweep", Doc: "Euler steps of the flow inside a training sweep"},
	quantity.Key{Name: "state_noise", Label: "state noise strength", Doc: "σ_z: noise on the state has a strength uniform in [0, σ_z]"},
	quantity.Key{Name: "input_noise", Label: "input noise strength", Doc: "σ: noise on pixel inputs has a strength uniform in [0, σ]"},
	quantity.Key{Name: "flow_samples", Label: "flow samples per token", Doc: "m, draws of (t, ε) a token"},
	quantity.Key{Name: "rec_weight", Label: "weight of the reconstruction loss", Doc: "λ of L = L_flow + λ·L_rec"},
	quantity.Key{Name: "class_dropout", Label: "probability of the null class", Doc: "probability of the null class, for guidance"},
	quantity.Key{Name: "threads", Label: "training threads", Doc: "compute threads of a training; part of its identity"},
)

var _ = quantity.Keys("sample",
	quantity.Key{Name: "flow_steps", Label: "solver steps per token", Doc: "solver steps a token"},
	quantity.Key{Name: "solver", Label: "solver", Doc: "euler or heun"},
	quantity.Key{Name: "guidance", Label: "guidance weight", Doc: "w of v = v_c + w·(v_c − v_null); 0 is none"},
	quantity.Key{Name: "rollout_depth", Label: "Jacobi sweeps (0 = sequential)", Short: "sampling sweeps",
		Doc: `0 is sequential with KV cache; r ≥ 1 is r parallel (Jacobi) sweeps; "exact" is K sweeps`},
	quantity.Key{Name: "weights", Label: "weights", Doc: "ema or raw"},
	quantity.Key{Name: "seed", Label: "seed of the sampling noise", Doc: "seed of the sampling noise"},
)
