package devicetest

// shape is a matrix of rows tokens.
type shape struct{ rows, n int }

// shapes has every row length at a few rows, every number of rows at a common
// length, and some large enough to be worth threads.
var shapes = func() []shape {
	var out []shape
	for _, n := range []int{1, 3, 12, 49, 64, 96, 100, 128, 513} {
		out = append(out, shape{7, n})
	}
	for _, rows := range []int{1, 2, 64, 300} {
		out = append(out, shape{rows, 96})
	}
	return append(out, shape{1, 1}, shape{2, 3}, shape{64, 513}, shape{300, 100})
}()

func (s shape) size() int { return s.rows * s.n }

// small is the shape that range checks are made on.
func (s shape) small() bool { return s == shape{2, 3} }
