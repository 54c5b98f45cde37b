package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// State is where Slurm has a task.
type State struct {
	Job    string // 100_3
	Name   string // job name
	State  string // PENDING, RUNNING, COMPLETED, NODE_FAIL, … as Slurm writes it
	Reason string // why it waits: Resources, Dependency, …
	Node   string
}

// ended are the states that a job does not leave by itself.
var ended = map[string]bool{
	"COMPLETED": true, "FAILED": true, "CANCELLED": true, "TIMEOUT": true, "NODE_FAIL": true, "OUT_OF_MEMORY": true,
	"PREEMPTED": true, "BOOT_FAIL": true, "DEADLINE": true, "REVOKED": true, "LAUNCH_FAILED": true, "RECONFIG_FAIL": true,
}

// Active says whether Slurm still has the task: it runs, or waits and may run.
func (s State) Active() bool {
	return !ended[s.State] && s.Reason != "DependencyNeverSatisfied"
}

// Tool runs one of Slurm's commands and gives its standard output. Tests
// replace it.
type Tool func(ctx context.Context, name string, args ...string) (string, error)

// Run runs commands from the PATH.
func Run(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &errs, time.Second
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("there is no %s in the PATH: this machine has no Slurm; submit from the cluster's login node", name)
		}
		said := strings.TrimSpace(errs.String())
		if ctx.Err() != nil {
			said = "no answer within a minute"
		}
		return out.String(), fmt.Errorf("%s: %s (%w)", name, said, err)
	}
	return out.String(), nil
}

// queue asks for the user's tasks: those that wait and run, and for a while
// those that ended.
func queue(ctx context.Context, run Tool) ([]State, error) {
	out, err := run(ctx, "squeue", "--me", "--noheader", "--array", "--states=all", "--format=%F|%K|%j|%T|%r|%N")
	if err != nil {
		return nil, err
	}
	return parseQueue(out)
}

func parseQueue(out string) ([]State, error) {
	var all []State
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		f := strings.Split(line, "|")
		rest := len(f) - 3 // what comes behind the name, which may have bars: all jobs of the user are listed
		if rest < 3 {
			return nil, fmt.Errorf("squeue printed a line that is not understood: %q", line)
		}
		job := f[0]
		if _, err := strconv.Atoi(f[1]); err == nil {
			job += "_" + f[1]
		}
		all = append(all, State{Job: job, Name: strings.Join(f[2:rest], "|"), State: firstWord(f[rest]), Reason: f[rest+1], Node: f[rest+2]})
	}
	return all, nil
}

// accounting asks for tasks that squeue forgot. Clusters without accounting
// give an error, which only means that nothing is known of them.
func accounting(ctx context.Context, run Tool, jobs []string) ([]State, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	out, err := run(ctx, "sacct", "--allocations", "--parsable2", "--noheader", "--array", "--format=JobID,JobName,State,NodeList",
		"--jobs="+strings.Join(jobs, ","))
	if err != nil {
		return nil, err
	}
	return parseAccounting(out)
}

func parseAccounting(out string) ([]State, error) {
	var all []State
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		f := strings.Split(line, "|")
		if len(f) != 4 {
			return nil, fmt.Errorf("sacct printed a line that is not understood: %q", line)
		}
		// "CANCELLED by 1000"; an array that never began is one line, 100_[0-3].
		all = append(all, State{Job: f[0], Name: f[1], State: firstWord(f[2]), Node: f[3]})
	}
	return all, nil
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return w
}

// most is how many tasks an array may have on this cluster.
func most(ctx context.Context, run Tool) int {
	const usual = 1001 // Slurm's default of MaxArraySize, above every index
	out, err := run(ctx, "scontrol", "show", "config")
	if err != nil {
		return usual - 1
	}
	limit, fewer := usual-1, 0
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(key) {
		case "MaxArraySize":
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n > 1 {
				limit = n - 1
			}
		case "SchedulerParameters": // a=1,b,max_array_tasks=500: fewer at once than there are indices
			for p := range strings.SplitSeq(strings.TrimSpace(value), ",") {
				if n, err := strconv.Atoi(strings.TrimPrefix(p, "max_array_tasks=")); err == nil && strings.HasPrefix(p, "max_array_tasks=") && n > 0 {
					fewer = n
				}
			}
		}
	}
	if fewer > 0 {
		limit = min(limit, fewer)
	}
	return limit
}
