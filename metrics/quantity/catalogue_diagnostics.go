package quantity

import "prabench/metrics/stat"

// Diagnostics: each asked for by a key of [metrics].
var (
	ProbeAccuracy = metric(Metric{
		Name: "probe_accuracy", Unit: "1", Scale: Share, Label: "linear probe accuracy", Short: "probe",
		Doc:    "Accuracy of a linear probe on the frozen trunk.",
		Better: +1, Group: Diagnostics, Interval: stat.Wilson, Stage: "probe", Key: "metrics.probe",
	})
	ProbeAccuracyUntrained = metric(Metric{
		Name: "probe_accuracy_untrained", Unit: "1", Scale: Share, Label: "linear probe accuracy, untrained trunk", Short: "probe, untrained",
		Doc:   "probe_accuracy of the untrained trunk that the training began with: the control.",
		Group: Diagnostics, Interval: stat.Wilson, Stage: "probe", Key: "metrics.probe",
	})
	FIDPrefix0 = metric(Metric{
		Name: "fid_prefix_0", Unit: "1", Label: "Fréchet distance, nothing given", Short: "FD, 0 given",
		Doc:    "Fréchet distance of samples that are given nothing of a held-out image but its class.",
		Better: -1, Group: Diagnostics, Interval: stat.Jackknife, Stage: "exposure", Key: "metrics.exposure",
	})
	FIDPrefix25 = metric(Metric{
		Name: "fid_prefix_25", Unit: "1", Label: "Fréchet distance, a quarter given", Short: "FD, 1/4 given",
		Doc:    "fid_prefix_0 with the first quarter of the AR steps taken from a held-out image.",
		Better: -1, Group: Diagnostics, Interval: stat.Jackknife, Stage: "exposure", Key: "metrics.exposure",
	})
	FIDPrefix50 = metric(Metric{
		Name: "fid_prefix_50", Unit: "1", Label: "Fréchet distance, half given", Short: "FD, 1/2 given",
		Doc:    "fid_prefix_0 with half of the AR steps given.",
		Better: -1, Group: Diagnostics, Interval: stat.Jackknife, Stage: "exposure", Key: "metrics.exposure",
	})
	FIDPrefix75 = metric(Metric{
		Name: "fid_prefix_75", Unit: "1", Label: "Fréchet distance, three quarters given", Short: "FD, 3/4 given",
		Doc:    "fid_prefix_0 with three quarters of the AR steps given.",
		Better: -1, Group: Diagnostics, Interval: stat.Jackknife, Stage: "exposure", Key: "metrics.exposure",
	})
	FIDPrefix100 = metric(Metric{
		Name: "fid_prefix_100", Unit: "1", Label: "Fréchet distance of held-out images", Short: "FD, real",
		Doc:   "Fréchet distance of the held-out images whose prefixes are given: the floor.",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "exposure", Key: "metrics.exposure",
	})
	FIDMosaic = metric(Metric{
		Name: "fid_mosaic", Unit: "1", Label: "Fréchet distance of teacher-forced samples", Short: "FD, teacher-forced",
		Doc:    "Fréchet distance of teacher-forced samples: every patch is sampled given the real patches before it.",
		Better: -1, Group: Diagnostics, Interval: stat.Jackknife, Stage: "exposure", Key: "metrics.exposure",
	})
	BlockErrorFree = metric(Metric{
		Name: "block_error_free", Unit: "1", Label: "error of a step, own inputs", Short: "step error, own inputs",
		Doc:    "Error of an AR step, mean over the steps, where every input is the model's own.",
		Better: -1, Aim: "lower, down to block_error_real", Group: Diagnostics, Stage: "exposure", Key: "metrics.exposure",
	})
	BlockErrorGiven = metric(Metric{
		Name: "block_error_given", Unit: "1", Label: "error of a step, real inputs", Short: "step error, real inputs",
		Doc:    "block_error_free of teacher-forced samples, where every input is real.",
		Better: -1, Aim: "lower, down to block_error_real", Group: Diagnostics, Stage: "exposure", Key: "metrics.exposure",
	})
	BlockErrorReal = metric(Metric{
		Name: "block_error_real", Unit: "1", Label: "error of a step, held-out images", Short: "step error, held-out",
		Doc:   "block_error_free of held-out images: the floor.",
		Group: Diagnostics, Stage: "exposure", Key: "metrics.exposure",
	})
	ExposureGap = metric(Metric{
		Name: "exposure_gap", Unit: "1", Label: "exposure-bias gap",
		Doc:    "Mean over AR steps of block_error_free over block_error_given, less 1.",
		Better: -1, Aim: "lower; 0 is no harm by the model's own inputs", Group: Diagnostics, Stage: "exposure", Key: "metrics.exposure",
	})
	ErrorGrowth = metric(Metric{
		Name: "error_growth", Unit: "1", Label: "growth of the error over AR steps", Short: "error growth",
		Doc:    "Free over given error in the last quarter of the AR steps, over the same in the first.",
		Better: -1, Aim: "lower; 1 is no growth", Group: Diagnostics, Stage: "exposure", Key: "metrics.exposure",
	})
	SeamIndex = metric(Metric{
		Name: "seam_index", Unit: "1", Label: "blockiness (real images: 1)", Short: "blockiness",
		Doc:   "Differences of neighbouring pixels across borders of patches over those inside, divided by the same of real images.",
		Aim:   "1 is as in real images",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "seam", Key: "metrics.seam",
	})
	NearestDistance = metric(Metric{
		Name: "nearest_distance", Unit: "1", Label: "distance to the nearest training image", Short: "nearest",
		Doc:   "Mean distance of generated images to the nearest training image, of grey values from 0 to 1.",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "nearest", Key: "metrics.nearest",
	})
	NearestDistanceReal = metric(Metric{
		Name: "nearest_distance_real", Unit: "1", Label: "distance of held-out images to the nearest", Short: "nearest, held-out",
		Doc:   "nearest_distance of held-out images: the control.",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "nearest", Key: "metrics.nearest",
	})
	NearestRatio = metric(Metric{
		Name: "nearest_ratio", Unit: "1", Label: "nearest training image, generated over held-out", Short: "nearest ratio",
		Doc:   "nearest_distance over nearest_distance_real.",
		Aim:   "below 1: nearer than held-out images",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "nearest", Key: "metrics.nearest",
	})
	NearShare = metric(Metric{
		Name: "near_share", Unit: "1", Scale: Share, Label: "share nearer than 99 % of held-out images", Short: "near share",
		Doc:   "Share of generated images that are nearer to a training image than all but 1 % of the held-out ones.",
		Aim:   "about 0.01 for real images",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "nearest", Key: "metrics.nearest",
	})
	Vendi = metric(Metric{
		Name: "vendi", Unit: "1", Label: "Vendi score (images unlike each other)", Short: "Vendi score",
		Doc: "How many images unlike each other the generated ones are worth (Friedman and Dieng 2023): the exponential of the entropy of " +
			"the eigenvalues of their similarities, cosines of the embedder's features. It grows with the number of images.",
		Better: +1, Aim: "up to that of real images", Group: Diagnostics, Interval: stat.Jackknife, Stage: "vendi", Key: "metrics.vendi",
	})
	VendiReal = metric(Metric{
		Name: "vendi_real", Unit: "1", Label: "Vendi score of held-out images", Short: "Vendi, held-out",
		Doc:   "vendi of as many held-out images: the control.",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "vendi", Key: "metrics.vendi",
	})
	RFIDProxy = metric(Metric{
		Name: "rfid_proxy", Unit: "1", Label: "Fréchet distance of reconstructions, proxy features", Short: "rFD (proxy)",
		Doc: "fid_proxy of what the model's decoder makes of what its encoder sees in held-out images: the floor of its coder. " +
			"Where tokens are generated as they are, it is that of the images.",
		Better: -1, Aim: "lower, down to its floor", Group: Diagnostics, Interval: stat.Jackknife, Stage: "reconstruction",
		Key: "metrics.reconstruction",
	})
	RFIDProxyFloor = metric(Metric{
		Name: "rfid_proxy_floor", Unit: "1", Label: "Fréchet distance of the reconstructed images themselves", Short: "rFD floor",
		Doc:   "fid_proxy of the held-out images whose reconstructions rfid_proxy scores: the control.",
		Group: Diagnostics, Interval: stat.Jackknife, Stage: "reconstruction", Key: "metrics.reconstruction",
	})
	ReconstructionError = metric(Metric{
		Name: "reconstruction_error", Unit: "1", Label: "squared error of reconstructed pixels", Short: "reconstruction error",
		Doc:    "Mean squared difference between held-out images and their reconstructions, pixels as values from −1 to 1.",
		Better: -1, Group: Diagnostics, Interval: stat.Jackknife, Stage: "reconstruction", Key: "metrics.reconstruction",
	})
	CodebookUse = metric(Metric{
		Name: "codebook_use", Unit: "1", Scale: Share, Label: "codes that occur", Short: "codes used",
		Doc:    "Share of the codebook's entries that occur at all in the held-out images of rfid_proxy. It can only grow with their number.",
		Better: +1, Group: Diagnostics, Stage: "reconstruction", Key: "metrics.reconstruction",
	})
	CodebookPerplexity = metric(Metric{
		Name: "codebook_perplexity", Unit: "1", Label: "perplexity of the codebook", Short: "code perplexity",
		Doc: "Exponential of the Shannon entropy of how often the codebook's entries occur in the held-out images of rfid_proxy: " +
			"the size of the codebook where all occur equally often.",
		Better: +1, Aim: "up to the size of the codebook", Group: Diagnostics, Interval: stat.Jackknife, Stage: "reconstruction",
		Key: "metrics.reconstruction",
	})
)

// Along the steps of a training, and along the AR steps of an image. A curve
// also has train_loss, flow_loss and rec_loss, the errors of AR steps also
// block_error_free, block_error_given and block_error_real.
var (
	Step         = onCurve(Metric{Name: "step", Label: "training step", Doc: "Step of a training, counted from 1."})
	LearningRate = onCurve(Metric{Name: "lr", Label: "learning rate", Doc: "Learning rate of the step."})
	GradNorm     = onCurve(Metric{Name: "grad_norm", Label: "gradient norm", Doc: "Norm of the gradient before it is clipped."})
	ARStep       = onCurve(Metric{Name: "ar_step", Label: "AR step", Doc: "AR step of an image, counted from 1."})
	BlockError   = onCurve(Metric{Name: "block_error", Label: "Fréchet distance of the step, per value", Short: "error of the step",
		Doc: "Error of each AR step with its controls.", Better: -1})
	BlockErrorRatio = onCurve(Metric{Name: "block_error_ratio", Label: "error, own inputs over real ones", Short: "error ratio",
		Doc: "block_error_free over block_error_given of each AR step.", Better: -1})
)
