// Package device is the line between the models and what computes them.
//
// Its principle is that an operation is data. An [Op] is a struct that names its
// operands, its sizes and what it costs; a [Backend] owns memory and does ops. So
// extents are checked once, in [Do], for every backend, costs are counted once,
// and whatever looks at operations (a counter, a profiler, a tracer, a recorder of
// launches) is a few lines that hold for all of them, the next one included.
//
// Operations are few, fused where a model needs it, and come in pairs, forward and
// backward; the models above are plain Go that asks for them in order:
//
//	device.Do(be, device.Norm{Y: y, X: x, Gain: g, Bias: b, Stats: s, Rows: rows, N: width})
//
// All matrices are row-major, a row is a token. Operations do not return errors: a
// wrong shape is a programmer's mistake and panics before anything is computed; a
// failing device keeps its first error, which [Backend.Err] reports. Asking for an
// operation allocates nothing: [Do] copies it to a place of the backend, one for
// each kind, which holds it until the next of its kind. So nothing keeps an Op
// after it was done; who wants one later copies it.
//
// What a backend can do beside operations stands in its [Caps]: what is absent
// there the models do without, with equal results. What a program can open, and
// what may be asked before that, is its [Drivers].
//
// # Adding an operation
//
// RMSNorm is one to copy. By hand, one entry each:
//
//  1. models/device, the file of its family: the struct, with its equation as the
//     comment, and four methods: Kind, Sizes, FLOPs and Operands. Operands names
//     each operand with the elements that it needs; what only some sizes allow is a
//     panic there.
//  2. models/device/reference: the equation in float64, by [On] beside it.
//  3. models/device/devicetest: trials over a spread of shapes, registered by of;
//     a backward pass names its forward pass, for the finite differences.
//  4. models/cpu, the .h file of its family: the C function and, at the file's
//     head, its line of the table; every vector path has it then.
//  5. models/cpu/ops.go: the call of it, by [On].
//  6. models/cuda/kernels, the .cu file of its family: the kernel.
//  7. models/cuda/kernels, the .go file of its family: the kernel's line of the
//     table and the launch, by [On].
//
// Then `make cuda-ptx` compiles the kernels, and tests fail as long as something is
// missing: a kind without a trial, a trial without a function, an operand that was
// written and not named, PTX that is not the source's. A backend without a function
// for a kind still serves models that do not ask for it.
//
// # Writing a wrapper
//
// Embed the Backend and replace Do:
//
//	type Wrapper struct{ device.Backend }
//
//	func (w *Wrapper) Do(op device.Op) {
//		fmt.Println(device.Text(op), device.Bytes(op))
//		w.Backend.Do(op)
//	}
//
// Everything else, capabilities included, is the wrapped backend's. Two of them lead
// past the wrapper: shares of a [Divider] are other backends, and a [Recording]
// plays without asking. A wrapper that must see all replaces Caps too; package
// profile does, and wraps the shares. [Operands] lists what an op reads and writes.
//
// devicetest holds the conformance suite that every backend passes; reference is
// the float64 backend that it compares with; counter counts and computes nothing.
package device
