//go:build cuda

package nvml

import (
	"os"
	"testing"
)

// The stand-in has two GPUs, on which this process holds 256 and 512 MiB, others as
// much, and of one nothing is known.
func TestHeld(t *testing.T) {
	if os.Getenv("STANDIN_NVML_HELD") == "" {
		t.Skip("needs the stand-in of NVML (make cuda-test) and STANDIN_NVML_HELD=256 in the environment")
	}
	if got, known := Held([]int{os.Getpid()}); got != 768<<20 || !known {
		t.Errorf("this process: %d bytes, %t", got, known)
	}
	if got, known := Held([]int{os.Getpid(), os.Getppid()}); got != 1536<<20 || !known {
		t.Errorf("two processes: %d bytes, %t", got, known)
	}
	for _, pids := range [][]int{nil, {1}, {999999999}} {
		if got, known := Held(pids); got != 0 || known {
			t.Errorf("%v: %d bytes, %t", pids, got, known)
		}
	}
}
