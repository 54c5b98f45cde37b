package models

import "prabench/metrics/quantity"

var _ = quantity.Keys("seed",
	quantity.Key{Name: "init", Label: "seed of the initial weights", Doc: "seed of the initial weights alone; 0 is the training seed"},
	quantity.Key{Name: "order", Label: "seed of the order of images",
		Doc: "seed of the order of the training images alone; 0 is the training seed"},
	quantity.Key{Name: "noise", Label: "seed of the training noise",
		Doc: "seed of all other noise of a training alone (flow, states, class dropout); 0 is the training seed"},
)

// SeedKeys are the keys that set parts of a training seed apart.
var SeedKeys = []string{"seed.init", "seed.order", "seed.noise"}

// SeedOf is the seed of a part of a training: its own, or the training's where that
// is 0.
func SeedOf(part, training uint64) uint64 {
	if part != 0 {
		return part
	}
	return training
}

// CanonicalSeeds gives trainings that set the same parts to the same seeds the same fields: the
// training's seed names nothing where all parts have their own, and a part that has the training's
// is left to it. Parts that are set to what another training has by its own seed stay set, so such
// two are not recognised as one.
func CanonicalSeeds(training *uint64, init, order, noise *uint64) {
	parts := []*uint64{init, order, noise}
	if *init != 0 && *order != 0 && *noise != 0 {
		*training = *init
	}
	for _, p := range parts {
		if *p == *training {
			*p = 0
		}
	}
}
