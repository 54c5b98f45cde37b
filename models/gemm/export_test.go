package gemm

// For the benchmark, which lives outside to measure the peak by package cpu.
var (
	Own    = own
	OneDNN = oneDNN
)
