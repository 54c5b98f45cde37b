// Command aa checks a program against itself many times, or against itself with
// extra work, and counts the verdicts: what a check claims about its alarms is
// true of real machines or it is not.
//
//	go run ./cmd/check-aa -runs 30 -budget 20s
//	go run ./cmd/check-aa -runs 10 -budget 20s -extra 0.05
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"time"

	"prabench/harness/tools/check"
)

func main() {
	program := flag.String("program", "bin/prabench", "the program under test")
	file := flag.String("file", "experiments/check.toml", "experiment file")
	only := flag.String("only", "label=patch 14", "cells to check")
	runs := flag.Int("runs", 30, "checks")
	budget := flag.Duration("budget", 20*time.Second, "of each check")
	extra := flag.String("extra", "", "share of work that is added to the new program, such as 0.05")
	set := flag.String("set", "measure.threads=0", "a key of the experiment")
	repeat := flag.Int("repeat", 2, "further tries of disturbed rounds")
	flag.Parse()
	tally := map[check.Verdict]int{}
	for i := range *runs {
		r, err := one(*program, *file, *only, *budget, *extra, *set, *repeat)
		if err != nil {
			fmt.Fprintln(os.Stderr, "aa:", err)
			os.Exit(4)
		}
		tally[r.Verdict]++
		fmt.Printf("%3d  %-12s", i+1, r.Verdict)
		for _, c := range r.Cells {
			fmt.Printf("  %s: %d+%d rounds, %d disturbed", c.Label, c.Rounds, c.Fresh, c.Disturbed)
			for _, k := range c.Comparisons {
				if !k.Exact {
					fmt.Printf("; %s %+.1f %% (%+.1f to %+.1f, %s)", k.Metric, 100*(k.Ratio-1), change(k.Lo), change(k.Hi), k.Verdict)
				}
			}
		}
		fmt.Printf("; %.1f s\n", r.Took.Seconds())
	}
	fmt.Printf("%d checks of a budget of %v, extra work %q: %v\n", *runs, *budget, *extra, tally)
	if alarms := tally[check.Regression] + tally[check.Improvement]; *extra == "" && alarms > 0 {
		fmt.Fprintf(os.Stderr, "aa: %d checks of a program against itself call a change\n", alarms)
		os.Exit(1)
	}
}

func one(program, file, only string, budget time.Duration, extra, set string, repeat int) (*check.Report, error) {
	args := []string{"check", file, "--against-binary", program, "--only", only, "--budget", budget.String(), "--format", "json", "--set", set,
		"--set", fmt.Sprintf("measure.repeat_disturbed=%d", repeat)}
	if extra != "" {
		args = append(args, "--test-extra-work", extra)
	}
	var out, said bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	r := &check.Report{}
	if json.Unmarshal(out.Bytes(), r) != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, said.String())
	}
	if want := r.Verdict.ExitCode(); cmd.ProcessState.ExitCode() != want {
		return nil, fmt.Errorf("exit code %d with verdict %s", cmd.ProcessState.ExitCode(), r.Verdict)
	}
	return r, nil
}

// change is an end of a ratio's interval as a change in per cent, NaN where there
// is no interval.
func change(end *float64) float64 {
	if end == nil {
		return math.NaN()
	}
	return 100 * (*end - 1)
}
