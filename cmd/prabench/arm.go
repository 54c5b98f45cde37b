package main

import (
	"github.com/spf13/cobra"

	"prabench/harness/tools/check/arm"
)

func (a *app) armCommand() *cobra.Command {
	return &cobra.Command{
		Use: "arm", Short: "Measure what is asked for on the standard input", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.code = arm.Serve(a.stdin, a.stdout, a.stderr)
			return nil
		},
	}
}
