package device

// Weight is a matrix [In, Out] of a [Linear].
type Weight struct {
	W       Buffer
	In, Out int
}

// Keeper makes products faster by weights that it may copy into an order of its
// own for as long as they do not change.
type Keeper interface {
	// Keeping makes room for copies of the weights, nil where there is none: the
	// products are then as before.
	Keeping(ws []Weight) Kept
}

// Kept is room for copies of weights. Between Begin, which takes their present
// values, and End, [Linear] reads the copies; in between the weights must not
// change, and nothing else may be kept.
type Kept interface {
	Begin()
	End()
	Close()
}
