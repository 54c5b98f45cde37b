package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
)

func (a *app) planCommand() *cobra.Command {
	var keys bool
	room := experiments.Bytes(0)
	flops := terminal.MeasuredFLOPs
	c := &cobra.Command{
		Use:   "plan FILE…",
		Short: "Show what a run would do and what it costs, without starting anything",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && !keys {
				return errors.New("plan needs an experiment file")
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			if keys {
				return a.keys(files)
			}
			if room > 0 {
				return a.planDevice(files, terminal.Room{Memory: int64(room), FLOPs: flops})
			}
			return a.plan(c.Context(), files)
		},
	}
	c.Flags().BoolVar(&keys, "keys", false, "list all keys with their values in FILE, or their defaults without one")
	c.Flags().TextVar(&room, "device-memory", room, "say how the trainings fit into a device with that `memory`, such as 80GiB")
	c.Flags().Float64Var(&flops, "device-flops", flops, "FLOP/s that a training reaches there")
	return c
}

// planDevice says how the trainings fit into the memory of a device.
func (a *app) planDevice(files []string, on terminal.Room) error {
	ls, err := a.load(files)
	if err != nil {
		return err
	}
	return terminal.DeviceMemory(a.stdout, ls, on)
}

func (a *app) plan(ctx context.Context, files []string) error {
	// Nearly all that a plan allocates it keeps: room for garbage would double it.
	defer debug.SetGCPercent(debug.SetGCPercent(60))
	ls, p, notes, err := a.inspected(ctx, files)
	if err != nil {
		return err
	}
	if err := errors.Join(engine.Lacks(exps(ls)...), a.foresee(files, ls, p)); err != nil {
		return err
	}
	if a.json {
		return terminal.PlanJSON(a.stdout, ls, p)
	}
	if err := terminal.Plan(a.stdout, ls, p); err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(a.stdout, "note: "+n)
	}
	if err := engine.CheckMachine(workerCommand, exps(ls)...); err != nil {
		fmt.Fprintln(a.stdout, "note: not on this machine: "+err.Error())
	}
	for _, b := range p.Bounds() {
		fmt.Fprintln(a.stdout, "note: "+b)
	}
	if err := p.CheckHere(); err != nil {
		fmt.Fprintln(a.stdout, "note: not on this machine: "+err.Error())
	}
	return nil
}

// keys lists every key of experiment files.
func (a *app) keys(files []string) error {
	if len(files) == 0 && a.json {
		return a.printJSON(experiments.Keys())
	}
	if len(files) == 0 {
		return terminal.Keys(a.stdout)
	}
	ls, err := a.load(files)
	for _, l := range ls {
		switch {
		case err != nil:
			return err
		case a.json:
			err = a.printJSON(l.File.Keys())
		default:
			err = terminal.Effective(a.stdout, l.File)
		}
	}
	return err
}

func (a *app) printJSON(v any) error { return terminal.JSON(a.stdout, v) }
