package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/harness/worker"
	"prabench/results/record"
)

// playLimited are the parts of workers that meet limits of the system, and
// "run PART DIR" of the process that starts such a worker: limits are those of
// the run, which its workers inherit.
func playLimited(part string) int {
	if rest, ok := strings.CutPrefix(part, "run "); ok {
		part, dir, _ := strings.Cut(rest, ":")
		self, _ := os.Executable()
		r := worker.Runner{
			Command: func(string) ([]string, error) { return []string{self}, nil },
			Env:     []string{role + "=" + part}, LogDir: filepath.Join(dir, "log"), Grace: time.Second,
		}
		a, err := r.Run(context.Background(), worker.Job{
			Attempt: record.NewAttemptID(), Stage: strings.Repeat("ab", 32), Kind: "train", Settings: json.RawMessage(`{}`), Device: "cpu",
			Threads: 1, Spool: filepath.Join(dir, "spool"), Artifacts: dir, Timeout: time.Minute,
		}, nil)
		if err != nil {
			os.Stderr.WriteString(err.Error())
			return 1
		}
		json.NewEncoder(os.Stdout).Encode(a)
		return 0
	}
	do := func(ctx context.Context, job worker.Job, _ func(worker.Progress), _ *record.Attempt) error {
		switch part {
		case "spin":
			for ctx.Err() == nil { // all the processor time there is
			}
			return context.Cause(ctx)
		case "large file":
			return os.WriteFile(filepath.Join(job.Artifacts, "model"), make([]byte, 4<<20), 0o644)
		case "many files":
			for {
				if _, err := os.Open(os.DevNull); err != nil {
					return err
				}
			}
		case "quota":
			return fmt.Errorf("keeping the model: %w", &os.PathError{Op: "write", Path: "model", Err: syscall.EDQUOT})
		case "no space, panicking":
			panic(fmt.Errorf("checkpoint: %w", syscall.ENOSPC))
		case "result without room":
			_, _ = os.Stderr.WriteString("what it says is no help\n")
			os.Exit(5)
		case "many threads":
			fmt.Fprintln(os.Stderr, "runtime: failed to create new OS thread (have 9 already; errno=11)\nfatal error: newosproc")
			os.Exit(2)
		case "thread without memory": // its reason stands before a long list of registers and stacks
			fmt.Fprintln(os.Stderr, "runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\nPC=0x7f028dc35eec m=6 "+
				"sigcode=18446744073709551610\n\ngoroutine 0 gp=0x14c19f3485a0 m=6 mp=0x14c19f245008 [idle]:\n"+
				strings.Repeat("00007f0244f1a810: 00000000 00000000  00000000 00000000  ................\n", 4000))
			os.Exit(2)
		case "null in the collector", "null in C":
			frame := "runtime.(*spanQueue).tryDrain(0x7f6c00000400?, 0x443a85?, 0xec1f68?)"
			if part == "null in C" {
				frame = "runtime: g 0 gp=0x14c19f3485a0: unknown pc 0x7f028dc35eec"
			}
			fmt.Fprintln(os.Stderr, "SIGSEGV: segmentation violation\nPC=0x43b2fd m=10 sigcode=1 addr=0x0\n\n"+
				"goroutine 0 gp=0x375e231012c0 m=10 mp=0x375e23103008 [idle]:\n"+frame)
			os.Exit(2)
		case "null in the runtime":
			fmt.Fprintln(os.Stderr, "fatal error: unexpected signal during runtime execution\n"+
				"[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x43b2fd]")
			os.Exit(2)
		case "no thread for OpenMP":
			fmt.Fprintln(os.Stderr, "libgomp: Thread creation failed: Resource temporarily unavailable")
			os.Exit(1)
		case "much memory":
			held := map[int][]byte{}
			for i := 0; ; i++ {
				held[i] = make([]byte, 64<<20)
			}
		}
		return nil
	}
	return worker.Serve(os.Stdin, os.Stdout, os.Stderr, do)
}

// Where a limit of the system binds, the attempt has a typed outcome and the
// reason names the limit.
func TestLimitsOfTheSystemHaveAnOutcome(t *testing.T) {
	for _, c := range []struct{ limit, part, outcome, reason string }{
		{"ulimit -t 1", "spin", record.Timeout, "ulimit -t"},
		{"ulimit -S -t 1", "spin", record.Timeout, "ulimit -t"},
		{"ulimit -f 2048", "large file", record.Crash, "ulimit -f"},
		{"ulimit -f 2048", "large file", record.Crash, "/model"}, // and which file it was
		{"true", "many threads", record.Crash, "pids.max"},
		{"ulimit -d 400000", "much memory", record.OutOfMemory, "ulimit -d"},
		{"ulimit -n 40", "many files", record.Crash, "ulimit -n"},
		{"ulimit -v 2000000", "much memory", record.OutOfMemory, "ulimit -v"},
		{"ulimit -d 400000", "thread without memory", record.OutOfMemory, "ulimit -d"},
		{"true", "thread without memory", record.Crash, "pids.max"},
		{"ulimit -d 400000", "no thread for OpenMP", record.OutOfMemory, "ulimit -d"},
		{"true", "no thread for OpenMP", record.Crash, "pids.max"},
		{"ulimit -d 400000", "null in the collector", record.OutOfMemory, "ulimit -d"},
		{"true", "null in the collector", record.Crash, "SIGSEGV"},
		{"ulimit -d 400000", "null in the runtime", record.OutOfMemory, "ulimit -d"},
		{"true", "null in the runtime", record.Crash, "unexpected signal"},
		{"ulimit -d 400000", "null in C", record.Crash, "SIGSEGV"}, // perhaps a fault of ours
	} {
		t.Run(c.limit, func(t *testing.T) {
			if raceDetector && (strings.HasPrefix(c.limit, "ulimit -v") || strings.HasPrefix(c.limit, "ulimit -d")) {
				t.Skip("the race detector takes more address space than this")
			}
			cmd := exec.Command("sh", "-c", c.limit+` && exec "$0"`, os.Args[0])
			cmd.Env = append(os.Environ(), role+"=run "+c.part+":"+t.TempDir())
			out, err := cmd.Output()
			if err != nil {
				t.Skipf("%s is not possible here: %v", c.limit, err)
			}
			var a record.Attempt
			if err := json.Unmarshal(out, &a); err != nil {
				t.Fatalf("%v in %q", err, out)
			}
			if a.Outcome != c.outcome || !strings.Contains(a.Reason, c.reason) {
				t.Errorf("%s: %s", a.Outcome, a.Reason)
			}
		})
	}
}

// A full disk or a quota is no fault of the attempt: it is interrupted and named,
// so that the run stops and the next one goes on.
func TestWantOfRoomHasAnOutcome(t *testing.T) {
	for _, part := range []string{"quota", "no space, panicking", "result without room"} {
		t.Run(part, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), role+"=run "+part+":"+t.TempDir())
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var a record.Attempt
			if err := json.Unmarshal(out, &a); err != nil {
				t.Fatalf("%v in %q", err, out)
			}
			if !worker.EndedByFullDisk(a) {
				t.Errorf("%s: %s", a.Outcome, a.Reason)
			}
		})
	}
}
