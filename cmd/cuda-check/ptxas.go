package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"prabench/models/cuda/kernels"
)

// ptxas is an assembler and what it assembles for.
type ptxas struct {
	name, path string
	archs      map[int]bool
}

var (
	release = regexp.MustCompile(`release (\d+\.\d+)`)
	target  = regexp.MustCompile(`'sm_(\d+)'`)
)

func openPTXAS(path string) (*ptxas, error) {
	version, err := exec.Command(path, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --version: %w", path, err)
	}
	help, err := exec.Command(path, "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --help: %w", path, err)
	}
	p := &ptxas{path: path, archs: map[int]bool{}}
	if m := release.FindSubmatch(version); m != nil {
		p.name = "ptxas " + string(m[1])
	}
	for _, m := range target.FindAllSubmatch(help, -1) {
		n, _ := strconv.Atoi(string(m[1]))
		p.archs[n] = true
	}
	if p.name == "" || len(p.archs) == 0 {
		return nil, fmt.Errorf("%s: its version and its architectures could not be read", path)
	}
	return p, nil
}

// resources is what one kernel takes on one architecture.
type resources struct{ registers, stack, spills, shared int }

var (
	compiling = regexp.MustCompile(`Compiling entry function '(\w+)'`)
	frame     = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	used      = regexp.MustCompile(`Used (\d+) registers`)
	static    = regexp.MustCompile(`(\d+) bytes smem`)
)

// assemble assembles a family's committed PTX and reports each kernel's resources.
func (p *ptxas) assemble(folder, file string, arch int) (map[string]resources, error) {
	cmd := exec.Command(p.path, "-v", "--gpu-name", fmt.Sprintf("sm_%d", arch), "-o", "/dev/null", filepath.Join(folder, "ptx", file+".ptx"))
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %s for sm_%d: %w: %s", p.name, file, arch, err, strings.TrimSpace(text.String()))
	}
	out := map[string]resources{}
	var name string
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	for line := range strings.Lines(text.String()) {
		if m := compiling.FindStringSubmatch(line); m != nil {
			name = m[1]
		}
		r := out[name]
		if m := frame.FindStringSubmatch(line); m != nil {
			r.stack, r.spills = number(m[1]), number(m[2])+number(m[3])
			out[name] = r
		}
		if m := used.FindStringSubmatch(line); m != nil {
			r.registers = number(m[1])
			if s := static.FindStringSubmatch(line); s != nil {
				r.shared = number(s[1])
			}
			out[name] = r
		}
	}
	return out, nil
}

// registersHeld is a multiprocessor's file of registers, on every architecture
// from 7.0.
const registersHeld = 65536

// fault says why a kernel's resources break what its launch bounds promise; ""
// where they do not.
func fault(k *kernels.Kernel, r resources, found bool) string {
	warps := (k.MaxBlock + 31) / 32
	held := (r.registers + 7) / 8 * 8 * 32 * warps * k.Blocks // granted by eights a thread
	switch {
	case !found || r.registers == 0:
		return "was not assembled"
	case r.spills > 0:
		return fmt.Sprintf("spills %d bytes of registers", r.spills)
	case r.stack > 0:
		return fmt.Sprintf("has a stack of %d bytes", r.stack)
	case r.shared != k.Shared:
		return fmt.Sprintf("has %d bytes of static shared memory, the table says %d", r.shared, k.Shared)
	case held > registersHeld:
		return fmt.Sprintf("takes %d registers a thread: %d blocks of %d threads, as its bounds promise, do not fit a multiprocessor",
			r.registers, k.Blocks, k.MaxBlock)
	}
	return ""
}
