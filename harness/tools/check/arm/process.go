package arm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"prabench/internal/gitenv"
	"prabench/results/record"
)

// Process is an arm that runs.
type Process struct {
	Name string // of the arm, for messages

	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *json.Decoder
	said   *tail
	broken error
}

// Start starts an arm: command is the program with its arguments, env is added
// to this process's environment.
func Start(name string, command, env []string) (*Process, error) {
	p := &Process{Name: name, cmd: exec.Command(command[0], command[1:]...), said: &tail{}}
	p.cmd.Env = gitenv.Clean(env...)
	p.cmd.Stderr = p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us alone
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(bufio.NewReader(stdout))
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the %s program could not be started: %w", name, err)
	}
	return p, nil
}

// Fault is an arm that could not do what it was asked for.
type Fault struct {
	Arm     string // its name
	Outcome string // one of results' outcomes
	Reason  string
}

func (e *Fault) Error() string { return fmt.Sprintf("the %s arm: %s: %s", e.Arm, e.Outcome, e.Reason) }

// Ask sends a request and waits for its answer. The end of ctx kills the arm.
// Errors are faults of the arm, or the context's cause.
func (p *Process) Ask(ctx context.Context, q Request) (Answer, error) {
	if p.broken != nil {
		return Answer{}, p.broken
	}
	q.Version = Version
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()
	var a Answer
	err := json.NewEncoder(p.in).Encode(q)
	if err == nil {
		err = p.out.Decode(&a)
	}
	switch {
	case ctx.Err() != nil:
		p.broken = context.Cause(ctx)
		return a, p.broken
	case err != nil:
		p.broken = &Fault{p.Name, record.Crash, p.ending()}
		return a, p.broken
	case a.Outcome != "":
		return a, &Fault{p.Name, a.Outcome, a.Reason}
	}
	return a, nil
}

// ending says how an arm ended that answers no more.
func (p *Process) ending() string {
	p.in.Close()
	p.kill()
	_ = p.cmd.Wait() // its state says how it ended
	reason := "it ended without an answer"
	if s := p.cmd.ProcessState; s != nil && !(s.Sys().(syscall.WaitStatus).Signaled()) {
		reason = fmt.Sprintf("it ended with exit code %d and no answer", s.ExitCode())
	}
	if said := p.said.String(); said != "" {
		reason += "; it said: " + said
	}
	return reason
}

func (p *Process) kill() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Close ends the arm and waits for it.
func (p *Process) Close() {
	if p.broken == nil {
		p.broken = errors.New("the arm was closed")
	}
	p.in.Close()
	late := time.AfterFunc(5*time.Second, p.kill)
	defer late.Stop()
	_ = p.cmd.Wait() // its state says how it ended
}

// tail keeps the end of what an arm printed.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-2000):]
	return len(b), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.b)) }
