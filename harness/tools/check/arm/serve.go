package arm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"prabench/harness/machine"
	"prabench/harness/worker"
	"prabench/models"
	"prabench/models/device"
	"prabench/results/record"
)

// Serve is an arm's whole life: it answers requests until they end, and
// returns the exit code.
func Serve(stdin io.Reader, stdout, stderr io.Writer) int {
	in, out := json.NewDecoder(stdin), json.NewEncoder(stdout)
	a := &server{extra: extraWork()}
	defer a.close()
	for {
		var q Request
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return 0
		} else if err != nil {
			fmt.Fprintf(stderr, "prabench arm: requests are expected as lines of JSON on the standard input: %v\n", err)
			return 4
		}
		answer, err := a.guarded(q)
		if err != nil {
			answer = Answer{}
			answer.Outcome, answer.Reason = outcome(err)
		}
		answer.Resident, answer.Used = machine.PeakResident(), used()
		if err := out.Encode(answer); err != nil {
			return 4
		}
	}
}

// guarded turns a panic into a crash that is reported.
func (a *server) guarded(q Request) (answer Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the program has a fault: %v", p)
		}
	}()
	if q.Version != Version {
		return answer, worker.Invalid("the request has version %d, this program knows %d", q.Version, Version)
	}
	switch q.Do {
	case Open:
		return a.open(q)
	case Time:
		return a.time(context.Background(), q)
	case Machine:
		return a.machine()
	}
	return answer, worker.Invalid("this program's arm knows no %q", q.Do)
}

func outcome(err error) (outcome, reason string) {
	var known *worker.Refusal
	var key *models.KeyError
	switch {
	case errors.As(err, &known):
		return known.Outcome, known.Reason
	case errors.As(err, &key):
		return record.Invalid, err.Error()
	case errors.Is(err, device.ErrOutOfMemory), errors.Is(err, syscall.ENOMEM):
		return record.OutOfMemory, err.Error()
	}
	return record.Crash, err.Error()
}

// used is the processor time of this process in seconds.
func used() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// extraWork is the share of extra work a call, see [ExtraWork].
func extraWork() float64 {
	var share float64
	if _, err := fmt.Sscanf(os.Getenv(ExtraWork), "%g", &share); err != nil || share < 0 {
		return 0
	}
	return share
}
