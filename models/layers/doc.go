// Package layers is what families of models are built of: parameters in one flat
// array, and pairs of a forward and a backward function over [device.Backend].
//
// Its principle is that a network is read better than it is derived: a layer is a
// struct of its parameters with a Forward that says which operations it is and a
// Backward beside it that undoes them in the opposite order; there is no graph and
// no tape. A function reads the flat array of weights that it is given, so that
// raw, averaged and perturbed weights share the code, and adds to the gradients
// that it is given. Buffers that a backward pass needs are made by the layer's Acts
// and stay its caller's; a layer itself holds none.
//
// Which operations a layer does, and in which order, is part of the results of the
// families that are built of it: anyone who changes that raises their versions.
package layers

import "prabench/models/device"

// Pass is what layers compute with.
type Pass struct {
	Be      device.Backend
	Weights device.Buffer // the flat array that is read
	Grads   device.Buffer // of the same places, which backward passes add to; absent in inference
	Half    bool          // the backend's caches hold bf16 (see [device.Caps])
	Turns   device.Buffer // angles of places, of [Turns]; absent where no attention turns
}

var none device.Buffer
