package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"prabench/experiments"
	"prabench/models"
	"prabench/models/cuda/kernels"
	"prabench/models/cuda/kernels/roofline"
	"prabench/models/pra"
)

// largestShared is what launches of PRA-L ask for, by kernel.
func largestShared() (map[string]uint32, error) {
	e, err := experiments.Load("experiments/presets/pra-l.toml", experiments.Options{})
	if err != nil {
		return nil, err
	}
	s := e.Cells[0].Settings
	p := s.Params.For(models.Shape{Size: s.Data.Size, Channels: s.Data.Channels, Classes: 1000}).(pra.Params)
	p.Train.Batch, p.Train.MicroBatch = 16, 0
	return roofline.LargestShared(p.Model, p.Train, p.Sample)
}

// page writes the table of registers and shared memory, or compares it.
func (c *checks) page(path string, compare bool) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# CUDA kernels: registers and shared memory

Written by `+"`make cuda-check`"+`, which fails when a number changes. Registers a thread
as %s assign them (the first that knows the architecture), all without
spills and without a stack. Blocks: how many a multiprocessor can hold at least,
which is given to the compilers. Shared memory is the launch's; there is no static
one. The column gives the most that a launch of PRA-L asks for, sampling 64 or 256
images or training on 16, in fp32 and in bf16; every launch stays under 48 KiB,
which each device gives without asking, and is refused before it starts if not.

| kernel | module | threads | blocks | shared, bytes |`, strings.Join(c.assembledBy, " and "))
	for _, a := range architectures {
		fmt.Fprintf(&b, " sm_%d |", a)
	}
	fmt.Fprint(&b, "\n|---|---|--:|--:|--:|"+strings.Repeat("--:|", len(architectures))+"\n")
	shared, err := largestShared()
	if err != nil {
		c.fail("the shared memory of launches: %v", err)
		return
	}
	for _, k := range kernels.Kernels() {
		bytes := "–"
		if s, ok := shared[k.Name]; ok {
			bytes = fmt.Sprint(s)
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %s |", k.Name, k.File, k.MaxBlock, k.Blocks, bytes)
		for _, a := range architectures {
			if r, ok := c.resources[k.Name][a]; ok {
				fmt.Fprintf(&b, " %d |", r.registers)
			} else {
				fmt.Fprint(&b, " – |")
			}
		}
		fmt.Fprintln(&b)
	}
	c.machineTable(&b)
	if !compare {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			c.fail("%v", err)
		}
		c.say("%s written", path)
		return
	}
	old, err := os.ReadFile(path)
	if err != nil {
		c.fail("%v", err)
	} else if !bytes.Equal(old, b.Bytes()) {
		c.fail("%s is not what this check would write: run make cuda-check", path)
	} else {
		c.say("%s is up to date", path)
	}
}
