package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/device"
	"prabench/results/record"
)

// Causes with which the context of a stage ends.
var (
	ErrStopped = errors.New("the worker was asked to stop")
	ErrTimeout = errors.New("the time allowed by measure.timeout is over")

	ErrProcessorTime = errors.New("the worker had used the processor time that the system allows a process (ulimit -t): raise it and retry")
)

// Stage does a job: it fills in the values, samples, protocol and artifacts of
// the attempt. When ctx ends it saves what it can go on from and returns soon,
// with context.Cause(ctx) as or in its error.
type Stage func(ctx context.Context, job Job, report func(Progress), a *record.Attempt) error

// Serve is a worker's whole life: it reads one job from stdin, does it, writes
// the result into the spool folder, and returns the exit code: 0 when the
// outcome is ok, 1 for any other outcome, 4 when no result could be written, 5
// when the disk had no room for it.
func Serve(stdin io.Reader, stdout, stderr io.Writer, do Stage) int {
	signal.Ignore(syscall.SIGXFSZ) // the write itself says which file it was
	in := json.NewDecoder(stdin)
	var job Job
	if err := in.Decode(&job); err != nil {
		fmt.Fprintf(stderr, "prabench worker: a job is expected as JSON on the standard input: %v\n", err)
		return 4
	}
	if job.Version != Version {
		fmt.Fprintf(stderr, "prabench worker: the job has version %d, this program knows %d: build both programs from one revision\n",
			job.Version, Version)
		return 4
	}
	if job.Rank > 0 {
		return serveRank(job, in, stdin, stdout, stderr, do)
	}
	ctx, cancel := stopping(job, stdin)
	defer cancel()

	a := job.attempt(record.OK, "", time.Now())
	a.Finished = time.Time{}
	err := guarded(func() error { return do(ctx, job, reporter(stdout), &a) }, stderr)
	if err != nil {
		a.Values, a.Readings, a.Artifacts = nil, nil, nil
		a.Outcome, a.Reason = judge(err)
		fmt.Fprintf(stderr, "%s: %s\n", a.Outcome, a.Reason)
	}
	if a.Finished.IsZero() || a.Outcome != record.OK {
		a.Finished = time.Now()
	}
	a = job.Dated(a)
	if err := a.Check(); err != nil && a.Outcome == record.OK {
		a.Values, a.Readings, a.Artifacts = nil, nil, nil
		a.Outcome, a.Reason = record.Invalid, "the result cannot be stored: "+err.Error()
	}
	if _, err := record.WriteSpool(job.Spool, a); err != nil {
		fmt.Fprintf(stderr, "prabench worker: the result could not be written: %v\n", err)
		if IsFull(err) {
			return exitFull
		}
		return 4
	}
	if a.Outcome != record.OK {
		return 1
	}
	return 0
}

// stalledText is what a worker says that ends itself for a step that does not end.
const stalledText = "the training stood still: no step for "

// Stalled ends the process of a training whose step does not end, in which nothing
// else can be stopped. The runner finds the reason in the log.
func Stalled(quiet, limit time.Duration) {
	fmt.Fprintf(os.Stderr, "%s%v, %v are allowed\n", stalledText, quiet.Round(time.Second), limit.Round(time.Second))
	os.Exit(1)
}

// stopping is a context that ends with the first signal, the time-out or, for
// a held worker, the end of the run that holds it.
func stopping(job Job, stdin io.Reader) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancelCause(context.Background())
	cancel := func() { stop(nil) }
	if job.Timeout > 0 {
		var c context.CancelFunc
		ctx, c = context.WithTimeoutCause(ctx, job.Timeout, ErrTimeout)
		cancel = func() { c(); stop(nil) }
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR2, syscall.SIGXCPU)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	// Further signals change nothing: a batch system signals every process of a
	// job and the run tells its worker as well, and the second must not end it
	// while it saves.
	go func() {
		select {
		case s := <-signals:
			if s == syscall.SIGXCPU { // the soft limit; the hard one kills
				stop(ErrProcessorTime)
			}
			stop(ErrStopped)
		case <-ctx.Done():
		}
	}()
	if job.Hold {
		go func() {
			_, _ = io.Copy(io.Discard, stdin) // an error is an end as well
			stop(ErrStopped)
		}()
	}
	return ctx, cancel
}

// reporter writes progress, at most ten lines per second and always the last.
func reporter(w io.Writer) func(Progress) {
	var mu sync.Mutex
	var last time.Time
	out := json.NewEncoder(w)
	return func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= 100*time.Millisecond || p.Done == p.Total {
			last = now
			_ = out.Encode(message{&p}) // the listener may be gone; the work goes on
		}
	}
}

// guarded turns a panic into an error; its stack goes to the log.
func guarded(f func() error, stderr io.Writer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "panic: %v\n%s", p, debug.Stack())
			if of, is := p.(error); is && IsFull(of) {
				err = of
				return
			}
			err = &Refusal{record.Crash, fmt.Sprintf("the program has a fault: %v (the log has the stack)", p)}
		}
	}()
	return f()
}

// judge gives an error its outcome.
func judge(err error) (outcome, reason string) {
	var known *Refusal
	var key *models.KeyError
	var data *dataset.Error
	switch {
	case errors.Is(err, ErrTimeout):
		return record.Timeout, ErrTimeout.Error() + afterCause(err, ErrTimeout)
	case errors.Is(err, ErrProcessorTime):
		return record.Timeout, ErrProcessorTime.Error() + afterCause(err, ErrProcessorTime)
	case errors.Is(err, ErrStopped), errors.Is(err, context.Canceled):
		return record.Interrupted, ErrStopped.Error() + afterCause(err, ErrStopped)
	case IsFull(err):
		return record.Interrupted, full + ": " + err.Error()
	case errors.As(err, &known):
		return known.Outcome, known.Reason
	case errors.As(err, &key), errors.As(err, &data):
		return record.Invalid, err.Error()
	case errors.Is(err, syscall.EFBIG):
		return record.Crash, tooLarge + " (" + err.Error() + ")"
	case errors.Is(err, syscall.EMFILE):
		return record.Crash, tooMany + " (" + err.Error() + ")"
	case errors.Is(err, device.ErrOutOfMemory), errors.Is(err, syscall.ENOMEM):
		return record.OutOfMemory, err.Error()
	}
	return record.Crash, err.Error()
}

// afterCause keeps what a stage added to the cause, such as where it stopped.
func afterCause(err, cause error) string {
	if more := strings.TrimSpace(strings.Trim(strings.ReplaceAll(err.Error(), cause.Error(), ""), ": ")); more != "" &&
		more != context.Canceled.Error() {
		return ": " + more
	}
	return ""
}
