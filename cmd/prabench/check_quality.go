package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/tools/check"
	"prabench/results"
)

// labels are the points of the experiment that are to be checked, in the order
// of the plan.
func labels(l loaded) []string {
	var out []string
	last := ""
	for _, c := range l.exp.Cells {
		label := c.Label
		if label == "" {
			label = l.exp.Name
		}
		if !c.Skip && (len(out) == 0 || label != last) {
			out = append(out, label)
		}
		last = label
	}
	return out
}

// trained runs the experiment with a program, in places of its own, and gives
// the quality of each point.
func (a *app) trained(ctx context.Context, l loaded, program string, side check.Side, dir string) ([]check.Quality, error) {
	places := []string{"--db", filepath.Join(dir, side.String()+".db"), "--artifacts", filepath.Join(dir, side.String())}
	file := filepath.Join(dir, filepath.Base(l.file.File))
	if err := withoutCheck(l.file.File, file); err != nil {
		return nil, err
	}
	args := append([]string{"run", file, "--no-figures"}, places...)
	for _, s := range a.set {
		if !strings.HasPrefix(strings.TrimSpace(s), "check.") {
			args = append(args, "--set", s)
		}
	}
	if a.only != "" {
		args = append(args, "--only", a.only)
	}
	// Its timings are not wanted: one short round.
	args = append(args, "--set", "measure.rounds=1", "--set", "measure.train_steps=0", "--set", "measure.repeat_disturbed=0")
	fmt.Fprintf(a.stderr, "training with the %v program\n", side)
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(out))
		return nil, fmt.Errorf("the %v program could not run the experiment: %w\n%s", side, err, text[max(0, len(text)-2000):])
	}
	out, err := exec.CommandContext(ctx, program, append([]string{"results", "--format", "csv", "--metric", check.FidProxy}, places[:2]...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("the %v program could not print its results: %w", side, err)
	}
	return check.ReadQuality(bytes.NewReader(out), l.file.Repeats)
}

// withoutCheck copies an experiment file without its [check] table, which
// older revisions do not know.
func withoutCheck(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var out []string
	inside := false
	for line := range strings.Lines(string(raw)) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "[") {
			inside = strings.HasPrefix(strings.ReplaceAll(text, " ", ""), "[check]")
		}
		if !inside {
			out = append(out, line)
		}
	}
	return os.WriteFile(to, []byte(strings.Join(out, "")), 0o644)
}

// compareQuality trains with both programs and adds their quality to the report.
func (a *app) compareQuality(ctx context.Context, l loaded, p *programs, dir string, rep *check.Report) error {
	var of [2][]check.Quality
	for side := range of {
		var err error
		if of[side], err = a.trained(ctx, l, p.command[side][0], check.Side(side), dir); err != nil {
			return &engine.Failure{Err: err}
		}
	}
	points := labels(l)
	if len(of[check.Old]) != len(points) || len(of[check.New]) != len(points) {
		return &engine.Failure{Err: fmt.Errorf("the programs have %d and %d values of fid_proxy for %d points", len(of[check.Old]), len(of[check.New]), len(points))}
	}
	for i, label := range points {
		rep.Judge(label, of[check.Old][i], of[check.New][i])
	}
	return nil
}

// knownQuality is the quality of each point as the database has it, for
// baselines: a check trains nothing for them.
func (a *app) knownQuality(ctx context.Context, l loaded) (map[string]check.Quality, error) {
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return nil, fmt.Errorf("check.metrics names fid_proxy, which a baseline takes from the database: %w", err)
	}
	defer db.Close()
	if err := asPlanned(ctx, db, l); err != nil {
		return nil, err
	}
	out := map[string]check.Quality{}
	for _, label := range labels(l) {
		var rows []results.Row
		all, err := db.Results(ctx, results.Filter{Experiment: l.exp.Name, Metrics: []string{check.FidProxy}})
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if r.Label == label || r.Label == "" && label == l.exp.Name {
				rows = append(rows, r)
			}
		}
		var text bytes.Buffer
		if err := results.Export(&text, "csv", rows); err != nil {
			return nil, err
		}
		q, err := check.ReadQuality(&text, l.file.Repeats)
		if err != nil || len(q) != 1 {
			return nil, usage("check.metrics names fid_proxy, and the database has none of every seed of %s (%v): `prabench run %s` first", label, err, l.file.File)
		}
		out[label] = q[0]
	}
	return out, nil
}
