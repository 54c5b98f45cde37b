package slurmtest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// left are the processes that have a cluster's configuration.
func left(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		raw, err := os.ReadFile(path)
		if err != nil || !strings.Contains("\x00"+string(raw), "\x00SLURM_CONF="+dir+"/slurm.conf\x00") {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "comm"))
		names = append(names, strings.TrimSpace(string(name)))
	}
	return names
}

// TestKilledTestLeavesNothing kills a test that has a job in its cluster, as
// nothing can be caught: daemons, the step and the job have to go, and the
// folder.
func TestKilledTestLeavesNothing(t *testing.T) {
	if os.Getenv("PRABENCH_SLURM_TEST") == "" {
		t.Skip("starts a Slurm: make slurm-test")
	}
	const child = "PRABENCH_SLURM_CHILD"
	if os.Getenv(child) != "" {
		c := Start(t, 1, 1)
		c.Must("sbatch", "--wrap", "sleep 600", "--output", "/dev/null")
		c.wait("the job", time.Minute, func() bool { return slices.Contains(left(t, c.Dir), "sleep") })
		os.Stdout.WriteString("cluster " + c.Dir + "\n")
		time.Sleep(time.Hour)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledTestLeavesNothing$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	dir := ""
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		dir, _ = strings.CutPrefix(lines.Text(), "cluster ")
		if !strings.HasPrefix(dir, "/") {
			t.Log(lines.Text())
			dir = ""
		}
	}
	if dir == "" {
		t.Fatal("the cluster did not start")
	}
	before := strings.Join(left(t, dir), " ")
	for _, want := range []string{"munged", "slurmctld", "slurmd", "slurmstepd", "sleep"} {
		if !strings.Contains(before, want) {
			t.Errorf("%s does not run, or is not known by its environment: %s", want, before)
		}
	}
	cmd.Process.Kill()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		names := left(t, dir)
		_, err := os.Stat(dir)
		if len(names) == 0 && os.IsNotExist(err) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("a minute after the test was killed there are still %v, and the folder: %v", names, err)
		}
	}
}
