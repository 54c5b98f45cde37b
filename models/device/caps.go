package device

// Caps is what a backend can do beside memory and operations, and at which sizes
// it is at its best. Zero and nil are "not": the core then does without. A wrapper
// that embeds a Backend passes all of it on, and replaces what it has to see.
type Caps struct {
	// Counts: operations are counted and nothing is computed, so the core need
	// not prepare numbers.
	Counts bool
	// AheadRows is for how many rows at once the modulations of the flow's later
	// steps are worth computing: more rows read the weights less often and take
	// more memory. 0: the core's own choice.
	AheadRows int
	// ShareRows is how many rows a share's products should have at least, where
	// there is a Divider: with fewer they wait for their weights, which all threads
	// together would read once, or are done in another precision.
	ShareRows int
	// NormRows is up to how many rows a layer normalises what it reads at no cost: the
	// core then asks for a [NormLinear], and for the moments that it needs. 0: for none.
	NormRows int
	// HalfCache: the cache of an [AttentionDecode] holds bf16.
	HalfCache bool

	Divider  Divider
	Keeper   Keeper
	Recorder Recorder
	Timer    Timer
	Monitor  Monitor
	Reducer  Reducer
}
