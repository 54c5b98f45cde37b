package kernels

import "prabench/models/device"

// Layers of few rows in one launch, on weights that are kept in bf16.
var (
	layerKernel     = kernel80("skinny_bf16", "layer_64", 256, 1, 16)
	layerNormKernel = kernel80("skinny_bf16", "layer_norm_64", 256, 1, 22)
	momentsKernel   = kernel80("skinny_bf16", "moments_64", 256, 4, 3)
)

const (
	// LayerRows is up to how many rows a layer in one launch is tried instead of other
	// own kernels: more read every weight several times.
	LayerRows = 256
	// NormRows is up to how many rows it normalises what it reads: every tile of 64
	// columns of the result does so again.
	NormRows = layerSide

	layerSide  = 64 // of a tile, and of a slice of the depth
	layerAlong = layerSide + 8
	// layerShared is two slices of x and three of w in bf16, and the statistics of a
	// tile's rows, in floats.
	layerShared = (2+3)*layerSide*layerAlong/2 + 2*layerSide

	// LayerCounters is how many counters a launch may need: no depth is split into
	// more blocks than these.
	LayerCounters = enoughBlocks
)

// layerSplit is how many parts the depth of a layer's product has, and how deep one is.
func layerSplit(rows, out, in int) (splits, depth int) {
	tiles := ceil(rows, layerSide) * ceil(out, layerSide)
	splits = min(enoughBlocks/tiles, in/leastDepth)
	if splits <= 1 {
		return 1, in
	}
	depth = ceil(ceil(in, splits), layerSide) * layerSide
	return ceil(in, depth), depth
}

// LayerFits reports whether a layer can be one launch: everything is read in vectors of
// 16 bytes. w is the address of the weights in bf16 [In, Out].
func LayerFits(op *device.Linear, w Ptr) bool {
	e := EpilogueOf(op)
	together := at(op.Y) | at(op.X) | w | e.Bias | e.Pre | e.Gate | e.Residual | at(op.Moments)
	return op.Rows > 0 && op.Rows <= LayerRows && op.In > 0 && op.In%8 == 0 && op.Out%8 == 0 && together%16 == 0 &&
		(e.Gate == 0 || e.LDGate%4 == 0)
}

// NormLayerFits is LayerFits of a layer that normalises what it reads.
func NormLayerFits(op *device.NormLinear, w Ptr) bool {
	scale, shift, ld, _, _ := modulationOf(op)
	return op.Rows <= NormRows && LayerFits(&op.Linear, w) && (scale|shift|at(op.Known))%16 == 0 && ld%4 == 0
}

// modulationOf is what the rows of a normalisation are multiplied with and what is
// added: (one + scale) and shift, a row of stride ld for each rows in turn.
func modulationOf(op *device.NormLinear) (scale, shift Ptr, ld, each int, one float32) {
	if op.Mod.Absent() {
		return at(op.Gain), at(op.Offset), 0, 1, 0
	}
	return at(op.Mod).At(op.Scale), at(op.Mod).At(op.Shift), op.LDMod, max(op.Each, 1), 1
}

// Layer is a layer in one launch: see [LayerFits]. Where it has moments to leave, it does.
func (o *Ops) Layer(op *device.Linear, w Ptr) {
	least := f4(op.Rows * op.In)
	o.layer(layerKernel, op, w, least).layerGrid(op)
}

// NormLayer is a layer that normalises its rows in the same launch: see [NormLayerFits].
func (o *Ops) NormLayer(op *device.NormLinear, w Ptr) {
	scale, shift, ld, each, one := modulationOf(op)
	mods := 1
	if ld > 0 {
		mods = op.Rows / each
	}
	least := f4(op.Rows*op.In, 2*mods*op.In, op.Rows*device.Moments(op.In))
	o.layer(layerNormKernel, &op.Linear, w, least)
	o.ptr(at(op.Known), scale, shift).ints(ld, each).floats(one).layerGrid(&op.Linear)
}

// layer begins the launch of a layer that reads so many bytes beside its weights.
func (o *Ops) layer(k *Kernel, op *device.Linear, w Ptr, reads float64) *Ops {
	e := EpilogueOf(op)
	splits, depth := layerSplit(op.Rows, op.Out, op.In)
	size := float64(op.Rows) * float64(op.Out)
	least := reads + 2*float64(op.In)*float64(op.Out) + resultBytes(size, 0, e)
	if !op.Moments.Absent() {
		least += f4(op.Rows * device.Moments(op.Out))
	}
	var part, count Ptr
	scratch := 0.0
	if splits > 1 {
		tiles := ceil(op.Rows, layerSide) * ceil(op.Out, layerSide)
		part, count = o.to.Scratch(4*splits*tiles*layerSide*layerSide), o.to.Counters()
		scratch = 4 * size * float64(2*splits-1) // every part is written, and all but one are read
	}
	o.call(k).ptr(at(op.Y), at(op.X), w).ints(op.Rows, op.Out, op.In, depth).ptr(part, count)
	o.epilogue(e).ptr(at(op.Moments))
	o.launch.Cost = Cost{FLOPs: op.FLOPs(), Bytes: least + scratch, Least: least, Scratch: scratch}
	return o
}

func (o *Ops) layerGrid(op *device.Linear) {
	splits, _ := layerSplit(op.Rows, op.Out, op.In)
	o.grid(ceil(op.Rows, layerSide), ceil(op.Out, layerSide), splits, 256, layerShared)
}

// Moments leaves those of the rows that op has written by other kernels.
func (o *Ops) Moments(op *device.Linear) {
	if op.Moments.Absent() || op.Rows == 0 || op.Out == 0 {
		return
	}
	least := f4(op.Rows * device.Moments(op.Out))
	o.call(momentsKernel).ptr(at(op.Moments), at(op.Y)).ints(op.Out).cost(0, least+f4(op.Rows*op.Out), least).grid(op.Rows, 1, 1, 256, 0)
}

var _ = device.On(&does, func(o *Ops, op *device.NormLinear) {
	norm, layer := op.Apart()
	o.Do(norm)
	o.Do(layer)
})
