package main

import (
	"github.com/spf13/cobra"

	"prabench/harness/work"
	"prabench/harness/worker"
)

func (a *app) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Do one job, given as JSON on the standard input", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.code = worker.Serve(a.stdin, a.stdout, a.stderr, work.Do)
			return nil
		},
	}
}
