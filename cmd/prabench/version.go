package main

import (
	"github.com/spf13/cobra"

	"prabench/harness/tools/provision"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version, revision and platform", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := provision.ThisProgram()
			if a.json {
				return a.printJSON(v)
			}
			return v.Print(a.stdout)
		},
	}
}
