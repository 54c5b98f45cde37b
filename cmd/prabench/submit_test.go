package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"prabench/harness/tools/live"
)

// paperSlurm is a Slurm that only keeps a queue: the test does the tasks.
type paperSlurm struct {
	calls []string
	next  int
	queue map[string]string // "job|index|name" → "state|reason|node"
	mute  bool              // does not answer
	after func()            // the next answer of squeue
	sent  func()            // before the queue is asked for
}

var arrayLine = regexp.MustCompile(`#SBATCH --(job-name|array)=(\S+)`)

func (s *paperSlurm) run(_ context.Context, name string, args ...string) (string, error) {
	s.calls = append(s.calls, strings.Join(append([]string{name}, args...), " "))
	if s.mute {
		return "", errors.New(name + ": the controller does not answer")
	}
	switch name {
	case "sbatch":
		if args[0] == "--version" {
			return "slurm-wlm 22.05.8\n", nil
		}
		script, err := os.ReadFile(args[len(args)-1])
		if err != nil {
			return "", err
		}
		found := map[string]string{}
		for _, m := range arrayLine.FindAllStringSubmatch(string(script), -1) {
			found[m[1]] = m[2]
		}
		s.next++
		indices, _, _ := strings.Cut(found["array"], "%")
		for part := range strings.SplitSeq(indices, ",") {
			var from, to int
			if n, _ := fmt.Sscanf(part, "%d-%d", &from, &to); n == 1 {
				to = from
			}
			for i := from; i <= to; i++ {
				s.queue[fmt.Sprintf("%d|%d|%s", s.next, i, found["job-name"])] = "PENDING|Priority|"
			}
		}
		return fmt.Sprintln(s.next), nil
	case "squeue":
		if s.sent != nil {
			s.sent()
		}
		var b strings.Builder
		for k, v := range s.queue {
			fmt.Fprintln(&b, k+"|"+v)
		}
		if after := s.after; after != nil {
			s.after = nil
			after()
		}
		return b.String(), nil
	case "scontrol":
		return "MaxArraySize = 1001\n", nil
	case "sacct":
		return "", errors.New("sacct: Slurm accounting storage is disabled")
	}
	return "", fmt.Errorf("no %s here", name)
}

// set changes the tasks whose name ends so.
func (s *paperSlurm) set(suffix, state string) {
	for k := range s.queue {
		if strings.HasSuffix(k, suffix) {
			if s.queue[k] = state; state == "" {
				delete(s.queue, k)
			}
		}
	}
}

func onPaper(t *testing.T) *paperSlurm {
	s := &paperSlurm{queue: map[string]string{}}
	usual := slurmTool
	slurmTool = s.run
	t.Cleanup(func() { slurmTool = usual })
	return s
}

// frozen replaces what differs between machines and runs in scripts.
func frozen(s string) string {
	s = machineFree(s)
	for _, r := range []struct{ pattern, with string }{
		{`program/[0-9a-f]{12}/[^ '"]+`, "program/(sum)/prabench"}, {`\b[0-9a-f]{64}\b`, "(hash)"}, {`\b[0-9a-f]{12}\b`, "(id)"},
	} {
		s = regexp.MustCompile(r.pattern).ReplaceAllString(s, r.with)
	}
	wd, _ := os.Getwd()
	return strings.ReplaceAll(s, wd, "(here)")
}

// TestScripts is what sbatch would get for two cells on a GPU cluster with few
// settings, and for samplings that share trainings with all of them.
func TestScripts(t *testing.T) {
	root := testdata(t)
	here(t)
	s := onPaper(t)
	golden(t, root, "submit", frozen(must(t, "submit slurm tiny.toml --dry-run --timing-constraint icelake")))
	golden(t, root, "submit-shared",
		frozen(must(t, "submit slurm tiny.toml --dry-run --set sample.flow_steps=[2,3] --set repeats=3 --concurrent 4 --partition main "+
			"--account lab --qos low --constraint ib&amd "+
			"--time 4:00:00 --mem 16G --gres gpu:1 --timing-partition quiet --timing-constraint icelake")))
	if left, _ := filepath.Glob("*"); len(left) != 1 || len(s.queue) > 0 {
		t.Errorf("a dry run left %v, sent %v", left, s.calls)
	}
	for _, args := range []string{"submit", "submit slurm", "submit lsf tiny.toml", "submit slurm tiny.toml --mem 16G;reboot'",
		"submit slurm tiny.toml --concurrent -1", "submit slurm tiny.toml --retry all"} {
		if _, errs, code := prabench(args); code != exitUsage {
			t.Errorf("prabench %s: exit code %d, %s", args, code, errs)
		}
	}
}

