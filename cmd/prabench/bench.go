package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prabench/harness/tools/bench"
)

// benchFlags are the command's options.
type benchFlags struct {
	models           []string
	patches, batches []int
	seconds          float64
	format           string
	record           string
	bench.Options
}

func (a *app) benchCommand() *cobra.Command {
	var o benchFlags
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the core on this machine: training and sampling of named models",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return a.bench(c.Context(), o) },
	}
	f := c.Flags()
	f.StringSliceVar(&o.models, "model", []string{"micro"}, "some of "+strings.Join(bench.Names(), ", "))
	f.IntSliceVar(&o.patches, "patch", nil, "side of a patch in pixels (default 4)")
	f.IntSliceVar(&o.batches, "batch", []int{64}, "images per training step and sampling call")
	f.IntVar(&o.Threads, "threads", 0, "compute threads; 0 is all cores")
	f.StringVar(&o.Precision, "precision", "fp32", "of matrix products: fp32 or bf16")
	f.BoolVar(&o.Ops, "ops", false, "also time every operation of the core")
	f.Float64Var(&o.seconds, "seconds", 2, "time to spend on each measurement")
	f.StringVar(&o.format, "format", "text", "text, json (a line each where there are several) or go (for benchstat)")
	f.StringVar(&o.record, "record", "", "append the results to this file of JSON lines")
	return c
}

func (a *app) bench(ctx context.Context, o benchFlags) error {
	if a.json {
		o.format = "json"
	}
	switch {
	case o.seconds <= 0:
		return usage("--seconds must be positive")
	case o.Threads < 0:
		return usage("--threads %d: a number of threads, or 0 for all cores", o.Threads)
	case o.format != "text" && o.format != "json" && o.format != "go":
		return usage("--format %s: choose one of text, json, go", o.format)
	}
	o.Device, o.Spend = a.device, time.Duration(o.seconds*float64(time.Second))
	cases, err := bench.Cases(o.models, o.patches, o.batches)
	if err != nil {
		return err
	}
	ctx, stop := a.stoppable(ctx)
	defer stop()
	past, err := bench.Committed()
	if err != nil {
		return err
	}
	for i, k := range cases {
		r, err := bench.Measure(ctx, k, o.Options)
		if err != nil {
			return err
		}
		r.Before = past.Last(r)
		if i > 0 && o.format == "text" {
			fmt.Fprintln(a.stdout)
		}
		if err := a.benchResult(r, o.format, len(cases) == 1); err != nil {
			return err
		}
		if o.record == "" {
			continue
		}
		if err := bench.Append(o.record, r); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) benchResult(r *bench.Result, format string, only bool) error {
	switch {
	case format == "go":
		return r.PrintGo(a.stdout)
	case format == "json" && only:
		return a.printJSON(r)
	case format == "json":
		return json.NewEncoder(a.stdout).Encode(r)
	}
	return r.Print(a.stdout)
}
