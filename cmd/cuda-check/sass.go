package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"prabench/models/cuda/kernels"
)

// machineArch is the architecture whose machine code is counted: that of the H100.
const machineArch = 90

// counted are the instructions that tell how a kernel computes: tensor cores, matrices and
// copies into shared memory that take no registers, loads and stores, and the memory of a
// thread, which nothing here may use.
var counted = []string{"HMMA", "LDSM", "LDGSTS", "LDG", "LDS", "STS", "STG", "ATOMG", "MEMBAR", "BAR", "LDL", "STL"}

// needed are those that kernels of a family are written for.
var needed = map[string][]string{
	"gemm_bf16": {"HMMA"}, "attention_bf16": {"HMMA", "LDSM"}, "skinny_bf16": {"HMMA", "LDSM", "LDGSTS"},
	kernels.ChainFile: {"HMMA", "LDSM", "LDGSTS"},
}

var (
	section     = regexp.MustCompile(`^\s*\.section\s+\.text\.(\w+)`)
	instruction = regexp.MustCompile(`^\s*/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9]*)`)
)

// machineCode counts the instructions of every kernel for tensor cores.
func (c *checks) machineCode(wheels string) {
	assemblers, tools := find(wheels, "ptxas"), find(wheels, "nvdisasm")
	if len(assemblers) == 0 || len(tools) == 0 {
		c.say("skipped: counting machine code (no ptxas or no nvdisasm in %s)", wheels)
		return
	}
	dir, err := os.MkdirTemp("", "prabench-sass-")
	if err != nil {
		c.fail("%v", err)
		return
	}
	defer os.RemoveAll(dir)
	c.machine = map[string]map[string]int{}
	last := assemblers[len(assemblers)-1]
	for _, f := range kernels.Files(machineArch) {
		cubin := filepath.Join(dir, f+".cubin")
		said, err := exec.Command(last, "--gpu-name", fmt.Sprintf("sm_%d", machineArch), "-o", cubin, filepath.Join(folder, "ptx", f+".ptx")).
			CombinedOutput()
		if err != nil {
			c.fail("%s for sm_%d: %v: %s", f, machineArch, err, said)
			return
		}
		text, err := exec.Command(tools[0], cubin).Output()
		if err != nil {
			c.fail("%s: %s: %v", tools[0], f, err)
			return
		}
		for name, n := range instructions(text) {
			c.machine[name] = n
		}
	}
	for _, k := range kernels.Kernels() {
		n := c.machine[k.Name]
		if n == nil {
			c.fail("kernel %s has no machine code", k.Name)
		}
		if n["LDL"]+n["STL"] > 0 {
			c.fail("kernel %s has %d loads and %d stores of a thread's own memory", k.Name, n["LDL"], n["STL"])
		}
		for _, word := range needed[k.File] {
			if n[word] == 0 && k.Name != "moments_64" {
				c.fail("kernel %s has no %s", k.Name, word)
			}
		}
	}
	c.say("nvdisasm: machine code of %d kernels for sm_%d, none uses a thread's own memory", len(c.machine), machineArch)
}

// instructions are those of every kernel in what nvdisasm writes, by their first word.
func instructions(text []byte) map[string]map[string]int {
	out := map[string]map[string]int{}
	var now map[string]int
	for line := range bytes.Lines(text) {
		if m := section.FindSubmatch(line); m != nil {
			now = map[string]int{}
			out[string(m[1])] = now
		} else if m := instruction.FindSubmatch(line); m != nil && now != nil {
			now[string(m[1])]++
		}
	}
	return out
}

// machineTable has a line for each kernel of tensor cores.
func (c *checks) machineTable(w io.Writer) {
	fmt.Fprintf(w, `
## Machine code for sm_%d

Instructions of the kernels that use tensor cores, as the newest ptxas above makes them and nvdisasm
shows them; not how often they are done. HMMA are products on tensor cores, LDSM loads of matrices from
shared memory, LDGSTS copies into it beside the thread; LDL and STL, a thread's own memory, are
nowhere, in other kernels neither.

| kernel | %s |
|---|%s
`, machineArch, strings.Join(counted, " | "), strings.Repeat("--:|", len(counted)))
	for _, k := range kernels.Kernels() {
		if needed[k.File] == nil {
			continue
		}
		fmt.Fprintf(w, "| %s |", k.Name)
		for _, word := range counted {
			fmt.Fprintf(w, " %d |", c.machine[k.Name][word])
		}
		fmt.Fprintln(w)
	}
}
