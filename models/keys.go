package models

import "prabench/metrics/quantity"

// How keys are called that mean the same in any family that has them. A family's
// own stand beside its fields.

var _ = quantity.Keys("model",
	quantity.Key{Name: "patch", Label: "patch side (pixels)", Doc: "p, side of a patch in pixels; divides the image size"},
	quantity.Key{Name: "width", Label: "trunk width", Doc: "width of the trunk"},
	quantity.Key{Name: "depth", Label: "trunk layers", Short: "layers", Doc: "layers of the trunk"},
	quantity.Key{Name: "heads", Label: "attention heads", Doc: "attention heads; divides model.width"},
	quantity.Key{Name: "mlp", Label: "width of the trunk's MLP over its own", Doc: "width of the trunk's MLP as a multiple of model.width"},
	quantity.Key{Name: "norm", Label: "normalisation of the trunk",
		Doc: "normalisation in the trunk's layers and of its output: layernorm, or rmsnorm, x/√(mean(x²) + 10⁻⁵) with a gain and no bias"},
	quantity.Key{Name: "mlp_kind", Label: "MLP of the trunk",
		Doc: "gelu, or swiglu: silu(x·W₁)·(x·W₂) inside, ⅔·model.mlp·model.width wide (nearest multiple of 8), with as many parameters"},
	quantity.Key{Name: "positions", Label: "position encoding of the trunk",
		Doc: "learned tables, or rope2d: rotary positions by the row and column of each patch, without learned tables"},
	quantity.Key{Name: "qk_norm", Label: "normalisation of queries and keys",
		Doc: "none, or rmsnorm: queries and keys of each head are divided by their root mean square, with a gain, before attention"},
	quantity.Key{Name: "class_tokens", Label: "class tokens",
		Doc: "learned class tokens before the patches of an image; 0: a class embedding is added to each patch instead"},
	quantity.Key{Name: "block", Label: "block (tokens per AR step)", Doc: "B, tokens emitted by one AR step; divides the number of tokens N"},
	quantity.Key{Name: "coder_width", Label: "hidden width of encoder and decoder", Doc: "hidden width of encoder and decoder"},
	quantity.Key{Name: "target", Label: "prediction target", Doc: "what the head predicts: x (the clean state) or v (the velocity)"},
)

var _ = quantity.Keys("train",
	quantity.Key{Name: "steps", Label: "training steps", Doc: "optimisation steps"},
	quantity.Key{Name: "batch", Label: "training batch (images)", Doc: "images per step"},
	quantity.Key{Name: "lr", Label: "learning rate", Doc: "peak learning rate of AdamW"},
	quantity.Key{Name: "warmup", Label: "share of steps with warm-up",
		Doc: "share of the steps with a linear warm-up, before train.schedule"},
	quantity.Key{Name: "beta2", Label: "decay of squared gradients", Doc: "decay of AdamW's mean of squared gradients"},
	quantity.Key{Name: "weight_decay", Label: "weight decay", Doc: "weight decay of AdamW"},
	quantity.Key{Name: "clip", Label: "bound of the gradient norm", Doc: "bound of the global gradient norm; 0 is none"},
	quantity.Key{Name: "ema", Label: "decay of averaged weights",
		Doc: "decay of the averaged weights, min(ema, (1+n)/(10+n)) at step n, so reached after about 9/(1−ema) steps; " +
			"a list, [0.99, 0.999], keeps several averages"},
	quantity.Key{Name: "class_dropout", Label: "probability of the null class", Doc: "probability of the null class, for guidance"},
	quantity.Key{Name: "time_mean", Label: "mean of the flow's time, as a logit",
		Doc: "mean of the normal whose sigmoid is the time t of a training flow; below 0 there is more noise"},
	quantity.Key{Name: "time_std", Label: "deviation of the flow's time, as a logit",
		Doc: "standard deviation of the normal whose sigmoid is the time t of a training flow"},
	quantity.Key{Name: "threads", Label: "training threads", Doc: "compute threads of a training; part of its identity"},
)

var _ = quantity.Keys("sample",
	quantity.Key{Name: "flow_steps", Label: "solver steps per token", Doc: "solver steps per token"},
	quantity.Key{Name: "solver", Label: "solver", Doc: "euler or heun; with the families pra and mar also midpoint and euler-maruyama"},
	quantity.Key{Name: "guidance", Label: "guidance weight", Doc: "w of v = v_c + w·(v_c − v_null); 0 is none"},
	quantity.Key{Name: "guidance_from", Label: "time from which guidance is on", Doc: "first time t with guidance (0 is noise)"},
	quantity.Key{Name: "guidance_to", Label: "time up to which guidance is on", Doc: "last time t with guidance (1 is the image)"},
	quantity.Key{Name: "weights", Label: "weights",
		Doc: "ema, raw, or one of several decays in train.ema, such as \"0.999\"; ema is the first of them"},
	quantity.Key{Name: "seed", Label: "seed of the sampling noise", Doc: "seed of the sampling noise"},
)
