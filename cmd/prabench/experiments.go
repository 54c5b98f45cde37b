package main

import (
	"context"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
)

func (a *app) experimentsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "experiments [NAME…]",
		Short: "List the experiments in the database with their versions, sources and sizes",
		RunE:  func(c *cobra.Command, names []string) error { return a.listExperiments(c.Context(), names) },
	}
	var yes bool
	remove := &cobra.Command{
		Use:   "remove NAME[@VERSION]…",
		Short: "Remove experiments or versions from the lists, so that gc can remove their artifacts",
		Args:  cobra.MinimumNArgs(1),
		RunE:  func(c *cobra.Command, refs []string) error { return a.removeExperiments(c.Context(), refs, yes) },
	}
	remove.Flags().BoolVar(&yes, "yes", false, "do not ask")
	tag := &cobra.Command{
		Use:   "tag NAME@VERSION TAG",
		Short: "Name a version NAME@TAG; an empty TAG removes the name",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return engine.TagVersion(c.Context(), a.places(), args[0], args[1])
		}}
	c.AddCommand(remove, tag)
	return c
}

func (a *app) listExperiments(ctx context.Context, names []string) error {
	all, err := engine.KeptVersions(ctx, a.places(), names)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(all)
	}
	return terminal.Versions(a.stdout, all)
}

func (a *app) removeExperiments(ctx context.Context, refs []string, yes bool) error {
	chosen, err := engine.ChooseVersions(ctx, a.places(), refs)
	if err != nil {
		return err
	}
	if !a.json {
		if err := terminal.Versions(a.stdout, chosen); err != nil {
			return err
		}
	}
	if !yes && !terminal.Confirm(a.stdin, a.stderr, "remove these versions? (yes/no) ") {
		return usage("nothing was removed; %s does so without a question", a.again("--yes"))
	}
	if err := engine.RemoveVersions(ctx, a.places(), chosen); err != nil || a.json {
		return err
	}
	return terminal.Removed(a.stdout, len(chosen), a.about("gc", nil))
}
