package machine

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNamesAreReadFromTheSystemsFiles(t *testing.T) {
	dir := t.TempDir()
	for i, f := range []string{"0000:01:00.0", "0000:02:00.0"} {
		write(t, filepath.Join(dir, "gpus", f, "information"), "Model: \t\t NVIDIA H200\nIRQ: 1"+strings.Repeat("x", i)+"\n")
	}
	version := write(t, filepath.Join(dir, "version"), "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n")
	for _, c := range []struct{ got, want string }{
		{gpus(dir), "2 × NVIDIA H200"},
		{gpus(filepath.Join(dir, "none")), ""},
		{driver(version), "570.86.15"},
		{driver(filepath.Join(dir, "none")), ""},
		{osName(write(t, filepath.Join(dir, "os"), "NAME=x\nPRETTY_NAME=\"Some Linux 9\"\n")), "Some Linux 9"},
		{cpuModel(write(t, filepath.Join(dir, "cpu"), "vendor_id : A\ncpu family : 25\nmodel : 17\nmodel name : AMD EPYC\n")),
			"AMD EPYC (family 25, model 17)"},
		{cpuModel(filepath.Join(dir, "none")), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestEnvironmentIsFilled(t *testing.T) {
	e := Environment(2)
	if e.Cores < 1 || e.Go == "" || e.GEMM == "" || e.OS == "" || e.Threads != 2 {
		t.Errorf("%+v", e)
	}
}

func TestPeakResidentGrowsWithUse(t *testing.T) {
	before := PeakResident()
	if before == 0 {
		t.Skip("this system does not say")
	}
	b := make([]byte, 64<<20)
	for i := range b {
		b[i] = byte(i)
	}
	if after := PeakResident(); after < before+32<<20 && after < 64<<20 {
		t.Errorf("%d bytes before, %d after touching 64 MiB", before, after)
	}
	if m := Memory(); m.Total <= 0 || m.Available <= 0 || m.Available > m.Total {
		t.Errorf("memory %+v", m)
	}
}

func TestTheSecondWhoLocksIsToldWhoHoldsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.db.lock")
	l, err := Acquire(path, "prabench run a.toml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(path, "prabench run b.toml")
	var held *Held
	if !errors.As(err, &held) || !strings.Contains(err.Error(), "prabench run a.toml") {
		t.Fatalf("the second got %v", err)
	}
	if !strings.Contains(Holder(path), "a.toml") {
		t.Errorf("holder %q", Holder(path))
	}
	l.Release()
	if Holder(path) != "" {
		t.Errorf("released, but held by %q", Holder(path))
	}
	again, err := Acquire(path, "c")
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

func TestTheSystemsCountOfBusyProcessorsIsRead(t *testing.T) {
	busy, stolen, ok := processors("cpu  100 20 30 4000 50 6 4 25 7 0\n")
	if !ok || busy != 1.6 || stolen != 0.25 {
		t.Errorf("busy %v, stolen %v, %v", busy, stolen, ok)
	}
	for _, line := range []string{"", "cpu 1 2", "intr 1 2 3 4 5 6 7 8 9", "cpu a b c d e f g h i", "cpu 0 0 0 0 0 0 0 0 0 0"} {
		if _, _, ok := processors(line); ok {
			t.Errorf("%q was read", line)
		}
	}
}

func TestOnlyTheWorkOfOthersIsForeign(t *testing.T) {
	if _, ok := look(false); !ok {
		t.Skip("this system does not say what its processors do")
	}
	spin := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); {
		}
	}
	a, _ := look(false)
	spin(500 * time.Millisecond)
	b, _ := look(false)
	own := b.own - a.own
	if own < 0.02 {
		t.Errorf("%.2f s of this process's work were seen in half a second of it", own)
	}
	if all := b.busy - a.busy; all < own-0.1 {
		t.Errorf("the machine was busy for %.2f s and this process for %.2f s of them", all, own)
	}

	// Another process of our own counts as ours only once it has ended, so
	// while it runs it is foreign, which is how a watch is seen to see.
	child := exec.Command("sh", "-c", "while :; do :; done")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	w := StartWatch()
	time.Sleep(1500 * time.Millisecond)
	l, ok := w.Stop()
	child.Process.Kill()
	child.Wait()
	if !ok || l.Foreign < 0.05 || l.Worst < l.Foreign {
		t.Errorf("beside a busy process: %+v, %v", l, ok)
	}
}

func TestAProcessIsNamedForGood(t *testing.T) {
	me := ProcessOf(os.Getpid())
	if !me.Alive() {
		t.Errorf("%+v is not alive", me)
	}
	other := me
	other.Start = "1" + other.Start
	if other.Alive() || (Process{PID: me.PID}).Alive() || (Process{}).Alive() {
		t.Error("another process of that number is taken for it")
	}
	child := exec.Command("sleep", "100")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	p := ProcessOf(child.Process.Pid)
	if !p.Alive() {
		t.Errorf("%+v is not alive", p)
	}
	child.Process.Kill()
	child.Wait()
	if p.Alive() {
		t.Errorf("%+v is alive", p)
	}
}

func TestSizesAreReadable(t *testing.T) {
	for n, want := range map[int64]string{0: "0 KiB", 1 << 10: "1 KiB", 300 << 20: "300 MiB", 3 << 29: "1.5 GiB", 5 << 40: "5 TiB"} {
		if got := Size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
