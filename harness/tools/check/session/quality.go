package session

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/tools/check"
	"prabench/results"
	"prabench/results/table"
	"prabench/results/where"
)

// labels are the points of the experiment that are to be checked, in the order
// of the plan: those of models, as in [check.Cells].
func (s *Session) labels() []string {
	var out []string
	last := ""
	for _, c := range s.File.Exp.Cells {
		label := c.Label
		if label == "" {
			label = s.File.Exp.Name
		}
		if !c.Skip && !c.Settings.Foreign() && (len(out) == 0 || label != last) {
			out = append(out, label)
		}
		last = label
	}
	return out
}

// trained runs the experiment with a program, in places of its own, and gives
// the quality of each point.
func (s *Session) trained(ctx context.Context, program string, side check.Side) ([]check.Quality, error) {
	places := []string{"--db", filepath.Join(s.dir, side.String()+".db"), "--artifacts", filepath.Join(s.dir, side.String())}
	file := filepath.Join(s.dir, filepath.Base(s.File.File.File))
	if err := onlyModels(s.File.File.File, file); err != nil {
		return nil, err
	}
	args := append([]string{"run", file, "--no-figures"}, places...)
	for _, key := range s.Set {
		if !strings.HasPrefix(strings.TrimSpace(key), "check.") {
			args = append(args, "--set", key)
		}
	}
	if s.Only != "" {
		args = append(args, "--only", where.Older(s.Only)) // which programs of all ages know
	}
	// Its timings are not wanted: one short round.
	args = append(args, "--set", "measure.rounds=1", "--set", "measure.train_steps=0", "--set", "measure.repeat_disturbed=0")
	s.sayf("training with the %v program", side)
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(out))
		return nil, fmt.Errorf("the %v program could not run the experiment: %w\n%s", side, err, text[max(0, len(text)-2000):])
	}
	out, err := exec.CommandContext(ctx, program, append([]string{"results", "--format", "csv", "--metric", check.FidProxy},
		places[:2]...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("the %v program could not print its results: %w", side, err)
	}
	return check.ReadQuality(bytes.NewReader(out), s.File.File.Repeats)
}

// header is the header of a table of an experiment file, and not a line of an array.
var header = regexp.MustCompile(`^\[\[?\s*([A-Za-z_]\w*)[\w. -]*\]\]?\s*(#.*)?$`)

// onlyModels copies an experiment file without its [check] table, which older
// revisions do not know, and without its programs, which are not checked and lie
// beside the file.
func onlyModels(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var out []string
	inside := false
	for line := range strings.Lines(string(raw)) {
		if table := header.FindStringSubmatch(strings.TrimSpace(line)); table != nil {
			inside = table[1] == "check" || table[1] == "external"
		}
		if !inside {
			out = append(out, line)
		}
	}
	return os.WriteFile(to, []byte(strings.Join(out, "")), 0o644)
}

// compareQuality trains with both programs and adds their quality to the report.
func (s *Session) compareQuality(ctx context.Context, p *programs, rep *check.Report) error {
	var of [2][]check.Quality
	for side := range of {
		var err error
		if of[side], err = s.trained(ctx, p.command[side][0], check.Side(side)); err != nil {
			return &engine.Failure{Err: err}
		}
	}
	points := s.labels()
	if len(of[check.Old]) != len(points) || len(of[check.New]) != len(points) {
		return &engine.Failure{Err: fmt.Errorf("the programs have %d and %d values of fid_proxy for %d points", len(of[check.Old]),
			len(of[check.New]), len(points))}
	}
	for i, label := range points {
		rep.Judge(label, of[check.Old][i], of[check.New][i])
	}
	return nil
}

// knownQuality is the quality of each point as the database has it, for
// baselines: a check trains nothing for them.
func (s *Session) knownQuality(ctx context.Context) (map[string]check.Quality, error) {
	db, err := results.OpenReadOnly(s.DB)
	if err != nil {
		return nil, fmt.Errorf("check.metrics names fid_proxy, which a baseline takes from the database: %w", err)
	}
	defer db.Close()
	if err := s.File.Exp.CheckPlanned(ctx, db); err != nil {
		return nil, err
	}
	out := map[string]check.Quality{}
	for _, label := range s.labels() {
		var rows []results.Row
		all, err := db.Results(ctx, results.Filter{Experiment: s.File.Exp.Ref(), Metrics: []string{check.FidProxy}})
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if r.Label == label || r.Label == "" && label == s.File.Exp.Name {
				rows = append(rows, r)
			}
		}
		var text bytes.Buffer
		if err := table.Export(&text, "csv", rows); err != nil {
			return nil, err
		}
		q, err := check.ReadQuality(&text, s.File.File.Repeats)
		if err != nil || len(q) != 1 {
			return nil, engine.Mistakef("check.metrics names fid_proxy, and the database has none of every seed of %s (%v): `prabench run %s` first",
				label, err, s.File.File.File)
		}
		out[label] = q[0]
	}
	return out, nil
}
