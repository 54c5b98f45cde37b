package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prabench/models"
)

// benchCase is one model at one batch size.
type benchCase struct {
	name  string
	cfg   models.Config
	batch int
}

// benchFlags are the command's options.
type benchFlags struct {
	models           []string
	patches, batches []int
	threads          int
	precision        string
	seconds          float64
	ops              bool
	format           string
	record           string
}

func (a *app) benchCommand() *cobra.Command {
	var o benchFlags
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the core on this machine: training and sampling of named models",
		Long: `Measure the core on this machine: training and sampling of named models.

The arithmetic peak (a loop of fused multiply-adds) and the copy bandwidth are
measured in the same run, and speeds are given as shares of that peak: compare
shares, not images/s, between machines and days. Lists of --model, --patch and
--batch are crossed. --format go prints the Go benchmark format, which benchstat
reads; run it several times into one file. --ops has all threads share every
operation, also in sampling, where they otherwise make images side by side.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.json {
				o.format = "json"
			}
			cases, err := o.cases()
			if err != nil {
				return err
			}
			ctx, stop := a.stoppable(c.Context())
			defer stop()
			past, err := benchHistory()
			if err != nil {
				return err
			}
			for i, k := range cases {
				b, err := a.bench(ctx, k, o)
				if err != nil {
					return err
				}
				b.Before = past.last(b)
				switch o.format {
				case "json":
					if len(cases) == 1 {
						err = a.printJSON(b)
					} else {
						err = json.NewEncoder(a.stdout).Encode(b)
					}
				case "go":
					err = b.printGo(a.stdout)
				default:
					if i > 0 {
						fmt.Fprintln(a.stdout)
					}
					err = b.print(a.stdout)
				}
				if err != nil {
					return err
				}
				if o.record != "" {
					if err := appendRecord(o.record, b); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.models, "model", []string{"micro"}, "some of "+strings.Join(benchNames(), ", "))
	f.IntSliceVar(&o.patches, "patch", nil, "side of a patch in pixels (default 4)")
	f.IntSliceVar(&o.batches, "batch", []int{64}, "images a training step and a sampling call")
	f.IntVar(&o.threads, "threads", 0, "compute threads; 0 is all cores")
	f.StringVar(&o.precision, "precision", "fp32", "of matrix products: fp32 or bf16")
	f.BoolVar(&o.ops, "ops", false, "also time every operation of the core")
	f.Float64Var(&o.seconds, "seconds", 2, "time to spend on each measurement")
	f.StringVar(&o.format, "format", "text", "text, json (a line each where there are several) or go (for benchstat)")
	f.StringVar(&o.record, "record", "", "append the results to this file of JSON lines")
	return c
}

// cases crosses the lists.
func (o *benchFlags) cases() ([]benchCase, error) {
	if o.seconds <= 0 {
		return nil, usage("--seconds must be positive")
	}
	if o.threads < 0 {
		return nil, usage("--threads %d: a number of threads, or 0 for all cores", o.threads)
	}
	if o.threads == 0 {
		o.threads = runtime.NumCPU()
	}
	if o.format != "text" && o.format != "json" && o.format != "go" {
		return nil, usage("--format %s: choose one of text, json, go", o.format)
	}
	patches := o.patches
	if len(patches) == 0 {
		patches = []int{4}
	}
	var out []benchCase
	for _, name := range o.models {
		cfg, ok := benchSizes[name]
		if !ok {
			return nil, usage("--model %s: choose some of %s", name, strings.Join(benchNames(), ", "))
		}
		for _, cfg.Patch = range patches {
			if err := cfg.Validate(); err != nil {
				return nil, &usageError{err}
			}
			for _, batch := range o.batches {
				if batch < 1 {
					return nil, usage("--batch %d: must be positive", batch)
				}
				out = append(out, benchCase{name, cfg, batch})
			}
		}
	}
	return out, nil
}

// spend is the time for each measurement.
func (o *benchFlags) spend() time.Duration { return time.Duration(o.seconds * float64(time.Second)) }
