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
		Doc: "modulation of the head's blocks: block (one for each), shared (one for all), separable (time and condition separately)"},
	quantity.Key{Name: "encoder", Label: "input of the encoder",
		Doc: "token: the encoder reads only the token; context: also the trunk's output h for it, " +
			"from a pass over clean inputs without gradient"},
	quantity.Key{Name: "decoder", Label: "input of the decoder",
		Doc: "token: the decoder reads only the token's state; context: also the trunk's output h for it; " +
			"causal: a transformer over the states up to the token's block"},
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
	quantity.Key{Name: "lr_floor", Label: "last learning rate over the peak",
		Doc: "final learning rate of a falling schedule, as a share of train.lr"},
	quantity.Key{Name: "beta1", Label: "decay of gradients", Doc: "decay of AdamW's mean of gradients"},
	quantity.Key{Name: "flow_samples", Label: "flow samples per token", Doc: "m, draws of (t, ε) per token"},
	quantity.Key{Name: "rec_weight", Label: "weight of the reconstruction loss", Doc: "λ of L = L_flow + λ·L_rec"},
	quantity.Key{Name: "rec_loss", Label: "reconstruction loss",
		Doc: "errors in L_rec: l2, squares; l1, absolute values; features: l2 plus train.rec_feature_weight times squares in the " +
			"features of a classifier"},
	quantity.Key{Name: "rec_feature_weight", Label: "weight of the features in the reconstruction loss",
		Doc: "weight of the classifier's features in train.rec_loss = \"features\""},
	quantity.Key{Name: "micro_batch", Label: "images computed at once",
		Doc: "images of a batch that are computed at a time, accumulating gradients; 0 is train.batch; the step is the same up to rounding"},
	quantity.Key{Name: "recompute", Label: "recomputation", Outside: true,
		Doc: "none, or layers: activations of a trunk layer are recomputed in the backward pass instead of kept, with the same bits"},
)

var _ = quantity.Keys("sample",
	quantity.Key{Name: "last_step", Label: "last step of Euler–Maruyama",
		Doc: "size of the last step of sample.solver = \"euler-maruyama\", which adds no noise"},
	quantity.Key{Name: "guidance_schedule", Label: "guidance schedule",
		Doc: "constant; linear: w times the share of tokens sampled after AR step k, (k+1)/K with equal blocks; " +
			"interval: only for times in [sample.guidance_from, sample.guidance_to]"},
	quantity.Key{Name: "renormalise", Label: "state normalised again",
		Doc: "never, or end: normalise the state again at the end of its flow"},
	quantity.Key{Name: "rollout_depth", Label: "Jacobi sweeps (0 = sequential)", Short: "sampling sweeps",
		Doc: `0 is sequential with KV cache; r ≥ 1 is r parallel (Jacobi) sweeps; "exact" is K sweeps`},
	quantity.Key{Name: "window", Label: "AR steps swept at once (0 = all)", Short: "window",
		Doc: "AR steps that Jacobi sweeps compute at once, one window after another; divides the number of AR steps; 0 is all of them"},
	quantity.Key{Name: "tolerance", Label: "change at which sweeps end", Short: "tolerance",
		Doc: "Jacobi sweeps of an image's window end when none of its values (−1 to 1) changes by more than this; " +
			"0: all of sample.rollout_depth"},
	quantity.Key{Name: "start", Label: "start of the sweeps",
		Doc: "what sweeps start from: zero (grey), or decoder: the decoded noise of the flow"},
)
