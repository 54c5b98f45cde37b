// Command check proves of the CUDA kernels what can be proven without a GPU:
// the committed PTX is what its sources compile to, NVIDIA's assemblers take it
// for every architecture without spilling a register, and NVIDIA's run-time
// compilers take the sources. It writes docs/design/cuda-kernels.md. `make cuda-check`
// runs it after fetching the compilers.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"prabench/models/cuda/kernels"
)

// architectures that a kernel must work on; each compiler is asked for those it knows.
var architectures = []int{70, 75, 80, 86, 89, 90, 100, 120}

const folder = "models/cuda/kernels"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns 0 when all that could be checked is as it should be, 1 when
// something is not, 2 for wrong arguments.
func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(errs)
	wheels := flags.String("wheels", ".prabench/cuda-wheels", "folder with unpacked wheels of ptxas and NVRTC")
	page := flags.String("page", "docs/design/cuda-kernels.md", "page to write, or with -compare to compare")
	compare := flags.Bool("compare", false, "the page must be as it would be written")
	if flags.Parse(args) != nil {
		return 2
	}
	c := &checks{out: out, resources: map[string]map[int]resources{}}
	c.fresh()
	c.assemblers(*wheels)
	c.machineCode(*wheels)
	c.runtimeCompilers(*wheels)
	if len(c.assembledBy) > 0 && c.machine != nil && c.faults == 0 {
		c.page(*page, *compare)
	}
	if c.faults > 0 {
		fmt.Fprintf(errs, "cuda-check: %d faults\n", c.faults)
		return 1
	}
	return 0
}

type checks struct {
	out         io.Writer
	mu          sync.Mutex
	faults      int
	resources   map[string]map[int]resources // by kernel and architecture, from the last assembler that knows it
	machine     map[string]map[string]int    // instructions of every kernel, see machineCode
	assembledBy []string
	compiledBy  []string
}

func (c *checks) say(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }

func (c *checks) fail(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults++
	c.say("FAULT: "+format, args...)
}

// fresh compares the committed PTX with a compilation.
func (c *checks) fresh() {
	if _, err := exec.LookPath("clang++-19"); err != nil {
		c.say("skipped: committed PTX against a fresh compilation (clang++-19 is not here; Debian: apt-get install clang-19)")
		return
	}
	dir, err := os.MkdirTemp("", "prabench-ptx-")
	if err != nil {
		c.fail("%v", err)
		return
	}
	defer os.RemoveAll(dir)
	if text, err := exec.Command("sh", ".ci/cuda-ptx", dir).CombinedOutput(); err != nil {
		c.fail("the kernels do not compile: %v\n%s", err, text)
		return
	}
	made, _ := os.ReadFile(filepath.Join(folder, "ptx", "clang-version"))
	here, _ := os.ReadFile(filepath.Join(dir, "clang-version"))
	if !bytes.Equal(made, here) {
		c.say("skipped: committed PTX against a fresh compilation (it was made by clang %s, here is %s, whose text may differ); the sources "+
			"compile", bytes.TrimSpace(made), bytes.TrimSpace(here))
		return
	}
	for _, f := range kernels.Files(999) {
		b, err := os.ReadFile(filepath.Join(dir, f+".ptx"))
		if err != nil {
			c.fail("%v", err)
		} else if !bytes.Equal(b, kernels.PTX(f)) {
			c.fail("%s.ptx is not what %s.cu compiles to: run make cuda-ptx", f, f)
		}
	}
	c.say("PTX of %d families: compared with a fresh compilation by clang %s", len(kernels.Files(999)), bytes.TrimSpace(here))
}

// each calls f for every family and architecture that the compiler knows and
// the family is for, two at a time.
func each(archs map[int]bool, f func(file string, arch int)) (pairs int) {
	slots := make(chan struct{}, 2)
	var all sync.WaitGroup
	for _, a := range architectures {
		if !archs[a] {
			continue
		}
		for _, file := range kernels.Files(a) {
			pairs++
			slots <- struct{}{}
			all.Go(func() {
				f(file, a)
				<-slots
			})
		}
	}
	all.Wait()
	return pairs
}

func find(wheels, pattern string) []string {
	var out []string
	_ = filepath.WalkDir(wheels, func(path string, d os.DirEntry, err error) error {
		if err == nil {
			if ok, _ := filepath.Match(pattern, d.Name()); ok && !d.IsDir() {
				out = append(out, path)
			}
		}
		return nil
	})
	slices.Sort(out)
	return out
}

func (c *checks) assemblers(wheels string) {
	found := find(wheels, "ptxas")
	if len(found) == 0 {
		c.say("skipped: assembling the PTX (no ptxas in %s)", wheels)
	}
	for _, path := range found {
		p, err := openPTXAS(path)
		if err != nil {
			c.fail("%v", err)
			continue
		}
		c.assembledBy = append(c.assembledBy, p.name)
		var count int
		pairs := each(p.archs, func(file string, arch int) {
			got, err := p.assemble(folder, file, arch)
			if err != nil {
				c.fail("%v", err)
				return
			}
			for _, k := range kernels.Kernels() {
				if k.File != file {
					continue
				}
				r, ok := got[k.Name]
				if why := fault(k, r, ok); why != "" {
					c.fail("%s, sm_%d: kernel %s %s", p.name, arch, k.Name, why)
				}
				c.mu.Lock()
				count++
				if c.resources[k.Name] == nil {
					c.resources[k.Name] = map[int]resources{}
				}
				if _, known := c.resources[k.Name][arch]; !known {
					c.resources[k.Name][arch] = r
				}
				c.mu.Unlock()
			}
		})
		c.say("%s: %d modules assembled for %v, %d kernels without spills, stack or resources over their bounds", p.name, pairs,
			known(p.archs), count)
	}
}

func known(archs map[int]bool) []int {
	var out []int
	for _, a := range architectures {
		if archs[a] {
			out = append(out, a)
		}
	}
	return out
}

func (c *checks) runtimeCompilers(wheels string) {
	found := find(wheels, "libnvrtc.so.*")
	if len(found) == 0 {
		c.say("skipped: compiling the sources with NVRTC (no libnvrtc in %s)", wheels)
	}
	for _, path := range found {
		n, err := openNVRTC(path)
		if err != nil {
			c.fail("%v", err)
			continue
		}
		c.compiledBy = append(c.compiledBy, n.name)
		pairs := each(n.archs, func(file string, arch int) {
			if err := n.compile(folder, file+".cu", arch); err != nil {
				c.fail("%s: %v", n.name, err)
			}
		})
		c.say("%s: %d sources compiled for %v", n.name, pairs, known(n.archs))
	}
}
