// Package cpu is the host backend: matrix products from package gemm, every
// other operation in C that the compiler vectorises for AVX-512, AVX2 and the
// plain target, one of them chosen when the process starts. Sums run in an
// order that does not depend on the number of threads.
package cpu

/*
#cgo CFLAGS: -O3 -fopenmp
#cgo LDFLAGS: -lm -fopenmp
#cgo linux LDFLAGS: -Wl,--wrap=GOMP_parallel
#include <stdlib.h>
#include "affinity.h"
#include "ops.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"prabench/models/device"
	"prabench/models/gemm"
)

// PathVariable names the environment variable that forces a vector path.
const PathVariable = "PRABENCH_VECTOR_PATH"

var path = sync.OnceValues(func() (string, error) {
	if p := os.Getenv(PathVariable); p != "" {
		if !SelectPath(p) {
			return "", fmt.Errorf("%s=%s: this machine has no such vector path; allowed: avx512, avx2, base", PathVariable, p)
		}
		return p, nil
	}
	for _, p := range []string{"avx512", "avx2", "base"} {
		if SelectPath(p) {
			return p, nil
		}
	}
	return "base", nil
})

// Paths lists the vector paths of this machine, fastest first.
func Paths() []string {
	now, _ := path()
	var out []string
	for _, p := range []string{"avx512", "avx2", "base"} {
		if SelectPath(p) {
			out = append(out, p)
		}
	}
	SelectPath(now)
	return out
}

// SelectPath switches the whole process, matrix products included, to a vector
// path; false when the machine lacks it, which package gemm knows. It is for tests and measurements.
func SelectPath(p string) bool {
	s := C.CString(p)
	defer C.free(unsafe.Pointer(s))
	return gemm.SelectPath(p) && C.pra_select(s) != 0
}

// Backend is the CPU as a device.
type Backend struct {
	device.Scratch
	threads int
	bf16    bool
	path    string
	closed  bool
	memory  *memory
	packed  *map[device.Buffer]*gemm.Packed // weights that are kept packed now, of a whole and its shares
}

var _ device.Backend = (*Backend)(nil)

// New makes a backend that computes on the given number of threads, all of the
// machine's where it is 0. The calling goroutine stays on its OS thread until
// Close: OpenMP keeps a team of threads for every OS thread that calls it, and
// a goroutine that wandered would leave teams behind that spin for work. With as
// many threads as processors each thread stays on one.
func New(threads int) (*Backend, error) { return NewPrecision(threads, "fp32") }

// Refuse is why this machine does not compute in a precision, nil where it does.
func Refuse(precision string) error {
	switch {
	case precision == "fp32":
	case precision != "bf16":
		return fmt.Errorf("the CPU computes in fp32 or bf16, not in %q", precision)
	case !gemm.HasBF16():
		return fmt.Errorf("this CPU has no bf16 products (AVX512_BF16, and the vector path avx512); use fp32")
	}
	return nil
}

// NewPrecision is New with matrix products in "fp32" or "bf16": operands rounded
// to bf16, sums in fp32, everything else as before.
func NewPrecision(threads int, precision string) (*Backend, error) {
	if err := Refuse(precision); err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	p, err := path()
	if err != nil {
		return nil, err
	}
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	if threads < 1 || threads > 1024 {
		return nil, fmt.Errorf("cpu: %d threads; allowed: 1 to 1024, or 0 for all", threads)
	}
	runtime.LockOSThread()
	C.pra_pin(0, C.int(threads), C.int(threads), 1)
	return &Backend{
		threads: threads, bf16: precision == "bf16", path: p,
		memory: &memory{sizes: map[uintptr]allocation{}}, packed: &map[device.Buffer]*gemm.Packed{},
	}, nil
}

func (d *Backend) Name() string { return "cpu" }
func (d *Backend) Threads() int { return d.threads }
func (d *Backend) Details() string {
	s := fmt.Sprintf("%s, vector path %s", gemm.Loaded().Name, d.path)
	if d.bf16 {
		s += ", bf16 products"
	}
	return s
}

// Caps says that all weights may be kept packed, and the threads divided.
func (d *Backend) Caps() device.Caps {
	c := device.Caps{AheadRows: aheadRows * d.threads, ShareRows: shareRows, Divider: d, Keeper: d}
	if d.bf16 {
		c.ShareRows = bf16Rows
	}
	return c
}

func (d *Backend) Does(k device.Kind) bool { return ops[k] != nil }
func (d *Backend) Do(op device.Op)         { ops[op.Kind()](d, op) }
func (d *Backend) Sync() error             { return nil }
func (d *Backend) Err() error              { return nil }

// Close frees everything that was allocated.
func (d *Backend) Close() error {
	d.memory.clear()
	if !d.closed {
		d.closed = true
		C.pra_pin(0, C.int(d.threads), C.int(d.threads), 0)
		runtime.UnlockOSThread()
	}
	return nil
}

// pointer is the address u of memory from C, which no collector moves.
func pointer(u uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&u)) }

// at is the address of b's first element, nil of an absent buffer.
func at(b device.Buffer) *C.float {
	if b.Absent() {
		return nil
	}
	return (*C.float)(unsafe.Add(pointer(b.Base), 4*b.Off))
}

func ints(b device.Ints) *C.int { return (*C.int)(pointer(b.Base)) }

// Host is b's memory as a slice, for the host's own reading and writing.
func Host(b device.Buffer) []float32 {
	if b.Absent() {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(at(b))), b.N)
}

func (d *Backend) Upload(dst device.Buffer, src []float32) {
	if dst.N != len(src) {
		panic(fmt.Sprintf("cpu: upload of %d values to a buffer of %d", len(src), dst.N))
	}
	copy(Host(dst), src)
}

func (d *Backend) Download(dst []float32, src device.Buffer) {
	if src.N != len(dst) {
		panic(fmt.Sprintf("cpu: download of a buffer of %d to %d values", src.N, len(dst)))
	}
	copy(dst, Host(src))
}

func (d *Backend) UploadInts(dst device.Ints, src []int32) {
	if dst.N < len(src) {
		panic("cpu: upload of more indices than the buffer holds")
	}
	copy(d.Indices(dst), src)
}

// Indices is b's memory as a slice.
func (d *Backend) Indices(b device.Ints) []int32 {
	return unsafe.Slice((*int32)(pointer(b.Base)), b.N)
}
