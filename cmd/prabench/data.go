package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/provision"
	"prabench/harness/tools/terminal"
	"prabench/results/table"
)

func (a *app) dataCommand() *cobra.Command {
	data := &cobra.Command{Use: "data", Short: "List data sets and fetch them", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.dataList() }}
	data.AddCommand(&cobra.Command{
		Use: "list", Short: "List the data sets on this machine and how to get the others", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.dataList() },
	})
	var root string
	fetch := &cobra.Command{
		Use: "fetch NAME", Short: "Download a data set and verify it", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := a.stoppable(c.Context())
			defer stop()
			where, err := provision.Fetch(ctx, args[0], root, terminal.Bar(a.stderr, isTerminal(a.stderr)))
			if err != nil {
				return err
			}
			if where != "" {
				where = " in " + where
			}
			fmt.Fprintf(a.stdout, "%s is ready%s\n", args[0], where)
			return nil
		},
	}
	fetch.Flags().StringVar(&root, "root", "", "folder to put it in; the data folder of this machine otherwise")
	data.AddCommand(fetch, &cobra.Command{
		Use: "pack FILE OUT.pack", Short: "Write the images of an experiment file as raw pixels, for data.root", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.dataMade(c.Context(), args[0], args[1], provision.Pack)
		},
	})
	out := "data.png"
	show := &cobra.Command{
		Use: "show FILE", Short: "Describe the data of an experiment file, and draw some as a training reads them", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.dataMade(c.Context(), args[0], out, provision.Show)
		},
	}
	show.Flags().StringVar(&out, "out", out, "PNG `file` to write")
	data.AddCommand(show)
	return data
}

// dataMade makes a file of the images of the first cell of an experiment file.
func (a *app) dataMade(ctx context.Context, file, out string, do provision.Maker) error {
	ctx, stop := a.stoppable(ctx)
	defer stop()
	if err := engine.CheckOut("the file", out); err != nil {
		return err
	}
	ls, err := a.load([]string{file})
	if err != nil {
		return err
	}
	lines, err := do(ctx, ls[0].Exp, out, terminal.Bar(a.stderr, isTerminal(a.stderr)))
	for _, l := range lines {
		fmt.Fprintln(a.stdout, l)
	}
	return err
}

func (a *app) dataList() error {
	if a.json {
		return a.printJSON(provision.Sources())
	}
	t := table.Table{Columns: []string{"set", "here", "what", "where or how"}}
	for _, s := range provision.Sources() {
		here, how := "no", s.How
		if s.Available {
			here = "yes"
			if s.Where != "" {
				how = s.Where
			}
		}
		t.Rows = append(t.Rows, []any{s.Set, here, s.Description, how})
	}
	return table.WriteText(a.stdout, t)
}
