//go:build !cuda

package nvml

// Held knows nothing of GPUs in a program without CUDA.
func Held([]int) (bytes int64, known bool) { return 0, false }
