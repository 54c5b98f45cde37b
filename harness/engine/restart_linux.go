package engine

import (
	"os"
	"syscall"

	"prabench/models/cpu"
)

// Restart starts this program once more in place of itself where its threads
// need an environment that it was not started with; workers inherit it. Where
// that fails the program goes on as it is.
func Restart() {
	missing := cpu.SpinEnvironment()
	if missing == nil {
		return
	}
	_ = syscall.Exec(ownProgram(), os.Args, append(os.Environ(), missing...))
}
