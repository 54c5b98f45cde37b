package pra

import "prabench/metrics/quantity"

// How the keys of the core's tables are called and what they do: a row for each
// field of [Config], [TrainConfig] and [SampleConfig] that is a key of this family
// alone; the others stand in package models.

var _ = quantity.Keys("model",
	quantity.Key{Name: "order", Label: "token order", Doc: "how tokens form blocks: contiguous, or strided (far apart)"},
	quantity.Key{Name: "state", Label: "state width (0 = pixels)",
		Doc: "d, width of the intermediate state; 0 is identity: the head generates raw patches"},
	quantity.Key{Name: "state_norm", Label: "state normalisation", Doc: "how the state is normalised: layernorm or sphere"},
	quantity.Key{Name: "head_width", Label: "flow head width", Doc: "width of the flow head"},
	quantity.Key{Name: "head_depth", Label: "flow head blocks", Doc: "residual blocks of the flow head"},
	quantity.Key{Name: "head_modulation", Label: "modulation of the flow head",
		Doc: "how the head's blocks are modulated: block (each by its own), shared (all by one), separable (time and condition apart)"},
	quantity.Key{Name: "encoder", Label: "what the encoder sees",
		Doc: "token: the token; context: also h, the trunk's output for it, of a pass over clean inputs (no gradient)"},
	quantity.Key{Name: "decoder", Label: "what the decoder sees",
		Doc: "token: the token's state; context: also h, the trunk's output for it; causal: a transformer over the states up to its block"},
	quantity.Key{Name: "decoder_depth", Label: "layers of the causal decoder",
		Doc: "layers of model.decoder = \"causal\", of width model.coder_width with model.heads and model.mlp"},
)

var _ = quantity.Keys("train",
	quantity.Key{Name: "rollout_depth", Label: "training rollout depth",
		Doc: `R: 0 clean inputs, 1 PRA, r ≥ 2 adds r−1 parallel sweeps; "exact" is K, the number of AR steps`},
	quantity.Key{Name: "anchor", Label: "anchor strength", Doc: "s: a sweep's flow starts from s·z + (1−s)·ω"},
	quantity.Key{Name: "mix", Label: "share of images with inputs of depth 1", Doc: "share of images that keep depth-1 inputs when R ≥ 2"},
	quantity.Key{Name: "sweep_steps", Label: "solver steps of a training sweep", Doc: "Euler steps of the flow inside a training sweep"},
	quantity.Key{Name: "state_noise", Label: "state noise strength", Doc: "σ_z: noise on the state has a strength uniform in [0, σ_z]"},
	quantity.Key{Name: "state_noise_kind", Label: "kind of state noise",
		Doc: "add: z + σ_z·u·n; interpolate: t·z + (1−t)·n with t uniform in [train.state_noise_min, 1]"},
	quantity.Key{Name: "state_noise_min", Label: "least share of the state under noise",
		Doc: "least t of train.state_noise_kind = \"interpolate\""},
	quantity.Key{Name: "input_noise", Label: "input noise strength", Doc: "σ: noise on pixel inputs has a strength uniform in [0, σ]"},
	quantity.Key{Name: "lr_floor", Label: "last learning rate over the peak", Doc: "share of train.lr at which a falling rate ends"},
	quantity.Key{Name: "beta1", Label: "decay of gradients", Doc: "decay of AdamW's mean of gradients"},
	quantity.Key{Name: "flow_samples", Label: "flow samples per token", Doc: "m, draws of (t, ε) a token"},
	quantity.Key{Name: "rec_weight", Label: "weight of the reconstruction loss", Doc: "λ of L = L_flow + λ·L_rec"},
	quantity.Key{Name: "rec_loss", Label: "reconstruction loss",
		Doc: "what L_rec is a mean of: l2, squares; l1, absolute values; features: l2 and train.rec_feature_weight times the squares of a " +
			"classifier's activations"},
	quantity.Key{Name: "rec_feature_weight", Label: "weight of the features in the reconstruction loss",
		Doc: "weight of the data set's classifier in train.rec_loss = \"features\""},
	quantity.Key{Name: "micro_batch", Label: "images computed at once",
		Doc: "images whose activations a training holds at once, adding up gradients; 0 is train.batch; the same step up to rounding"},
	quantity.Key{Name: "recompute", Label: "recomputation", Outside: true,
		Doc: "layers: a trunk layer's activations are computed again in the backward pass, in place of being held; the same bits. Or none"},
)

var _ = quantity.Keys("sample",
	quantity.Key{Name: "last_step", Label: "last step of Euler–Maruyama",
		Doc: "size of the last step of sample.solver = \"euler-maruyama\", which adds no noise"},
	quantity.Key{Name: "guidance_schedule", Label: "guidance schedule",
		Doc: "constant; linear: w times the share of tokens drawn after AR step k, (k+1)/K with equal blocks; " +
			"interval: for times in [sample.guidance_from, sample.guidance_to] alone"},
	quantity.Key{Name: "renormalise", Label: "state normalised again", Doc: "never; end: normalise the state again once its flow has ended"},
	quantity.Key{Name: "rollout_depth", Label: "Jacobi sweeps (0 = sequential)", Short: "sampling sweeps",
		Doc: `0 is sequential with KV cache; r ≥ 1 is r parallel (Jacobi) sweeps; "exact" is K sweeps`},
	quantity.Key{Name: "window", Label: "AR steps swept at once (0 = all)", Short: "window",
		Doc: "AR steps that Jacobi sweeps make at once, one window after another; divides the number of AR steps; 0 is all of them"},
	quantity.Key{Name: "tolerance", Label: "change at which sweeps end", Short: "tolerance",
		Doc: "Jacobi sweeps of an image's window end when no value moved further in one, pixels from −1 to 1; 0: always sample.rollout_depth"},
	quantity.Key{Name: "start", Label: "what sweeps start from", Doc: "zero (grey), or decoder: what the decoder makes of the flow's noise"},
)
