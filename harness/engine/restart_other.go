//go:build !linux

package engine

// Restart does nothing where threads need nothing.
func Restart() {}