// cellStates counts the cells by their state.
func cellStates(t *testing.T, args string) (states map[string]int, reasons string) {
	t.Helper()
	var s struct {
		Cells []struct{ State, Reason string }
	}
	if err := json.Unmarshal([]byte(must(t, "status --json "+args)), &s); err != nil {
		t.Fatal(err)
	}
	states = map[string]int{}
	for _, c := range s.Cells {
		states[c.State]++
		reasons += c.Reason + "\n"
	}
	return states, reasons
}

// served is the page that serve would show.
func served(t *testing.T, files ...string) string {
	t.Helper()
	a := &app{stderr: io.Discard, db: "results.db", artifacts: ".prabench", figures: "figures"}
	src, err := a.liveSource(files)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
	w := httptest.NewRecorder()
	live.New(src, live.Hosts{}).ServeHTTP(w, r)
	return w.Body.String()
}

// node does a task as the script of its array would.
func node(t *testing.T, array string, index int) (string, int) {
	t.Helper()
	plans, _ := filepath.Glob(".prabench/slurm/*/" + array + ".sh")
	if len(plans) == 0 {
		t.Fatalf("no script of %s", array)
	}
	raw, err := os.ReadFile(plans[len(plans)-1])
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(raw), "exec ")
	words := strings.Fields(line)
	out, errs, code := prabench(strings.Join(words[1:], " ") + fmt.Sprintf(" --index %d", index))
	return out + errs, code
}

// A task that ends while submit looks at the queue is not sent again.
func TestSubmitBesideTaskThatEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("prepares a small data set: a second")
	}
	here(t)
	s := onPaper(t)
	must(t, "submit slurm tiny.toml --timing-constraint x")
	sent := func() string {
		s.after = func() {
			if out, code := node(t, "reference", 0); code != exitOK {
				t.Errorf("reference: exit code %d, %s", code, out)
			}
			s.set("-reference", "")
		}
		_, errs, code := prabench("submit slurm tiny.toml --timing-constraint x")
		if code != exitOK {
			t.Errorf("exit code %d", code)
		}
		return errs
	}
	if errs := sent(); !strings.Contains(errs, "nothing to send") {
		t.Errorf("what ended was sent again: %s", errs)
	}
	if done := states(t, "tiny.toml"); done["reference"] != 1 {
		t.Errorf("done: %v", done)
	}
}

