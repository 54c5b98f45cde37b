//go:build cuda

package cuda

/*
#cgo CFLAGS: -O2
#cgo LDFLAGS: -ldl
#include "queue.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// Options are how a backend computes.
type Options struct {
	Precision string // of matrix products: "fp32", or "bf16" with fp32 sums; "" is fp32
	NoBLAS    bool   // own kernels for all matrix products, although cuBLAS is there
	NoGraphs  bool   // never record graphs
	EachSync  bool   // wait after every operation, so that an error names the one that made it
	NoFusion  bool   // no layers of few rows in one launch: a product, then a pass for what follows
	Chain     bool   // consecutive small launches of sampling in bf16 as one cooperative launch
	NoChain   bool   // not so, whatever else says
}

// Environment variables that change every backend of a process, for finding
// faults: each takes 1.
const (
	NoBLASVariable   = "PRABENCH_CUDA_NO_BLAS"
	NoGraphsVariable = "PRABENCH_CUDA_NO_GRAPHS"
	EachSyncVariable = "PRABENCH_CUDA_SYNC"
	NoFusionVariable = "PRABENCH_CUDA_NO_FUSION"
	ChainVariable    = "PRABENCH_CUDA_CHAIN"
	NoChainVariable  = "PRABENCH_CUDA_NO_CHAIN"
)

// Backend is one CUDA device. It serves one goroutine at a time, whichever:
// every crossing into the driver makes the device's context current first.
type Backend struct {
	device.Scratch
	name      string
	uuid      string
	details   string
	sums      string // how those of several processes are added up, in words
	dev       cu.Device
	ctx       cu.CUContext
	target    C.pra_target
	stream    cu.Stream
	modules   []cu.Module
	functions map[*kernels.Kernel]cu.Function
	precision kernels.Precision
	graphs    bool
	compute   int
	fuses     bool // layers of few rows in one launch, on weights that are kept

	ops   *kernels.Ops
	queue queue
	pool  pool
	stage staging

	halves halves
	peers  *peers // nil outside a training of several processes

	counts graphCounts

	err       error
	closed    bool
	abandoned bool // a call into NCCL has not come back: the driver is not touched any more
}

var _ device.Backend = (*Backend)(nil)

// Refuse is why a precision is not computed, nil where it is.
func Refuse(precision string) error {
	if precision != "" && precision != "fp32" && precision != "bf16" {
		return fmt.Errorf("CUDA devices compute in fp32 or bf16, not in %q", precision)
	}
	return nil
}

// Ordinal is the number in a device's name: "cuda:1" is 1, "cuda" is 0.
func Ordinal(name string) (int, error) {
	kind, n, numbered := strings.Cut(name, ":")
	at, err := strconv.Atoi(n)
	if !numbered {
		at, err = 0, nil
	}
	if kind != "cuda" || err != nil || at < 0 {
		return 0, fmt.Errorf("%q is %w; CUDA devices are called cuda:0, cuda:1, …", name, device.ErrNoDevice)
	}
	return at, nil
}

// New opens a device. The calling goroutine stays on its OS thread until Close,
// so that the driver is used from one thread where the caller has one goroutine.
func New(ordinal int, o Options) (b *Backend, err error) {
	if err := Refuse(o.Precision); err != nil {
		return nil, fmt.Errorf("cuda:%d: %w", ordinal, err)
	}
	on := func(variable string) bool { return os.Getenv(variable) == "1" }
	o.NoBLAS, o.NoGraphs = o.NoBLAS || on(NoBLASVariable), o.NoGraphs || on(NoGraphsVariable)
	o.EachSync, o.NoFusion = o.EachSync || on(EachSyncVariable), o.NoFusion || on(NoFusionVariable)
	chain := (o.Chain || chainsByDefault || on(ChainVariable)) && !o.NoChain && !on(NoChainVariable) && !o.EachSync && !o.NoFusion &&
		o.Precision == "bf16"
	b = &Backend{name: fmt.Sprintf("cuda:%d", ordinal), graphs: !o.NoGraphs}
	b.queue.eachSync = o.EachSync
	b.pool.held = map[uintptr]holding{}
	runtime.LockOSThread()
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
			b = nil
		}
	}()
	if why := lost.Load(); why != nil {
		return b, fmt.Errorf("%s: this process has lost its devices by an earlier error, %s: "+
			"CUDA answers nothing but that until another process is begun", b.name, *why)
	}
	count, err := cu.NumDevices()
	if err != nil {
		return b, b.failed("counting devices", err)
	}
	if ordinal >= count {
		return b, fmt.Errorf("cuda:%d: this process sees %d CUDA devices (CUDA_VISIBLE_DEVICES=%s)", ordinal, count,
			os.Getenv("CUDA_VISIBLE_DEVICES"))
	}
	if b.dev, err = cu.GetDevice(ordinal); err != nil {
		return b, b.failed("opening the device", err)
	}
	ctx, err := b.dev.RetainPrimaryCtx()
	if err != nil {
		return b, b.failed("making a context", err)
	}
	b.ctx = ctx
	b.target.context = *(*C.CUcontext)(unsafe.Pointer(&b.ctx))
	if err := b.on(func() (err error) { b.stream, err = cu.MakeStream(cu.NonBlocking); return }); err != nil {
		return b, b.failed("making a stream", err)
	}
	b.target.stream = *(*C.CUstream)(unsafe.Pointer(&b.stream))
	device, err := b.describe()
	if err != nil {
		return b, err
	}
	loaded, noBF16, err := b.load(chain)
	if err != nil {
		return b, err
	}
	if o.Precision == "bf16" {
		b.fuses = !o.NoFusion
		if b.precision = kernels.BF16; noBF16 != nil {
			return b, fmt.Errorf("%s: %w; use fp32", b.name, noBF16)
		}
	}
	blas := "own matrix products"
	if !o.NoBLAS {
		blas = b.openBLAS()
	}
	b.details = fmt.Sprintf("%s, driver %s, %s, %s", device, driverText(cu.Version()), loaded, blas)
	if b.precision == kernels.BF16 {
		b.details += ", bf16 products and caches"
	}
	b.ops = kernels.New(&b.queue, b.precision)
	b.queue.b = b
	if err := b.stage.open(b); err != nil {
		return b, err
	}
	if chain {
		if why := b.openChains(); why != nil {
			b.noChains(why)
		}
	}
	return b, nil
}

// describe reads what the device is.
func (b *Backend) describe() (string, error) {
	name, err := b.dev.Name()
	if err != nil {
		return "", b.failed("asking for the device's name", err)
	}
	major, err := b.dev.Attribute(cu.ComputeCapabilityMajor)
	if err != nil {
		return "", b.failed("asking for the compute capability", err)
	}
	minor, err := b.dev.Attribute(cu.ComputeCapabilityMinor)
	if err != nil {
		return "", b.failed("asking for the compute capability", err)
	}
	uuid, err := b.dev.UUID()
	if err != nil {
		return "", b.failed("asking for the UUID", err)
	}
	b.uuid = uuidText(uuid)
	b.compute = 10*major + minor
	if b.compute < 70 {
		return "", fmt.Errorf("%s: %s has compute capability %d.%d; 7.0 is the lowest that is served", b.name, name, major, minor)
	}
	return strings.TrimRight(name, "\x00"), nil
}

func driverText(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

func (b *Backend) Name() string    { return b.name }
func (b *Backend) Threads() int    { return 0 }
func (b *Backend) Details() string { return b.details + b.sums }
func (b *Backend) Err() error      { return b.err }

// Caps says that operations can be recorded, timed by the device's own clock, and
// the device asked for its health.
func (b *Backend) Caps() device.Caps {
	caps := device.Caps{AheadRows: kernels.AheadRows, HalfCache: b.precision != kernels.FP32, Recorder: b, Timer: b, Monitor: b, Reducer: b}
	if b.fuses {
		caps.NormRows, caps.Keeper = kernels.NormRows, b
	}
	return caps
}

// Peak is the largest number of bytes held at once, the kernels' scratch memory
// and cuBLAS's workspace counted as activations.
func (b *Backend) Peak(c device.Class) int64 { return b.pool.peak[c] }

// Sync waits until everything that was asked for is done.
func (b *Backend) Sync() error {
	b.queue.flush()
	if b.err == nil {
		if err := b.on(b.stream.Synchronize); err != nil {
			b.fail(b.failed("waiting for "+b.queue.recent(), err))
		}
	}
	return b.err
}

// on calls f with the device's context current.
func (b *Backend) on(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cu.SetCurrentContext(b.ctx); err != nil {
		return err
	}
	return f()
}

// fail keeps the first error.
func (b *Backend) fail(err error) {
	if b.err == nil && err != nil {
		b.err = err
	}
}

// failed puts an error of the driver into words.
func (b *Backend) failed(doing string, err error) error {
	return fmt.Errorf("%s: %s: %w", b.name, doing, driverError(err))
}

// status is failed for a code from C, nil for 0.
func (b *Backend) status(doing string, code C.int) error {
	switch {
	case code == 0:
		return nil
	case code >= C.PRA_BLAS_ERROR:
		return fmt.Errorf("%s: %s: cuBLAS status %d", b.name, doing, code-C.PRA_BLAS_ERROR)
	}
	return fmt.Errorf("%s: %s: %w", b.name, doing, codeError(int(code)))
}

// driverError adds the number and the driver's own words to an error of cu.
func driverError(err error) error {
	if v, ok := codeOf(err); ok {
		return codeError(v)
	}
	return err
}

// lost is the error after which CUDA does nothing more in this process, nil
// before one: the context stays broken for as long as anybody holds it, and
// libraries do.
var lost atomic.Pointer[string]

// losing are those errors: by the driver's documentation a process that has met
// one must be ended and begun again.
func losing(code int) bool {
	switch code {
	case C.CUDA_ERROR_ECC_UNCORRECTABLE, C.CUDA_ERROR_ILLEGAL_ADDRESS, C.CUDA_ERROR_LAUNCH_TIMEOUT, C.CUDA_ERROR_ASSERT,
		C.CUDA_ERROR_HARDWARE_STACK_ERROR, C.CUDA_ERROR_ILLEGAL_INSTRUCTION, C.CUDA_ERROR_MISALIGNED_ADDRESS,
		C.CUDA_ERROR_INVALID_ADDRESS_SPACE, C.CUDA_ERROR_INVALID_PC, C.CUDA_ERROR_LAUNCH_FAILED:
		return true
	}
	return false
}

func codeError(code int) error {
	text := fmt.Sprintf("%s (%s, %d)", C.GoString(C.pra_error_text(C.int(code))), C.GoString(C.pra_error_name(C.int(code))), code)
	if losing(code) {
		lost.CompareAndSwap(nil, &text)
	}
	if code == int(C.CUDA_ERROR_OUT_OF_MEMORY) {
		return fmt.Errorf("%s: %w", text, device.ErrOutOfMemory)
	}
	return errors.New(text)
}

// Close frees everything that was allocated and gives the device back.
func (b *Backend) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	defer runtime.UnlockOSThread()
	if b.ctx == (cu.CUContext{}) || b.abandoned {
		return nil
	}
	if b.peers != nil {
		b.peers.Close()
	}
	var first error
	keep := func(doing string, err error) {
		if err != nil && first == nil && b.err == nil { // after an error the driver refuses all
			first = b.failed(doing, err)
		}
	}
	if b.target.stream != nil && b.ops != nil {
		b.queue.flush()
	}
	keep("closing", b.on(func() error {
		if b.target.stream != nil {
			keep("the last wait", b.stream.Synchronize())
		}
		b.queue.drop()
		b.stage.close(keep)
		b.pool.clear(keep)
		C.pra_blas_close(&b.target)
		for _, m := range b.modules {
			keep("unloading a module", m.Unload())
		}
		if b.target.stream != nil {
			keep("ending the stream", b.stream.Destroy())
		}
		return nil
	}))
	keep("giving the device back", b.dev.ReleasePrimaryCtx())
	return first
}
