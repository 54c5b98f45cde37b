package dataset

import "prabench/metrics/quantity"

// How the keys of [Spec] are called and what they do.
var _ = quantity.Keys("data",
	quantity.Key{Name: "set", Label: "data set", Short: "data set",
		Doc: "mnist, fashion-mnist, cifar10, images (a folder of class folders), imagenet or shapes (drawn by the program)"},
	quantity.Key{Name: "size", Label: "image side (pixels)", Doc: "image side in pixels; 0 is the set's own"},
	quantity.Key{Name: "channels", Label: "channels", Doc: "1 grey, 3 RGB; 0 is the set's own"},
	quantity.Key{Name: "limit", Label: "training images used", Doc: "use the first n training images only; 0 uses all"},
	quantity.Key{Name: "fit", Label: "how the size is reached", Doc: "how another size is reached: auto, pad, crop or resize"},
	quantity.Key{Name: "root", Label: "data folder",
		Doc: "folder to read the data from; empty is the data folder of this machine", Outside: true},
	quantity.Key{Name: "seed", Label: "seed of drawn shapes", Doc: "seed of the drawn shapes; other sets ignore it"},
	quantity.Key{Name: "flip", Label: "mirrored images", Doc: "share of the images that a training sees mirrored left to right; 0.5 is usual"},
	quantity.Key{Name: "decoder", Label: "JPEG decoder",
		Doc: "what decodes JPEG files: go, or turbo (libjpeg-turbo, several times as fast, other last bits)"},
)
