package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/models/pra"
)

// bounded is what a process under a limit of the system did.
type bounded struct {
	Error, Said  string
	Notes        []string // of a plan
	Failure      bool
	Mistake      bool
	Done, Failed int
	Started      int
}

// limited is such a process: "WHAT DIR".
func limited(what string) int {
	os.Setenv(asWorker, "idle")
	what, dir, _ := strings.Cut(what, ":")
	places := engine.Places{DB: filepath.Join(dir, "results.db"), Artifacts: filepath.Join(dir, "artifacts")}
	e := tiny(func(s *stage.Settings) {
		s.Measure.Rounds = 0
		switch what {
		case "much memory":
			edit(s, func(p *pra.Params) { p.Train.Batch = 1 << 18 }) // whose activations are gigabytes
		case "large file":
			s.Count = 1 << 16
		case "long":
			s.Measure.Timeout = 0
			edit(s, func(p *pra.Params) { p.Train.Steps = 50_000_000 })
		}
	})
	if what == "many" {
		e = idleSweep(5)
	}
	var b bounded
	p, _, err := engine.Inspect(context.Background(), places, false, e)
	if err == nil {
		b.Notes = p.Bounds()
	}
	if err := p.CheckHere(); err != nil {
		b.Notes = append(b.Notes, err.Error())
	}
	if what != "long" {
		var out strings.Builder
		r := &engine.Run{Places: places, Jobs: 8, Name: "test", Out: &out, Command: func(string) ([]string, error) {
			b.Started++
			return []string{os.Args[0]}, nil
		}}
		sum, err := r.Do(context.Background(), e)
		if err != nil {
			b.Error = err.Error()
		}
		var fail *engine.Failure
		b.Failure, b.Mistake = errors.As(err, &fail), engine.IsMistake(err)
		b.Done, b.Failed, b.Said = sum.Done, sum.Failed, out.String()
	}
	json.NewEncoder(os.Stdout).Encode(b)
	return 0
}

// What the system allows this very process decides what is refused, how much runs
// side by side and what is said before anything starts.
func TestLimitsOfTheSystemBoundARun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts dozens of processes under limits, some of which leave no room for the race detector")
	}
	under := func(limit, what string) bounded {
		t.Helper()
		cmd := exec.Command("sh", "-c", limit+` && exec "$0"`, os.Args[0])
		cmd.Env = append(os.Environ(), asWorker+"=limited "+what+":"+t.TempDir())
		out, err := cmd.Output()
		var b bounded
		if err != nil || json.Unmarshal(out, &b) != nil {
			var exit *exec.ExitError
			errors.As(err, &exit)
			t.Fatalf("%s, %s: %v in %q%s", limit, what, err, out, fmt.Sprintf("%.2000s", exit.Stderr))
		}
		return b
	}
	for _, c := range []struct{ limit, what, says string }{
		{"ulimit -v 3000000", "much memory", "ulimit -v"},
		{"ulimit -d 2000000", "much memory", "ulimit -d"},
		{"ulimit -f 4000", "large file", "ulimit -f"},
	} {
		b := under(c.limit, c.what)
		if !strings.Contains(b.Error, c.says) || !strings.Contains(b.Error, "nothing was started") || !b.Mistake || b.Started > 0 {
			t.Errorf("%s: run: %+v", c.limit, b)
		}
		if !strings.Contains(strings.Join(b.Notes, " "), c.says) {
			t.Errorf("%s: plan: %q", c.limit, b.Notes)
		}
	}
	if b := under("ulimit -n 60", "many"); b.Error != "" || b.Done != 16 || b.Failed > 0 || !strings.Contains(b.Said, "ulimit -n") {
		t.Errorf("open files: %+v", b)
	}
	if b := under("ulimit -t 100", "long"); !strings.Contains(strings.Join(b.Notes, " "), "2 stages are going to need more processor time") {
		t.Errorf("processor time: %q", b.Notes)
	}
	if b := under("ulimit -t 100", ""); len(b.Notes) > 0 || b.Error != "" || b.Done != 7 {
		t.Errorf("enough processor time: %+v", b)
	}
	if b := under("true", ""); b.Error != "" || b.Done != 7 || strings.Contains(b.Said, "ulimit") {
		t.Errorf("no limit: %+v", b)
	}
}

// A database that reaches the largest file that the system allows ends the run with
// a reason, not with a signal; nothing that was done is lost.
func TestADatabaseAtTheLimitOfFileSize(t *testing.T) {
	if testing.Short() {
		t.Skip("starts dozens of processes")
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash, whose ulimit counts in KiB")
	}
	dir := t.TempDir()
	run := func(limit string) (b bounded, out []byte, err error) {
		cmd := exec.Command("bash", "-c", limit+` && exec "$0"`, os.Args[0])
		cmd.Env = append(os.Environ(), asWorker+"=limited many:"+dir)
		if out, err = cmd.CombinedOutput(); err == nil {
			err = json.Unmarshal(out, &b)
		}
		return b, out, err
	}
	for _, kib := range []int{120, 300} { // while it is made, while it grows
		b, out, err := run(fmt.Sprintf("ulimit -f %d", kib))
		if err != nil {
			t.Fatalf("%d KiB: %v: %.2000s", kib, err, out)
		}
		if !b.Failure || !strings.Contains(b.Error, "ulimit -f") {
			t.Errorf("%d KiB: %+v", kib, b)
		}
	}
	begin := time.Now()
	if b, out, err := run("true"); err != nil || b.Error != "" || b.Failed > 0 {
		t.Errorf("%v, %+v, %.2000s after %v", err, b, out, time.Since(begin))
	}
}
