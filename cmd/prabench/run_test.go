package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/harness/engine"
)

// TestRun is the whole way: train, sample, score, time, table, figures; then
// the same again, and with another sampling.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("trains two small models: some seconds")
	}
	here(t)
	out := must(t, "run tiny.toml")
	for _, want := range []string{"rollout_depth=0", "rollout_depth=1", "fid_proxy", "throughput (images/s)", "figures/tiny/speed.png"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not have %q:\n%s", want, out)
		}
	}
	for _, f := range []string{"speed.svg", "speed.pdf", "samples.png", "training.png", "cells.md", "cells.tex"} {
		if info, err := os.Stat(filepath.Join("figures/tiny", f)); err != nil || info.Size() == 0 {
			t.Errorf("figure %s: %v", f, err)
		}
	}
	rows := must(t, "results --format csv")
	if n := strings.Count(rows, "\n"); n < 50 {
		t.Errorf("%d lines of results", n)
	}

	_, errs, code := prabench("run tiny.toml")
	if code != exitOK || !strings.Contains(errs, "nothing to do: all 9 stages were done before") {
		t.Errorf("second run: exit code %d, %s", code, errs)
	}
	var sum struct {
		Done, Kept int
		Cells      []engine.CellStatus
	}
	if err := json.Unmarshal([]byte(must(t, "run --json tiny.toml")), &sum); err != nil || sum.Done != 0 || sum.Kept != 9 ||
		len(sum.Cells) != 2 || sum.Cells[0].State != "done" {
		t.Errorf("%+v, %v", sum, err)
	}
	if again := must(t, "results --format csv"); again != rows {
		t.Error("the second run changed rows")
	}
	if done := states(t, "tiny.toml --set sample.flow_steps=3"); done["train"] != 2 || done["sample"] != 0 {
		t.Errorf("with other sampling these would be done already: %v", done)
	}
	if status := must(t, "status tiny.toml"); !strings.Contains(status, "2 done") {
		t.Error(status)
	}
	if status := must(t, "status"); strings.Count(status, " ok") != 2 {
		t.Error(status)
	}
	must(t, "sample tiny.toml --only train.rollout_depth=1 --columns 3 --out sheet.png")
	models, _ := filepath.Glob(".prabench/train/*/model.safetensors")
	must(t, "sample tiny.toml --only train.rollout_depth=1 --count 40 --out again.npz")
	if _, errs, code := prabench("sample tiny.toml --count 40"); code != exitUsage || !strings.Contains(errs, "--columns") {
		t.Errorf("a sheet of so many images: exit code %d, %s", code, errs)
	}
	must(t, "sample "+models[0]+" --columns 1 --out one.png")
	must(t, "export --out all.csv")
	must(t, "export --format sqlite --out copy.db")
	if raw, err := os.ReadFile("all.csv"); err != nil || string(raw) != rows {
		t.Errorf("export differs from results: %v", err)
	}
	if copied := must(t, "results --format csv --db copy.db"); copied != rows {
		t.Error("the copied database has other results")
	}
	os.RemoveAll("figures")
	must(t, "plot tiny.toml")
	if _, err := os.Stat("figures/tiny/samples.png"); err != nil {
		t.Error(err)
	}
	reported(t)
}

// states counts the stages that are done, by kind.
func states(t *testing.T, args string) map[string]int {
	t.Helper()
	var p struct {
		Stages []struct {
			Kind  string
			State engine.State
		}
	}
	if err := json.Unmarshal([]byte(must(t, "plan --json "+args)), &p); err != nil {
		t.Fatal(err)
	}
	done := map[string]int{}
	for _, s := range p.Stages {
		if s.State == engine.Done {
			done[s.Kind]++
		}
	}
	return done
}

// TestStopping stops a run in the middle of a training, politely and not, and
// lets it go on.
func TestStopping(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	hearHangups(t)
	for _, c := range []struct {
		sig  syscall.Signal
		code int
		says string
	}{
		{syscall.SIGINT, exitFailed, "to go on: prabench run tiny.toml"},
		{syscall.SIGHUP, exitFailed, "to go on: prabench run tiny.toml"},
		{syscall.SIGQUIT, exitFailed, "to go on: prabench run tiny.toml"},
		{syscall.SIGKILL, -1, ""},
	} {
		t.Run(c.sig.String(), func(t *testing.T) {
			here(t)
			args := []string{"run", "tiny.toml", "--set", "train.steps=8000", "--set", "train.rollout_depth=1", "--jobs", "1"}
			cmd := exec.Command(os.Args[0], args...)
			var errs strings.Builder
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "a training that has begun", func() bool {
				for _, r := range engine.RunningNow(engine.Places{Artifacts: ".prabench"}) {
					if r.Kind == "train" && r.Progress.What == "training" {
						return true
					}
				}
				return false
			})
			if _, said, code := prabench("run tiny.toml"); code != exitHarness || !strings.Contains(said, "is held by process") {
				t.Errorf("beside a run: exit code %d, %s", code, said)
			}
			cmd.Process.Signal(c.sig)
			cmd.Wait()
			if cmd.ProcessState.ExitCode() != c.code || !strings.Contains(errs.String(), c.says) {
				t.Errorf("exit code %d, %s", cmd.ProcessState.ExitCode(), errs.String())
			}
			waitFor(t, "a checkpoint", func() bool {
				saved, _ := filepath.Glob(".prabench/checkpoint/*.safetensors")
				left, _ := filepath.Glob(".prabench/spool/*.json")
				return len(saved) == 1 && (c.code != -1 || len(left) > 0)
			})
			if c.sig == syscall.SIGHUP || c.sig == syscall.SIGQUIT { // going on is the same for all
				if running := engine.RunningNow(engine.Places{Artifacts: ".prabench"}); len(running) > 0 {
					t.Errorf("left behind: %+v", running)
				}
				return
			}
			var again strings.Builder
			if code := run(append(args, "--no-figures"), strings.NewReader(""), &again, &again); code != exitOK {
				t.Fatalf("going on: exit code %d\n%s", code, again.String())
			}
			logs, _ := filepath.Glob(".prabench/log/*.log")
			resumed := false
			for _, l := range logs {
				raw, _ := os.ReadFile(l)
				resumed = resumed || strings.Contains(string(raw), "resumed at step")
			}
			if !resumed {
				t.Error("the training did not go on from its checkpoint")
			}
		})
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited a minute for %s", what)
}

// TestNohup: a run that is to outlive its terminal does.
func TestNohup(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a small model: a second")
	}
	here(t)
	cmd := exec.Command("sh", "-c", `trap "" HUP; exec "$0" run tiny.toml --set train.steps=100000 --only train.rollout_depth=1`, os.Args[0])
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM) // which ends the worker too, before its folder goes
		cmd.Wait()
	}()
	var at engine.Running
	waitFor(t, "a training that has begun", func() bool {
		for _, r := range engine.RunningNow(engine.Places{Artifacts: ".prabench"}) {
			if r.Kind == "train" && r.Progress.What == "training" {
				at = r
				return true
			}
		}
		return false
	})
	cmd.Process.Signal(syscall.SIGHUP)
	syscall.Kill(at.Worker.PID, syscall.SIGHUP)
	waitFor(t, "the training to go on", func() bool {
		for _, r := range engine.RunningNow(engine.Places{Artifacts: ".prabench"}) {
			if r.Attempt == at.Attempt && r.Seen.After(at.Seen.Add(time.Second)) && r.Worker.Alive() {
				return true
			}
		}
		return false
	})
}
