// Command prabench runs ablation experiments on Parallel Rollout Approximation,
// an autoregressive image model in pixel space: it trains, samples, scores and
// times what an experiment file asks for, keeps the results in SQLite and draws
// the figures.
//
//	prabench run experiments/quick.toml
//
// Every subcommand is a file of its own here; `prabench help` lists them.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/draw"
	"prabench/harness/tools/sampler"
	"prabench/harness/tools/terminal"
)

// Exit codes; check adds 3, inconclusive.
const (
	exitOK      = 0
	exitFailed  = 1 // cells failed, or the run was stopped before its end
	exitUsage   = 2 // the command line, an experiment file, or missing data
	exitHarness = 4 // the disk, the database, the program itself
)

func main() {
	engine.Restart()
	signal.Ignore(syscall.SIGXFSZ) // the write itself says it
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{args: args, stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	switch {
	case err == nil:
		return a.code
	case a.stop.Ended(err):
		return exitFailed
	}
	switch what, _, _ := strings.Cut(err.Error(), "\n"); { // without cobra's list of like words
	case strings.HasPrefix(what, "unknown command"):
		err = usage("%s; `prabench help` lists the commands%s", what, terminal.NearCommand(root, what))
	case strings.Contains(what, " flags in the group ["): // cobra's own words, of no type
		err = usage("%s; see --help of the command", terminal.FlagGroup(what))
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(stderr, "prabench: "+line)
	}
	return exitCode(err)
}

// exitCode gives an error its code.
func exitCode(err error) int {
	if usage := (*usageError)(nil); engine.IsMistake(err) || errors.As(err, &usage) && !engine.IsFailure(err) {
		return exitUsage
	}
	return exitHarness
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// app is one invocation: its streams, common flags and exit code.
type app struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	code           int // when there is no error
	stop           *terminal.Stop

	db, artifacts, figures string
	dbs                    []string // of commands that read several, see queryFlags
	set                    []string
	only, device           string
	json                   bool
}

// deviceCommands are those that only a program with other devices has.
var deviceCommands []func(*app) *cobra.Command

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "prabench",
		Short:         "Ablations of Parallel Rollout Approximation: train, sample, score, time, draw",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	f := root.PersistentFlags()
	f.StringVar(&a.db, "db", "results.db", "database of results")
	f.StringVar(&a.artifacts, "artifacts", ".prabench", "folder of models, samples and logs")
	f.StringVar(&a.figures, "figures", "figures", "folder of figures, one folder per experiment")
	f.StringArrayVar(&a.set, "set", nil, "set a key of the experiment, `key=value`; a list makes it an axis")
	f.StringVar(&a.only, "only", "", "only the cells with these values, `key=value,...`, labels or ids")
	f.StringVar(&a.device, "device", "", "where models run, cpu or cuda:0; same as --set measure.device=…")
	f.BoolVar(&a.json, "json", false, "print JSON")
	root.PersistentPreRunE = a.checkOutputs
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%s; see `%s --help`", terminal.FlagValue(err.Error()), c.CommandPath())
	})
	root.AddCommand(a.runCommand(), a.planCommand(), a.statusCommand(), a.serveCommand(), a.resultsCommand(), a.plotCommand(),
		a.compareCommand(), a.noiseCommand(), a.importanceCommand(), a.paperCommand(), a.sampleCommand(), a.scoreCommand(), a.dataCommand(),
		a.doctorCommand(), a.versionCommand(),
		a.exportCommand(), a.ingestCommand(), a.reportCommand(), a.benchCommand(), a.gcCommand(), a.embedderCommand(), a.workerCommand(),
		a.experimentsCommand(), a.submitCommand(), a.manCommand(), a.taskCommand(), a.armCommand(), a.checkCommand())
	for _, c := range deviceCommands {
		root.AddCommand(c(a))
	}
	for _, t := range draw.Topics() {
		topic := &cobra.Command{Use: t.Name, Short: t.Short}
		topic.SetHelpFunc(func(*cobra.Command, []string) { _ = t.Write(a.stdout) })
		root.AddCommand(topic)
	}
	root.InitDefaultCompletionCmd()
	explain(root)
	for _, c := range root.Commands() {
		checkArgs(c)
	}
	terminal.CheckHelp(root)
	return root
}

// texts says what a command does at length, in help/COMMAND.txt, with a dash
// before the name of a subcommand.
//
//go:embed help/*.txt
var texts embed.FS

// explain gives a command and those below it the texts of their help.
func explain(c *cobra.Command) {
	name := c.Name()
	if c.HasParent() {
		path := strings.Fields(c.CommandPath())
		name = strings.Join(path[1:], "-")
	}
	if text, err := texts.ReadFile("help/" + name + ".txt"); err == nil {
		c.Long = strings.TrimSpace(string(text))
	}
	for _, sub := range c.Commands() {
		explain(sub)
	}
}

// checkArgs makes a wrong number of arguments, or an unknown subcommand, a
// usage error.
func checkArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usage("%w; usage: %s", err, c.UseLine())
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		checkArgs(sub)
	}
}

// checkOutputs refuses, before anything is done, places where a command could not
// write at its end.
func (a *app) checkOutputs(c *cobra.Command, _ []string) error {
	for _, name := range []string{"out", "record", "snapshot"} {
		f := c.Flags().Lookup(name)
		if f == nil {
			continue
		}
		check := engine.CheckOut
		switch c.Name() {
		case "sample":
			check = sampler.CheckOut
		case "paper":
			check = engine.CheckOutFolder
		}
		if err := check("--"+name, f.Value.String()); err != nil {
			return err
		}
	}
	if n, err := c.Flags().GetInt("threads"); err == nil {
		if err := engine.CheckThreads("--threads", n); err != nil {
			return err
		}
	}
	if c.Name() == "run" || c.Name() == "plot" {
		return engine.CheckOutFolder("--figures", a.figures)
	}
	return nil
}

// again is the command line to type for the same once more.
func (a *app) again(more ...string) string {
	return commandLine(append(append([]string{}, a.args...), more...))
}

// about is the command line of another subcommand about the same cells.
func (a *app) about(subcommand string, files []string) string {
	words := append([]string{subcommand}, files...)
	for _, s := range a.set {
		words = append(words, "--set", s)
	}
	for _, f := range []struct{ name, value, usual string }{
		{"--only", a.only, ""}, {"--device", a.device, ""}, {"--db", a.db, "results.db"}, {"--artifacts", a.artifacts, ".prabench"},
	} {
		if f.value != f.usual {
			words = append(words, f.name, f.value)
		}
	}
	return commandLine(words)
}

func commandLine(args []string) string {
	words := []string{"prabench"}
	for _, w := range args {
		if strings.ContainsAny(w, " \t\n\"'`$*?[]{}()<>|&;#~\\!") || w == "" {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func (a *app) places() engine.Places { return engine.Places{DB: a.db, Artifacts: a.artifacts} }
