package machine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		{cpuModel(write(t, filepath.Join(dir, "cpu"), "vendor_id : A\ncpu family : 25\nmodel : 17\nmodel name : AMD EPYC\n")), "AMD EPYC (family 25, model 17)"},
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
