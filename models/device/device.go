package device

import "fmt"

// Class says what memory is for; peaks are reported for each.
type Class int

// The classes of memory.
const (
	Model       Class = iota // parameters, gradients, optimiser moments, EMA
	Cache                    // keys and values of sequential sampling
	Activations              // everything else
	Classes                  // how many there are
)

func (c Class) String() string {
	return [...]string{"model", "cache", "activations"}[c]
}

// Buffer is a range of N float elements of a backend's memory. It is a value:
// slicing allocates nothing. The zero Buffer is "absent" where an operation
// allows that.
type Buffer struct {
	Base uintptr // the backend's handle or address of the allocation
	Off  int     // first element
	N    int     // elements
}

// Slice is elements [lo, lo+n) of b.
func (b Buffer) Slice(lo, n int) Buffer {
	if lo < 0 || n < 0 || lo+n > b.N {
		panic(fmt.Sprintf("device: slice [%d, %d+%d) of a buffer of %d", lo, lo, n, b.N))
	}
	return Buffer{b.Base, b.Off + lo, n}
}

// Absent reports whether b is the zero Buffer.
func (b Buffer) Absent() bool { return b.N == 0 }

func (b Buffer) same(c Buffer) bool { return b.Base == c.Base && b.Off == c.Off }

// Ints is a buffer of N int32 indices or labels.
type Ints struct {
	Base uintptr
	N    int
}

// Backend is a device: memory, and what is done with it. It serves one goroutine
// at a time. Its operations are asked for by [Do], which checks them; Backend.Do
// does what it is handed.
type Backend interface {
	Name() string    // "cpu", "cuda:0 …"
	Threads() int    // compute threads; 0 where it has no meaning
	Details() string // libraries and vector path, for the environment record
	Caps() Caps

	Alloc(c Class, n int) (Buffer, error) // uninitialised; ErrOutOfMemory when it cannot
	AllocInts(n int) (Ints, error)
	Free(b Buffer)
	FreeInts(b Ints)
	Peak(c Class) int64 // largest number of bytes held at once
	Upload(dst Buffer, src []float32)
	Download(dst []float32, src Buffer)
	UploadInts(dst Ints, src []int32)
	// Indices is what b holds, for the host to check; nil where a backend keeps
	// no contents.
	Indices(b Ints) []int32
	// Sync waits for everything that was asked for. A failing device keeps its
	// first error, which Err reports from then on.
	Sync() error
	Err() error
	Close() error

	// Does reports whether Do knows a kind of operation; it always answers the same.
	Does(k Kind) bool
	// Do does op, whose extents were checked. The op is the caller's: it is not
	// kept after Do returns.
	Do(op Op)

	scratch() *Scratch // by embedding Scratch, or a Backend
}

// ErrOutOfMemory is returned by Alloc, wrapped with what was asked.
var ErrOutOfMemory = fmt.Errorf("out of device memory")
