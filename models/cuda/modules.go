//go:build cuda

package cuda

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"

	"gorgonia.org/cu"

	"prabench/models/cuda/kernels"
)

// Errors of the driver that say that it does not take this PTX: no binary for
// the GPU, invalid PTX, a PTX version that it does not know. A family above the
// lowest compute capability is then left out, and with it what needs it.
var refusal = map[int]bool{209: true, 218: true, 222: true}

// load gives the driver every family of kernels that the device runs and says
// what it took; the kernel of chains only where that is wanted. noBF16 is why bf16 products are not there.
func (b *Backend) load(chain bool) (took string, noBF16 error, err error) {
	b.functions = map[*kernels.Kernel]cu.Function{}
	computes := map[int]bool{}
	if b.compute < 80 {
		noBF16 = fmt.Errorf("bf16 products need compute capability 8.0 or more; this device has %d.%d", b.compute/10, b.compute%10)
	}
	for _, file := range kernels.Files(b.compute) {
		if file == kernels.ChainFile && !chain {
			continue
		}
		needs := 0
		for _, k := range kernels.Kernels() {
			if k.File == file {
				needs = max(needs, k.Compute)
			}
		}
		m, err := b.module(file, needs)
		if code, ok := codeOf(unwrapped(err)); ok && refusal[code] && needs > lowestCompute {
			if file != kernels.ChainFile { // without it there are single launches
				noBF16 = err
			}
			continue
		}
		if err != nil {
			return "", nil, err
		}
		b.modules = append(b.modules, m)
		computes[needs] = true
		for _, k := range kernels.Kernels() {
			if k.File != file {
				continue
			}
			if err := b.on(func() (err error) { b.functions[k], err = m.Function(k.Name); return }); err != nil {
				return "", nil, b.failed(fmt.Sprintf("finding kernel %s in the PTX of %s", k.Name, file), err)
			}
		}
	}
	var names []string
	for _, c := range []int{70, 80} {
		if computes[c] {
			names = append(names, fmt.Sprintf("compute_%d", c))
		}
	}
	return "PTX for " + strings.Join(names, " and "), noBF16, nil
}

// lowestCompute is the compute capability that every family but those for bf16
// is made for.
const lowestCompute = 70

// refused is a module that the driver did not take.
type refused struct {
	text string
	code error
}

func (r *refused) Error() string { return r.text }
func (r *refused) Unwrap() error { return r.code }

func unwrapped(err error) error {
	if r, ok := err.(*refused); ok {
		return r.code
	}
	return err
}

// module loads one family of kernels; what the driver's compiler says of one
// that it refuses goes to the standard error output as well.
func (b *Backend) module(file string, compute int) (m cu.Module, err error) {
	info, errors := make([]byte, 8<<10), make([]byte, 8<<10)
	err = b.on(func() (err error) {
		m, err = cu.LoadDataEx(string(kernels.PTX(file)), &cu.JITInfoLogBuffer{Buffer: info}, &cu.JITErrorLogBuffer{Buffer: errors})
		return
	})
	// cu hands the driver their addresses as numbers, and the driver's compiler
	// writes to them for seconds.
	runtime.KeepAlive(info)
	runtime.KeepAlive(errors)
	if err == nil {
		return m, nil
	}
	log := strings.TrimSpace(string(bytes.TrimRight(errors, "\x00")))
	text := fmt.Sprintf("%s: the driver's compiler on %s.ptx for compute_%d: %v: %s", b.name, file, compute, driverError(err), log)
	fmt.Fprintln(os.Stderr, text)
	return m, &refused{text, err}
}
