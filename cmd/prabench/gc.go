package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
)

func (a *app) gcCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "gc",
		Short: "List artifacts that no experiment in the database needs; remove them with --yes",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return a.gc(c.Context(), yes) },
	}
	c.Flags().BoolVar(&yes, "yes", false, "remove what is listed")
	return c
}

func (a *app) gc(ctx context.Context, yes bool) error {
	if view := a.fromCluster(ctx); view != nil && view.Active() > 0 && yes {
		return usage("%d stages are with Slurm and may be at work in %s: wait until they have ended", view.Active(), a.artifacts)
	}
	found, err := engine.Collect(ctx, a.places(), "prabench gc", yes)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			Removed bool             `json:"removed"`
			Garbage []engine.Garbage `json:"garbage"`
		}{yes, found})
	}
	if len(found) == 0 {
		fmt.Fprintf(a.stdout, "nothing to remove: all that is in %s is needed; prabench experiments says by what\n", a.artifacts)
		return nil
	}
	size, err := terminal.Garbage(a.stdout, found)
	if err != nil {
		return err
	}
	if yes {
		fmt.Fprintf(a.stdout, "\nremoved: %d artifacts, %s\n", len(found), size)
		return nil
	}
	fmt.Fprintf(a.stdout, "\n%d artifacts, %s; nothing was removed: %s does\n", len(found), size, a.again("--yes"))
	return nil
}
