package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"prabench/harness/machine"
	"prabench/internal/gitenv"
	"prabench/results/record"
)

// Runner starts workers and judges how they end.
type Runner struct {
	Command func(device string) ([]string, error) // the program that serves a device
	Env     []string                              // added to this process's environment
	LogDir  string                                // <attempt>.log goes here
	Grace   time.Duration                         // from a request to stop until the worker is killed

	// Began gets the process that does a job, before the job is sent to it:
	// a caller that must find it again after this process has died writes it down
	// there. Nil when nobody must.
	Began func(job Job, p machine.Process)

	// Stored finds an attempt that was already taken in from the spool folder:
	// a caller that ingests for one worker takes in what another has just left. Nil
	// when nobody ingests meanwhile.
	Stored func(attempt string) (record.Attempt, bool)

	// Kept finds the attempt of a job beside the artifact it made: a worker may
	// be killed between its artifact and its result. Nil when none are made.
	Kept func(job Job) (record.Attempt, bool)
}

// Run makes one attempt and returns its result, which then also lies in the
// job's spool folder. The error means that not even this was possible.
func (r Runner) Run(ctx context.Context, job Job, progress func(Progress)) (record.Attempt, error) {
	started := time.Now()
	job.Version, job.Hold = Version, true
	if err := os.MkdirAll(r.LogDir, 0o755); err != nil {
		return record.Attempt{}, err
	}
	job.Log = filepath.Join(r.LogDir, job.Attempt+".log")
	log, err := os.Create(job.Log)
	if err != nil {
		return record.Attempt{}, err
	}
	defer log.Close()

	end := r.supervise(ctx, job, log, progress)
	a, err := record.ReadSpool(filepath.Join(job.Spool, job.Attempt+".json"))
	if err == nil && a.ID == job.Attempt && a.Stage == job.Stage {
		return r.tidy(a, job)
	}
	if errors.Is(err, os.ErrNotExist) && r.Stored != nil {
		if a, ok := r.Stored(job.Attempt); ok {
			return r.tidy(a, job)
		}
	}
	if r.Kept != nil {
		if a, ok := r.Kept(job); ok && a.ID == job.Attempt && a.Stage == job.Stage {
			_, err := record.WriteSpool(job.Spool, a)
			return a, err
		}
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		end.notes = append(end.notes, "its result could not be read: "+err.Error())
	}
	a = job.attempt("", "", started)
	a.Outcome, a.Reason = end.judge(job)
	if tail := lastLines(job.Log, 5); tail != "" {
		a.Log = job.Log + "\n" + tail
	}
	a = job.Dated(a)
	_, err = record.WriteSpool(job.Spool, a)
	return a, err
}

// tidy removes the log of an attempt that went well and had nothing to say.
func (r Runner) tidy(a record.Attempt, job Job) (record.Attempt, error) {
	if info, err := os.Stat(job.Log); err == nil && info.Size() == 0 && a.Outcome == record.OK {
		os.Remove(job.Log)
	}
	return a, nil
}

// LastLines is the end of what an attempt's worker printed, at most n lines.
func LastLines(a record.Attempt, n int) string {
	path, _, _ := strings.Cut(a.Log, "\n")
	return lastLines(path, n)
}

// ending is what is known of a worker that left no result.
type ending struct {
	start     error  // it could not be started
	memory    string // why it was killed for memory
	state     *os.ProcessState
	stopped   bool // we asked it to stop
	timedOut  bool
	oomKilled bool // the system killed some process for memory meanwhile
	notes     []string
}

