package device

// Divider computes independent things at the same time, each on its share of a
// backend's threads. Operations that are shared by all threads end with all of
// them waiting for the last; shares wait once for many operations.
type Divider interface {
	// Divide makes n shares, 2 to Threads() of them. The backend must not be used
	// while shares run.
	Divide(n int) Division
}

// Division is a Backend in shares. Shares have the whole's memory: they read and
// write its buffers and its peaks count theirs. Closing one does nothing.
type Division interface {
	Shares() []Backend
	// Run calls f(i) for every share i, all at the same time and always on the
	// same threads, and returns when each has returned.
	Run(f func(i int))
	// Close ends the shares' threads.
	Close()
}
