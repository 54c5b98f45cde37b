package machine

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

const childVariable = "PRABENCH_TEST_LIMITS"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		json.NewEncoder(os.Stdout).Encode(map[string]any{"limits": LimitsHere(), "usable": Usable(), "processors": Processors()})
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// seen is what a process under limits says of itself.
type seen struct {
	Limits     Limits
	Usable     int64
	Processors int
}

// under runs this program behind a shell command, such as a ulimit.
func under(t *testing.T, before string) seen {
	t.Helper()
	cmd := exec.Command("sh", "-c", before+` "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("%s is not possible here: %v", before, err)
	}
	var s seen
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return s
}

func TestTheLimitsOfAProcessAreSeen(t *testing.T) {
	if s := under(t, "ulimit -v 1500000;"); s.Limits.AddressSpace != 1500000<<10 || s.Usable > 1500000<<10 {
		t.Errorf("address space: %+v", s)
	}
	if s := under(t, "ulimit -d 1400000;"); s.Limits.Data != 1400000<<10 || s.Usable > 1400000<<10 {
		t.Errorf("data: %+v", s)
	}
	if s := under(t, "ulimit -f 2048;"); s.Limits.FileSize != 2048*512 && s.Limits.FileSize != 2048*1024 {
		t.Errorf("file size: %+v", s)
	}
	if s := under(t, "ulimit -n 50;"); s.Limits.OpenFiles != 50 {
		t.Errorf("open files: %+v", s)
	}
	if s := under(t, "ulimit -t 77;"); s.Limits.CPUTime != 77*time.Second {
		t.Errorf("processor time: %+v", s)
	}
	if s := under(t, "ulimit -t unlimited;"); s.Limits.CPUTime != 0 {
		t.Errorf("no limit of processor time: %+v", s)
	}
}

func TestTheProcessorsOfAProcessAreSeen(t *testing.T) {
	if _, err := exec.LookPath("taskset"); err != nil || runtime.NumCPU() < 2 {
		t.Skip("needs taskset and two processors")
	}
	if s := under(t, "exec taskset -c 0"); s.Processors != 1 || s.Limits.Affinity != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTheControlGroupOfAProcessIsRead(t *testing.T) {
	root := t.TempDir()
	at := func(name, content string) string { return write(t, filepath.Join(root, name), content) }
	groups := at("groups2", "0::/user/job/step\n")
	at("memory.max", "max\n")
	at("user/job/memory.max", "1000000000\n")
	at("user/job/memory.current", "400000000\n")
	at("user/job/memory.stat", "anon 1\ninactive_file 100000000\n")
	at("user/job/step/memory.max", "max\n")
	at("user/job/step/cpu.max", "150000 100000\n")
	at("user/job/cpu.max", "400000 100000\n")
	at("user/cpu.max", "max 100000\n")
	if limit, used, ok := confinedIn(groups, root); !ok || limit != 1000000000 || used != 300000000 {
		t.Errorf("version 2: %d, %d, %v", limit, used, ok)
	}
	if q := quotaIn(groups, root); q != 1.5 {
		t.Errorf("quota %v", q)
	}
	at("user/memory.high", "900000000\n") // slows down what takes more: a limit as well
	at("user/memory.current", "500000000\n")
	at("user/pids.max", "300\n")
	at("user/job/step/pids.max", "max\n")
	if limit, used, ok := confinedIn(groups, root); !ok || limit != 900000000 || used != 500000000 {
		t.Errorf("memory.high: %d, %d, %v", limit, used, ok)
	}
	if n := processesIn(groups, root); n != 300 {
		t.Errorf("%d processes", n)
	}

	root = t.TempDir()
	groups = at("groups1", "4:cpuset,memory:/a/b\n3:cpu:/c\n0::/\n")
	at("memory/memory.limit_in_bytes", "9223372036854771712\n")
	at("memory/memory.usage_in_bytes", "5000\n")
	at("memory/a/b/memory.limit_in_bytes", "2000000\n")
	at("memory/a/b/memory.usage_in_bytes", "1500000\n")
	at("cpu/c/cpu.cfs_quota_us", "-1\n")
	at("cpu/c/cpu.cfs_period_us", "100000\n")
	if limit, used, ok := confinedIn(groups, root); !ok || limit != 2000000 || used != 1500000 {
		t.Errorf("version 1: %d, %d, %v", limit, used, ok)
	}
	if q := quotaIn(groups, root); q != 0 {
		t.Errorf("quota %v", q)
	}
	if limit, _, ok := confinedIn(at("groups0", "3:cpu:/c\n"), root); ok {
		t.Errorf("version 1 without a limit: %d", limit)
	}
	if _, _, ok := confinedIn(filepath.Join(root, "none"), t.TempDir()); ok {
		t.Error("a limit was found where there are no groups")
	}
}

// A real control group of its own, where root may make one.
func TestARealControlGroup(t *testing.T) {
	for _, g := range []struct{ dir, limit string }{
		{"/sys/fs/cgroup/memory/prabench-test-%d", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup/prabench-test-%d", "memory.max"},
	} {
		dir := fmt.Sprintf(g.dir, os.Getpid())
		if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "cgroup.procs")); err != nil || os.Mkdir(dir, 0o755) != nil {
			continue
		}
		defer os.Remove(dir)
		if os.WriteFile(filepath.Join(dir, g.limit), []byte("536870912"), 0o644) != nil {
			continue
		}
		s := under(t, "echo $$ > "+dir+"/cgroup.procs && exec")
		if s.Limits.Memory != 512<<20 || s.Usable > 512<<20 || s.Usable == 0 {
			t.Errorf("%s: %+v", dir, s)
		}
		return
	}
	t.Skip("no control group can be made here")
}

func TestARealLimitOfProcesses(t *testing.T) {
	for _, root := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		dir := fmt.Sprintf("%s/prabench-pids-%d", root, os.Getpid())
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil || os.Mkdir(dir, 0o755) != nil {
			continue
		}
		defer os.Remove(dir)
		if os.WriteFile(filepath.Join(dir, "pids.max"), []byte("77"), 0o644) != nil {
			continue
		}
		if s := under(t, "echo $$ > "+dir+"/cgroup.procs && exec"); s.Limits.Processes != 77 {
			t.Errorf("%s: %+v", dir, s)
		}
		return
	}
	t.Skip("no control group can be made here")
}