// TestSubmitOnPaper follows two cells from the first submission to the end,
// with a task that is lost on the way.
func TestSubmitOnPaper(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	here(t)
	s := onPaper(t)
	s.mute = true
	if _, errs, code := prabench("submit slurm tiny.toml"); code != exitUsage || !strings.Contains(errs, "does not answer") {
		t.Errorf("a mute Slurm: exit code %d, %s", code, errs)
	}
	s.mute = false
	must(t, "submit slurm tiny.toml --timing-constraint x")
	want := []string{"reference", "train", "sample", "score", "time"}
	dependencies := []string{"", "", "aftercorr:2", "aftercorr:3,afterok:1", "aftercorr:2"}
	var sent []string
	for _, c := range s.calls {
		if strings.HasPrefix(c, "sbatch --parsable") {
			sent = append(sent, c)
		}
	}
	if len(sent) != 5 {
		t.Fatalf("sent %q", sent)
	}
	for i, c := range sent {
		if !strings.HasSuffix(c, "/"+want[i]+".sh") || dependencies[i] != "" != strings.Contains(c, "--dependency="+dependencies[i]+" ") {
			t.Errorf("call %d: %s", i+1, c)
		}
	}
	if states, why := cellStates(t, "tiny.toml"); states["queued"] != 2 || !strings.Contains(why, "waits: Priority") {
		t.Errorf("%v %s", states, why)
	}
	for _, files := range [][]string{{"tiny.toml"}, nil} { // with the file, and from the database
		if page := served(t, files...); strings.Count(page, "waits: Priority") != 2 || !strings.Contains(page, "9 stages are with the cluster") {
			t.Errorf("serve %v does not show what waits:\n%s", files, page)
		}
	}
	if _, errs, code := prabench("run tiny.toml"); code != exitUsage || !strings.Contains(errs, "9 stages are with Slurm") ||
		!strings.Contains(errs, "scancel 1 2 3 4 5") {
		t.Errorf("a run beside it: exit code %d, %s", code, errs)
	}

	// A task whose input is not there says so, and one that ran outside of its
	// array is given those that there are.
	if out, code := node(t, "train", 7); code == exitOK || !strings.Contains(out, "has no task 7") {
		t.Errorf("exit code %d, %s", code, out)
	}
	for _, a := range []string{"reference", "train", "sample", "score"} {
		if out, code := node(t, a, 0); code != exitOK || !strings.Contains(out, a+" of ") {
			t.Fatalf("%s: exit code %d, %s", a, code, out)
		}
		s.set("-"+a, "RUNNING|None|n2")
	}
	if states, why := cellStates(t, "tiny.toml"); states["running"] != 1 || states["queued"] != 1 || !strings.Contains(why, " on n2") {
		t.Errorf("%v %s", states, why)
	}
	if out := must(t, "results tiny.toml --metric fid_proxy"); strings.Count(out, "fid_proxy") != 1 {
		t.Errorf("the score that is there: %s", out)
	}
	if out, code := node(t, "time", 0); code != exitOK {
		t.Fatalf("exit code %d, %s", code, out)
	}

	// The second training is lost with its node, and what builds on it is
	// cancelled; after a while Slurm forgets them.
	for k := range s.queue {
		delete(s.queue, k)
		if strings.Contains(k, "|1|") {
			s.queue[k] = "CANCELLED|Dependency|"
			if strings.HasSuffix(k, "-train") {
				s.queue[k] = "NODE_FAIL|None|n2"
			}
		}
	}
	if states, why := cellStates(t, "tiny.toml"); states["done"] != 1 || states["to do"] != 1 ||
		!strings.Contains(why, "slurm 2_1 ended with NODE_FAIL on n2") {
		t.Errorf("%v %s", states, why)
	}
	clear(s.queue)
	if states, why := cellStates(t, "tiny.toml"); states["to do"] != 1 || !strings.Contains(why, "was sent as slurm 2_1, which is gone") {
		t.Errorf("%v %s", states, why)
	}
	must(t, "submit slurm tiny.toml --timing-constraint x")
	if len(s.queue) != 4 { // a training and the three stages that build on it
		t.Errorf("sent again: %v", s.queue)
	}
	if _, errs, code := prabench("submit slurm tiny.toml"); code != exitOK ||
		!strings.Contains(errs, "nothing to send: 5 stages are done, 4 are with Slurm") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	clear(s.queue)
	if out := must(t, "run tiny.toml --no-figures"); strings.Contains(out, "outcome") {
		t.Error(out)
	}
	if states, _ := cellStates(t, "tiny.toml"); states["done"] != 2 {
		t.Error(states)
	}
}

// TestFrozenPlan changes a plan after it was submitted.
func TestFrozenPlan(t *testing.T) {
	here(t)
	onPaper(t)
	must(t, "submit slurm tiny.toml --timing-constraint x")
	plans, _ := filepath.Glob(".prabench/slurm/*/plan.json")
	raw, err := os.ReadFile(plans[0])
	if err != nil || len(plans) != 1 {
		t.Fatal(err, plans)
	}
	write(t, plans[0], strings.Replace(string(raw), `"steps": 20`, `"steps": 21`, 1))
	if out, code := node(t, "train", 0); code == exitOK || !strings.Contains(out, "has changed since it was submitted") {
		t.Errorf("exit code %d, %s", code, out)
	}
}
