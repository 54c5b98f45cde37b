package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"prabench/harness/machine"
	"prabench/models/ranks"
	"prabench/results/record"
)

// Seat is where one of the processes that do a job together computes.
type Seat struct {
	Device string   `json:"device"`
	Env    []string `json:"env,omitempty"` // that its process needs to find it
}

// Team is the processes that do one job together, in the hands of the first of them:
// it starts the others, in its own process group, and none of them outlives it. Only
// the first writes files and a result.
type Team struct {
	ranks.Group
	job     Job
	meeting string
	kills   int64
	others  []*teammate
}

// teammate is another process of a team.
type teammate struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	gone  chan struct{} // closed when it has ended and the rest is known
	said  *said
}

// said is how a rank ended, as it says itself.
type said struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
}

// begin is what the first rank tells the others when it knows what there is to do.
type begin struct {
	From string `json:"from"`
}

// Gather starts the other processes of a job; a job for one process is a team of one.
func Gather(job Job) (*Team, error) {
	t := &Team{Group: ranks.Alone{}, job: job, kills: machine.OOMKills()}
	if len(job.Team) < 2 {
		return t, nil
	}
	var err error
	if t.meeting, err = ranks.Meet(len(job.Team)); err != nil {
		return nil, err
	}
	group, err := ranks.Join(t.meeting, 0)
	if err != nil {
		os.Remove(t.meeting)
		return nil, err
	}
	t.Group = group
	for r := 1; r < len(job.Team); r++ {
		m, err := t.start(r)
		if err != nil {
			t.End()
			return nil, fmt.Errorf("starting rank %d of %d: %w", r, len(job.Team), err)
		}
		t.others = append(t.others, m)
	}
	return t, nil
}

// start starts a rank: this program again, with a job of its own.
func (t *Team) start(rank int) (*teammate, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	job, seat := t.job, t.job.Team[rank]
	job.Rank, job.Meeting, job.Device, job.Hold = rank, t.meeting, seat.Device, true
	m := &teammate{cmd: exec.Command(self, os.Args[1:]...), gone: make(chan struct{})}
	m.cmd.Env = append(os.Environ(), seat.Env...)
	m.cmd.Stderr = os.Stderr
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	_ = json.NewEncoder(m.stdin).Encode(job) // one that died before it has read it shows in how it ends
	go func() {
		var s said
		if raw, _ := io.ReadAll(stdout); json.Unmarshal([]byte(strings.TrimSpace(string(raw))), &s) == nil && s.Outcome != "" {
			m.said = &s
		}
		_ = m.cmd.Wait() // its state says how it ended
		close(m.gone)
		t.Gone(rank)
	}()
	return m, nil
}

// Begin tells the others to begin, from what the first one knows to be there, and
// waits until all have.
func (t *Team) Begin(from string) error {
	for _, m := range t.others {
		_ = json.NewEncoder(m.stdin).Encode(begin{from}) // as above
	}
	if err := ranks.Agree(t.Group, "protocol", Version); err != nil {
		return t.Why(err)
	}
	os.Remove(t.meeting) // all have it open: nothing is left, however they end
	return nil
}

// Why gives an error for the loss of a rank the outcome of how that rank ended;
// another error stays what it is.
func (t *Team) Why(err error) error {
	rank, is := ranks.IsLost(err)
	if !is || rank < 1 || rank > len(t.others) {
		return err
	}
	m := t.others[rank-1]
	name := fmt.Sprintf("rank %d of %d on %s", rank, t.Size(), t.job.Team[rank].Device)
	select {
	case <-m.gone:
	case <-time.After(10 * time.Second):
		return &Refusal{record.Crash, name + " left the others and did not end"}
	}
	if m.said != nil {
		return &Refusal{m.said.Outcome, name + ": " + m.said.Reason}
	}
	end := ending{state: m.cmd.ProcessState, oomKilled: machine.OOMKills() > t.kills}
	outcome, reason := end.name(t.job)
	return &Refusal{outcome, name + ": " + reason}
}

// End ends the team. The others end when this process closes their standard input.
func (t *Team) End() {
	t.Close()
	for _, m := range t.others {
		_ = m.stdin.Close()
	}
	for _, m := range t.others {
		select {
		case <-m.gone:
		case <-time.After(3 * time.Second):
			_ = m.cmd.Process.Kill()
			<-m.gone
		}
	}
	if t.meeting != "" {
		os.Remove(t.meeting)
	}
}

// serveRank is the life of a rank after the first: it does what the first one does, in
// step with it, and ends with it. Signals to stop are the first one's.
func serveRank(job Job, in *json.Decoder, rest io.Reader, stdout, stderr io.Writer, do Stage) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR2, syscall.SIGHUP)
	told := make(chan begin, 1)
	go func() {
		var b begin
		if in.Decode(&b) == nil {
			told <- b
			_, _ = io.Copy(io.Discard, rest)
		}
		os.Exit(0) // the first rank has ended
	}()
	job.Begin = func() string { return (<-told).From }
	a := job.attempt(record.OK, "", time.Now())
	err := guarded(func() error { return do(context.Background(), job, func(Progress) {}, &a) }, stderr)
	if _, lost := ranks.IsLost(err); err == nil || lost { // the first one knows more of a loss
		return 0
	}
	var s said
	s.Outcome, s.Reason = judge(err)
	fmt.Fprintf(stderr, "rank %d: %s: %s\n", job.Rank, s.Outcome, s.Reason)
	if json.NewEncoder(stdout).Encode(s) != nil {
		return 4
	}
	return 1
}