func (r Runner) supervise(ctx context.Context, job Job, log *os.File, progress func(Progress)) (end ending) {
	args, err := r.Command(job.Device)
	if err != nil {
		end.start = err
		return end
	}
	cmd := exec.Command(args[0], args[1:]...)
	if self, err := os.Executable(); err == nil && strings.HasPrefix(args[0], "/proc/self/") {
		cmd.Args[0] = self // what lists of processes show
	}
	cmd.Env = gitenv.Clean(r.Env...)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us alone, and we decide
	stdin, err := cmd.StdinPipe()
	if err != nil {
		end.start = err
		return end
	}
	stdout, theirs, err := os.Pipe()
	if err != nil {
		end.start = err
		return end
	}
	defer stdout.Close()
	cmd.Stdout = theirs
	kills := machine.OOMKills()
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		end.start = err
		return end
	}
	group := -cmd.Process.Pid
	// Should the system run out of memory all the same, a worker is missed least.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid), []byte("500"), 0)
	if r.Began != nil {
		r.Began(job, machine.ProcessOf(cmd.Process.Pid))
	}
	lines := make(chan []string, 1)
	go func() { lines <- listen(stdout, log, progress) }()
	// The pipe stays open: its end tells the worker that we are gone. A worker
	// that dies before it has read the job gives an error here and shows in
	// how it ends.
	_ = json.NewEncoder(stdin).Encode(job)

	gone := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(ctx, job, cmd.Process.Pid, gone, &end)
	}()
	_ = cmd.Wait() // its state says how it ended
	close(gone)
	<-watched
	syscall.Kill(group, syscall.SIGKILL) // whatever it started, and what may still hold its output
	garbage := <-lines
	end.state = cmd.ProcessState
	end.oomKilled = machine.OOMKills() > kills
	if len(garbage) > 0 {
		end.notes = append(end.notes, fmt.Sprintf("it printed %d lines that are no messages, first %q", len(garbage), garbage[0]))
	}
	return end
}

// watch ends the process group of a worker that takes too much memory or time, or
// that is to stop and does not, and notes why; it returns when the worker is gone.
func (r Runner) watch(ctx context.Context, job Job, pid int, gone <-chan struct{}, end *ending) {
	memory := guard.watch(pid, job.MemoryLimit)
	defer guard.forget(memory)
	look := time.NewTicker(memoryInterval)
	defer look.Stop()
	var limit <-chan time.Time
	if job.Timeout > 0 {
		limit = time.After(job.Timeout + r.Grace) // the worker watches the time itself; this is for one that hangs
	}
	var grace <-chan time.Time
	stop := ctx.Done()
	for kill := false; !kill; {
		select {
		case <-gone:
			return
		case <-look.C:
			end.memory = guard.problem(memory)
			kill = end.memory != ""
		case <-limit:
			end.timedOut, kill = true, true
		case <-stop:
			end.stopped, stop = true, nil
			syscall.Kill(-pid, syscall.SIGTERM)
			grace = time.After(r.Grace)
		case <-grace:
			kill = true
		}
	}
	syscall.Kill(-pid, syscall.SIGKILL)
}

