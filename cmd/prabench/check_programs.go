package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/tools/check"
	"prabench/harness/tools/check/arm"
	"prabench/harness/tools/check/revision"
)

// programs are the two that a check compares.
type programs struct {
	command [2][]string
	env     [2][]string
	jobs    bool // one of them is older than arms: both are measured by jobs
	dir     string
}

func (p *programs) start(side check.Side) (check.Arm, error) {
	if p.jobs {
		return &arm.Jobs{Name: side.String(), Program: p.command[side][0], Env: p.env[side], Dir: p.dir}, nil
	}
	return arm.Start(side.String(), p.command[side], p.env[side])
}

// armOf is the program of a device as an arm; program is "" for this one's.
func armOf(device, program string) ([]string, error) {
	if program != "" {
		return []string{program, "arm"}, nil
	}
	args, err := workerCommand(device)
	if err != nil {
		return nil, err
	}
	return append(args[:len(args)-1:len(args)-1], "arm"), nil
}

// programs finds or builds both programs and names them in the report.
func (a *app) programs(ctx context.Context, device string, o checkFlags, dir string, rep *check.Report) (*programs, error) {
	p := &programs{dir: dir}
	var err error
	if p.command[check.New], err = armOf(device, ""); err != nil {
		return nil, &usageError{err}
	}
	if o.extraWork != "" {
		p.env[check.New] = []string{arm.ExtraWork + "=" + o.extraWork}
	}
	env := machine.Environment(0)
	rep.New = check.Program{Name: "this program", Revision: env.Code()}
	old := o.binary
	rep.Old.Name = old
	if o.against != "" {
		if kind, _, _ := strings.Cut(device, ":"); kind != "cpu" {
			return nil, usage("--against builds the program for the CPU, measure.device is %q: build the other program yourself and give it with --against-binary", device)
		}
		top, commit, err := revision.Find(ctx, ".", o.against)
		if err != nil {
			return nil, &usageError{err}
		}
		fmt.Fprintf(a.stderr, "building %.12s\n", commit)
		built, err := revision.Build(ctx, top, commit, dir)
		if err != nil {
			return nil, &engine.Failure{Err: err}
		}
		old, rep.Old = built.Path, check.Program{Name: o.against, Revision: commit}
	} else if o.binary == "" {
		rep.New.SHA256, _, err = artifact.HashFile(p.command[check.New][0])
		return p, err
	} else if old, err = program(o.binary); err != nil {
		return nil, err
	}
	if p.command[check.Old], err = armOf(device, old); err != nil {
		return nil, &usageError{err}
	}
	if !arm.Speaks(ctx, old) {
		p.jobs = true
		if o.extraWork != "" {
			return nil, usage("--test-extra-work: the other program is older than arms")
		}
		fmt.Fprintf(a.stderr, "note: %s is older than the arms of check: both programs are measured by the jobs of a run, seconds a round\n", rep.Old.Name)
	}
	for side, of := range []*check.Program{&rep.Old, &rep.New} {
		if of.SHA256, _, err = artifact.HashFile(p.command[side][0]); err != nil {
			return nil, &engine.Failure{Err: err}
		}
	}
	return p, nil
}

// program is the absolute path of a program that can be started.
func program(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return "", usage("--against-binary %s: there is no program that can be started", path)
	}
	return filepath.Abs(path)
}

// untilInterrupted ends with Ctrl-C.
func (a *app) untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

// checkProgress tells how far a check is: on a terminal in one line, elsewhere
// when a block begins.
func (a *app) checkProgress() func(done, total time.Duration, what string) {
	terminal := isTerminal(a.stderr)
	last := ""
	return func(done, total time.Duration, what string) {
		if terminal {
			fmt.Fprintf(a.stderr, "\r\x1b[K%3.0f %%  %s\r", 100*min(1, done.Seconds()/max(1e-9, total.Seconds())), what)
			return
		}
		if block, _, _ := strings.Cut(what, ","); block != last {
			last = block
			fmt.Fprintf(a.stderr, "%s, at most %s\n", block, total.Round(time.Second))
		}
	}
}
