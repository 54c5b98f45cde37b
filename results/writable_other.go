//go:build !unix

package results

// writable leaves the answer to the first write.
func writable(path string) error { return nil }