// listen passes progress on and returns the lines that are none, which also
// go to the log.
func listen(stdout io.Reader, log io.Writer, progress func(Progress)) (garbage []string) {
	const longest = 64 << 10
	in := bufio.NewReaderSize(stdout, longest)
	for {
		line, err := in.ReadSlice('\n')
		if text := strings.TrimSpace(string(line)); text != "" {
			var m message
			if json.Unmarshal([]byte(text), &m) == nil && m.Progress != nil {
				if progress != nil {
					progress(*m.Progress)
				}
			} else {
				fmt.Fprintln(log, text)
				if len(garbage) < 1000 {
					garbage = append(garbage, shorten(text, 80))
				}
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return garbage
		}
	}
}

// judge names the ending of a worker that left no result.
func (e ending) judge(job Job) (outcome, reason string) {
	outcome, reason = e.name(job)
	if len(e.notes) > 0 {
		reason += "; " + strings.Join(e.notes, "; ")
	}
	return outcome, reason
}

func (e ending) name(job Job) (outcome, reason string) {
	switch {
	case e.start == nil:
	case errors.Is(e.start, syscall.EAGAIN):
		return record.Interrupted, "the worker could not be started: " + tooManyProcesses
	case errors.Is(e.start, syscall.EMFILE), errors.Is(e.start, syscall.ENFILE):
		return record.Interrupted, "the worker could not be started: " + tooMany
	case errors.Is(e.start, syscall.ENOMEM):
		return record.OutOfMemory, "the worker could not be started: the system had no memory for it" + addressSpace()
	default:
		return record.Crash, "the worker could not be started: " + e.start.Error()
	}
	status, _ := e.state.Sys().(syscall.WaitStatus)
	switch {
	case e.memory != "":
		return record.OutOfMemory, e.memory
	case e.timedOut:
		return record.Timeout, fmt.Sprintf("no result after %v (measure.timeout); the worker did not stop by itself and was killed", job.Timeout)
	case e.stopped:
		return record.Interrupted, "the run was stopped"
	case says(job.Log, stalledText):
		return record.Timeout, stalledText + "a hundred times as long as its steps take (the log has the times); the next run goes on from " +
			"the last checkpoint"
	case status.Signaled() && status.Signal() == syscall.SIGKILL && e.oomKilled:
		return record.OutOfMemory, "the system killed the worker because memory ran out"
	case status.Signaled() && status.Signal() == syscall.SIGXCPU, says(job.Log, "SIGXCPU"), e.spentItsTime(status):
		return record.Timeout, ErrProcessorTime.Error()
	case says(job.Log, noThread...) && addressSpace() == "":
		return record.Crash, tooManyProcesses
	case saysOutOfMemory(job.Log):
		return record.OutOfMemory, "the worker found no more memory" + addressSpace()
	case addressSpace() != "" && runtimeMetNull(job.Log):
		return record.OutOfMemory, "the worker found no more memory (the Go runtime used an address that it did not get)" + addressSpace()
	case status.ExitStatus() == exitFull:
		return record.Interrupted, full + ": there is no room for the result in " + job.Spool
	case says(job.Log, syscall.ENOSPC.Error(), syscall.EDQUOT.Error()):
		return record.Interrupted, full + fatalLine(job.Log)
	case status.Signaled() && status.Signal() == syscall.SIGXFSZ, says(job.Log, "SIGXFSZ"):
		return record.Crash, tooLarge
	case says(job.Log, "too many open files"):
		return record.Crash, tooMany
	case status.Signaled():
		switch s := status.Signal(); s {
		case syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP:
			return record.Interrupted, fmt.Sprintf("the worker was ended from outside (%v)", s)
		default:
			return record.Crash, fmt.Sprintf("the worker died (%v)", s)
		}
	case status.ExitStatus() != 0:
		return record.Crash, fmt.Sprintf("the worker ended with exit code %d and without a result%s", status.ExitStatus(), fatalLine(job.Log))
	}
	return record.Crash, "the worker ended as if all were well, but without a result"
}

// spentItsTime says that a worker was killed at the limit of processor time: the
// system kills at the hard limit, without the signal that names it, and counts in
// other steps than it tells.
func (e ending) spentItsTime(status syscall.WaitStatus) bool {
	limit := machine.LimitsHere().CPUTime
	return limit > 0 && status.Signaled() && status.Signal() == syscall.SIGKILL &&
		e.state.UserTime()+e.state.SystemTime() >= limit-max(limit/10, time.Second/2)
}

// tooLarge and tooMany say which limit of the system an attempt has met.
const (
	tooLarge         = "a file became larger than the system allows this process to write (ulimit -f): raise the limit and retry"
	tooManyProcesses = "more processes and threads were to run than the system allows (ulimit -u, or pids.max of the control group): " +
		"raise the limit and retry"
	tooMany = "more files were to be open than the system allows this process (ulimit -n): raise the limit and retry"
)

// addressSpace is what to add about memory where the system limits it for a
// process.
func addressSpace() string {
	l := machine.LimitsHere()
	if n := l.AddressSpace; n > 0 {
		return fmt.Sprintf(": the system allows a process %s of address space (ulimit -v)", machine.Size(n))
	}
	if n := l.Data; n > 0 {
		return fmt.Sprintf(": the system allows a process %s of data (ulimit -d)", machine.Size(n))
	}
	return ""
}
