package slurmtest

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// keep waits for the end of its standard input, which is that of the test
// however it ended, and then kills what the cluster has left and removes its
// folder. Steps of jobs leave the process group and the parent that started
// them, so that dying with the daemons is not enough; all that belongs to the
// cluster has its configuration in the environment, a path that nothing else
// has.
const keep = `cat >/dev/null
tries=0
while [ $tries -lt 100 ]; do
	left=$(grep -lzxF "SLURM_CONF=$1/slurm.conf" /proc/[0-9]*/environ 2>/dev/null) # its status tells of processes that end meanwhile too
	[ -n "$left" ] || break
	for p in $left; do p=${p#/proc/}; kill -KILL "${p%/environ}" 2>/dev/null; done
	tries=$((tries+1))
	sleep 0.1
done
rm -rf "$1"`

// keeper starts the process that ends the cluster if the test cannot.
func (c *Cluster) keeper() {
	c.t.Helper()
	cmd := exec.Command("sh", "-c", keep, "keeper", c.Dir)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SLURM_CONF=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what ends the test's group leaves it
	alive, err := cmd.StdinPipe()                        // nobody else has the other end
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatalf("the process that would end the cluster: %v", err)
	}
	c.t.Cleanup(func() {
		alive.Close()
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			c.t.Error("processes of the cluster do not end")
		}
	})
}
