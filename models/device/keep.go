package device

// Weight is a matrix [In, Out] of [Backend.Linear].
type Weight struct {
	W       Buffer
	In, Out int
}

// Keeper is a Backend whose products are faster by weights that it may copy into
// an order of its own for as long as they do not change.
type Keeper interface {
	// Keeping makes room for copies of the weights, nil where there is none: the
	// products are then as before.
	Keeping(ws []Weight) Kept
}

// Kept is room for copies of weights. Between Begin, which takes their present
// values, and End, Linear reads the copies; in between the weights must not change,
// and nothing else may be kept.
type Kept interface {
	Begin()
	End()
	Close()
}

// CacheSizer is a Backend whose cache of keys and values takes another number
// of elements than two an element of width.
type CacheSizer interface {
	// CacheElements is how many elements the cache of AttentionDecode has for
	// batch sequences of capacity tokens.
	CacheElements(batch, capacity, heads, width int) int
}

// CacheElements is the size of a backend's cache of keys and values.
func CacheElements(be Backend, batch, capacity, heads, width int) int {
	if s, ok := be.(CacheSizer); ok {
		return s.CacheElements(batch, capacity, heads, width)
	}
	return 2 * batch * capacity * width
}
