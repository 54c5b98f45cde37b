package main

import (
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"prabench/harness/engine"
	"prabench/harness/tools/check/session"
	"prabench/harness/tools/slurm"
)

// workerCommand and armCommand are what the program is where another one of it
// started it: it is asked on the standard input.
func (a *app) workerCommand() *cobra.Command {
	return a.served("worker", "Do one job, given as JSON on the standard input", engine.ServeWorker)
}

func (a *app) armCommand() *cobra.Command {
	return a.served("arm", "Measure what is asked for on the standard input", session.ServeArm)
}

func (a *app) served(name, short string, serve func(in io.Reader, out, errs io.Writer) int) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.code = serve(a.stdin, a.stdout, a.stderr)
			return nil
		},
	}
}

// manCommand is for packagers: a page of the manual for each command.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual, a page for each command, into a folder", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, dir []string) error {
			if err := os.MkdirAll(dir[0], 0o755); err != nil {
				return err
			}
			c.Root().DisableAutoGenTag = true
			return doc.GenManTree(c.Root(), &doc.GenManHeader{Title: "PRABENCH", Section: "1", Source: "prabench", Manual: "prabench"}, dir[0])
		},
	}
}

func (a *app) taskCommand() *cobra.Command {
	n := slurm.NodeTask{Command: workerCommand, Slurm: slurmTool, Getenv: os.Getenv}
	n.Exit = func(code int) { a.code = code }
	c := &cobra.Command{
		Use: "task", Short: "Do one task of a submission, on a node of a cluster", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("index") {
				index, err := strconv.Atoi(os.Getenv("SLURM_ARRAY_TASK_ID"))
				if err != nil {
					return usage("task: --index, or Slurm's SLURM_ARRAY_TASK_ID, says which one")
				}
				n.Index = index
			}
			n.Out = a.stdout
			done, err := n.Do(c.Context())
			if err == nil && !done && a.code == exitOK {
				a.code = exitFailed
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&n.Plan, "plan", "", "the frozen plan")
	f.StringVar(&n.Hash, "hash", "", "its SHA-256")
	f.StringVar(&n.Array, "array", "", "name of the array")
	f.IntVar(&n.RequeueStatus, "requeue-status", 0, "exit code that asks the script to put the task back into the queue")
	f.IntVar(&n.Index, "index", 0, "number of the task; SLURM_ARRAY_TASK_ID otherwise")
	return c
}
