package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/harness/machine"
)

// A run waits for a worker that a dead run has left behind, and says so; asked to
// stop, it waits no longer, and leaves the worker its time to save.
func TestTheWaitForAnOrphanIsLeft(t *testing.T) {
	left := exec.Command("sleep", "60")
	left.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := left.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { left.Process.Kill(); left.Wait() }()
	p := Places{Artifacts: t.TempDir()}
	raw, err := json.Marshal(Running{Kind: "train", Label: "mine", Worker: machine.ProcessOf(left.Process.Pid)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(p.running(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.running(), "x.json"), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer stop()
	said := ""
	begin := time.Now()
	orphans(ctx, p, 30*time.Second, func(format string, args ...any) { said += fmt.Sprintf(format, args...) })
	if took := time.Since(begin); took < time.Second || took > 10*time.Second {
		t.Errorf("it waited %v", took)
	}
	if !strings.Contains(said, "train of mine, which a run that died has left behind") || !machine.ProcessOf(left.Process.Pid).Alive() {
		t.Errorf("%q; alive: %v", said, machine.ProcessOf(left.Process.Pid).Alive())
	}
	begin = time.Now()
	orphans(t.Context(), p, 300*time.Millisecond, func(string, ...any) {})
	left.Wait()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the one that does not end was killed after %v", took)
	}
}
