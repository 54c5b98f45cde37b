package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// Patience is how long a command that is asked to end, and saves nothing, may take. A
// wait that knows nothing of a context (a lock of SQLite, a file system that hangs, a
// library) would go on longer: then the process ends. What is written is written
// whole, so that nothing is lost.
const Patience = 800 * time.Millisecond

// Stop is a command's end before it is done, by Ctrl-C or another signal.
type Stop struct {
	Out    io.Writer
	Again  string      // the command line that goes on
	Works  func() bool // says whether workers save what they are at; nil: never
	Code   int         // of the process, where it ends it
	asked  atomic.Bool
	exit   func(code int)                              // os.Exit, but for tests
	notify func(c chan<- os.Signal, sigs ...os.Signal) // signal.Notify, but for tests
}

// Context ends with the first signal. The second ends the process, whose workers then
// save by themselves, and so does [Patience] where no worker is at anything.
func (s *Stop) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	signals := make(chan os.Signal, 2)
	notify, exit := s.notify, s.exit
	if notify == nil {
		notify, exit = signal.Notify, os.Exit
	}
	notify(signals, Stops()...)
	go func() {
		select {
		case <-done:
			return
		case <-signals:
		}
		s.asked.Store(true)
		var late <-chan time.Time
		if s.Works != nil && s.Works() {
			fmt.Fprintln(s.Out, "\nstopping: trainings save a checkpoint first (press Ctrl-C again not to wait)")
		} else {
			fmt.Fprintln(s.Out, "\nstopping")
			late = time.After(Patience)
		}
		cancel()
		select {
		case <-done:
			return
		case <-signals:
		case <-late:
			fmt.Fprintln(s.Out, s.sentence())
		}
		exit(s.Code)
	}()
	var ended atomic.Bool
	return ctx, func() {
		if !ended.Swap(true) {
			close(done)
		}
		signal.Stop(signals)
		cancel()
	}
}

func (s *Stop) sentence() string {
	return "stopped before its end; what was finished is kept; to go on: " + s.Again
}

// Ended says of an error whether it is only that somebody asked for an end, and says so
// in place of it.
func (s *Stop) Ended(err error) bool {
	if s == nil || !s.asked.Load() || !errors.Is(err, context.Canceled) {
		return false
	}
	fmt.Fprintln(s.Out, s.sentence())
	return true
}

// Stops are the signals that ask for an end: Ctrl-C, kill, a terminal that hangs up
// and Ctrl-\. One that was to be ignored from the start stays so: nohup.
func Stops() (all []os.Signal) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			all = append(all, s)
		}
	}
	return all
}
