package kernels

import "embed"

// Committed, so that a build needs no CUDA compiler; made by `make cuda-ptx`,
// compared with a fresh compilation by `make cuda-check`.
//
//go:embed ptx/*.ptx
var ptx embed.FS

// PTX is the module of a family as text, for compute capability 7.0 and above,
// or 8.0 (see [Kernel]). The driver compiles it for its device.
func PTX(file string) []byte {
	b, err := ptx.ReadFile("ptx/" + file + ".ptx")
	if err != nil {
		panic("kernels: no family " + file)
	}
	return b
}
