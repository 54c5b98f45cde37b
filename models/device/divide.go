package device

// Divider is a Backend of several threads that can also compute independent
// things at the same time, each on its share of the threads. Operations that
// are shared by all threads end with all of them waiting for the last; shares
// wait once for many operations.
type Divider interface {
	// Divide makes n shares, 2 to Threads() of them. The backend must not be used
	// while shares run.
	Divide(n int) Division
	// ShareRows is how many rows a share's products should have at least: with
	// fewer they wait for their weights, which all threads together would read
	// once, or are done in another precision.
	ShareRows() int
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
