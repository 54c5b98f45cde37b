package main

import (
	"prabench/results/table"

	"github.com/spf13/cobra"

	"prabench/harness/tools/provision"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Show what this machine has, what is missing and how to get it", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			found := provision.Diagnose(a.places(), workerCommand)
			t := table.Table{Columns: []string{"what", "state", "detail", "what to do"}}
			for _, f := range found {
				if f.Broken() {
					a.code = exitFailed
				}
				t.Rows = append(t.Rows, []any{f.What, f.State, f.Detail, f.Advice})
			}
			if a.json {
				return a.printJSON(found)
			}
			return table.WriteText(a.stdout, t)
		},
	}
}
