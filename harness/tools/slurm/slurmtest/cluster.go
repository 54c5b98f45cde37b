// Package slurmtest starts a real Slurm on one machine, for tests: munge, a
// controller and some nodes, each a slurmd of its own on the same computer.
//
// Its principle is that what was never run on the real engine does not work. All of
// it lives in one temporary folder, listens on loopback only, and ends with the
// test, also when the test program is killed.
package slurmtest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Cluster is a running Slurm.
type Cluster struct {
	Dir   string // configuration, state and logs
	Nodes []string
	t     testing.TB
	ports []int
}

// Needed are the programs that a cluster is made of.
var Needed = []string{"slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol", "scancel", "sinfo"}

// Missing names a program that is not here, or is "".
func Missing() string {
	for _, name := range Needed {
		if _, err := find(name); err != nil {
			return name
		}
	}
	return ""
}

// find looks in the folders of system programs as well, which not every user's
// PATH has.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// Start starts a cluster of n nodes with cpus processors each, which may be
// more than the machine has. Nodes are called n1, n2, …; the odd ones have the
// feature odd, the others even. Afterwards SLURM_CONF is set for this process.
func Start(t testing.TB, n, cpus int) *Cluster {
	t.Helper()
	if name := Missing(); name != "" {
		t.Fatalf("%s is not installed (Debian: slurmctld slurmd slurm-client munge)", name)
	}
	// Not t.TempDir: munge wants a path that others may not write to, and socket
	// names are short.
	dir, err := os.MkdirTemp("", "slurm-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Dir: dir, t: t}
	c.keeper() // before what tells of the logs, since it ends after it
	t.Cleanup(func() {
		if t.Failed() {
			c.tell()
		}
		os.RemoveAll(dir)
	})
	for _, sub := range []string{"run", "state", "spool", "log"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(c.path("run"), 0o755); err != nil {
		t.Fatal(err)
	}
	key := make([]byte, 1024)
	rand.Read(key)
	if err := os.WriteFile(c.path("munge.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c.Nodes = append(c.Nodes, fmt.Sprintf("n%d", i+1))
	}
	c.ports = freePorts(t, n+1)
	if err := os.WriteFile(c.path("slurm.conf"), []byte(c.configuration(cpus)), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SLURM_CONF", c.path("slurm.conf"))

	c.daemon("munged", "--foreground", "--force", "--num-threads=2", "--key-file="+c.path("munge.key"), "--socket="+c.path("run/munge.sock"),
		"--pid-file="+c.path("run/munged.pid"), "--seed-file="+c.path("run/munged.seed"), "--log-file="+c.path("log/munged.log"))
	c.wait("munge", 30*time.Second, func() bool {
		conn, err := net.Dial("unix", c.path("run/munge.sock"))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	c.daemon("slurmctld", "-D", "-c")
	c.wait("the controller", 30*time.Second, func() bool { _, err := c.Try("sinfo"); return err == nil })
	for _, node := range c.Nodes {
		if err := os.Mkdir(filepath.Join(dir, "spool", node), 0o755); err != nil {
			t.Fatal(err)
		}
		c.daemon("slurmd", "-D", "-N", node)
	}
	c.wait("the nodes", 60*time.Second, func() bool {
		out, err := c.Try("sinfo", "--noheader", "--Node", "--format=%T")
		return err == nil && strings.Count(out, "idle") == n
	})
	t.Cleanup(c.Cancel) // the first thing to happen at the end
	c.loopbackOnly()
	return c
}

func (c *Cluster) path(name string) string { return filepath.Join(c.Dir, name) }

// configuration is slurm.conf. A requeued job waits as long as a credential is
// valid, two minutes as a rule; below 5 s Slurm takes its default.
func (c *Cluster) configuration(cpus int) string {
	host, err := os.Hostname()
	if err != nil {
		c.t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	me, err := user.Current()
	if err != nil {
		c.t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `ClusterName=test
SlurmctldHost=%s(127.0.0.1)
SlurmctldPort=%d
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=%[3]s
SlurmdUser=%[3]s
AuthType=auth/munge
AuthInfo=socket=%[4]s/run/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation=%[4]s/state
SlurmdSpoolDir=%[4]s/spool/%%n
SlurmctldPidFile=%[4]s/run/slurmctld.pid
SlurmdPidFile=%[4]s/run/slurmd-%%n.pid
SlurmctldLogFile=%[4]s/log/slurmctld.log
SlurmdLogFile=%[4]s/log/slurmd-%%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
ReturnToService=2
KillWait=20
MailProg=/bin/true
`, host, c.ports[0], me.Username, c.Dir)
	for i, node := range c.Nodes {
		feature := "odd"
		if i%2 == 1 {
			feature = "even"
		}
		// More processors than there are is what config_overrides allows.
		fmt.Fprintf(&b, "NodeName=%s NodeAddr=127.0.0.1 NodeHostname=%s Port=%d CPUs=%d RealMemory=1000 Feature=%s State=UNKNOWN\n", node, host,
			c.ports[i+1], cpus, feature)
	}
	b.WriteString("SlurmdParameters=config_overrides\nPartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n")
	return b.String()
}

// daemon starts a program that stays in the foreground and ends it after the
// test. It dies with this process whatever happens: the kernel kills it when
// the thread that started it is gone, so that thread waits for it.
func (c *Cluster) daemon(name string, args ...string) {
	c.t.Helper()
	path, err := find(name)
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := os.OpenFile(c.path("log/"+name+".out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started, gone := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		out.Close()
		close(gone)
	}()
	if err := <-started; err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-gone
		}
	})
}

// Cancel ends all jobs and waits until none is left. The end of a test does so
// before it stops the nodes.
func (c *Cluster) Cancel() {
	me, err := user.Current()
	if err != nil {
		return
	}
	_, _ = c.Try("scancel", "--user="+me.Username)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if out, err := c.Try("squeue", "--noheader"); err != nil || strings.TrimSpace(out) == "" {
			return
		}
	}
}

// Try runs a command of Slurm.
func (c *Cluster) Try(name string, args ...string) (string, error) {
	path, err := find(name)
	if err != nil {
		return "", err
	}
	var errs bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, errs.String())
	}
	return string(out), err
}

// Must runs a command of Slurm that has to succeed.
func (c *Cluster) Must(name string, args ...string) string {
	c.t.Helper()
	out, err := c.Try(name, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *Cluster) wait(what string, most time.Duration, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	c.t.Fatalf("waited %v for %s", most, what)
}

// loopbackOnly fails the test when a daemon can be reached from outside.
func (c *Cluster) loopbackOnly() {
	c.t.Helper()
	listens := map[string]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == "0A" {
				listens[f[1]] = true
			}
		}
	}
	for _, port := range c.ports {
		loopback := fmt.Sprintf("0100007F:%04X", port) // 127.0.0.1, as the kernel writes it
		if !listens[loopback] {
			c.t.Errorf("nothing listens on 127.0.0.1:%d", port)
		}
		for at := range listens {
			if strings.HasSuffix(at, fmt.Sprintf(":%04X", port)) && at != loopback {
				c.t.Errorf("port %d can be reached from outside (%s)", port, at)
			}
		}
	}
}

// tell prints the ends of the logs of a test that failed.
func (c *Cluster) tell() {
	logs, _ := filepath.Glob(c.path("log/*"))
	for _, l := range logs {
		raw, err := os.ReadFile(l)
		if err != nil || len(raw) == 0 {
			continue
		}
		c.t.Logf("%s:\n%s", filepath.Base(l), raw[max(0, len(raw)-2000):])
	}
}

// freePorts are ports of loopback that nobody listens on now.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
