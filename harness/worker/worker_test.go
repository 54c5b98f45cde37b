package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/harness/machine"
	"prabench/harness/worker"
	"prabench/models"
	"prabench/models/device"
	"prabench/results/record"
)

// The test program is its own worker: with this variable set it behaves, or
// misbehaves, as the value says.
const role = "PRABENCH_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(role) != "" {
		os.Exit(play(os.Getenv(role)))
	}
	os.Exit(m.Run())
}

func play(part string) int {
	serve := func(do worker.Stage) int { return worker.Serve(os.Stdin, os.Stdout, os.Stderr, do) }
	fail := func(err error) int {
		return serve(func(context.Context, worker.Job, func(worker.Progress), *record.Attempt) error { return err })
	}
	wait := func(ctx context.Context, _ worker.Job, report func(worker.Progress), _ *record.Attempt) error {
		report(worker.Progress{Done: 1, Total: 100, What: "waiting"})
		<-ctx.Done()
		return fmt.Errorf("%w: saved at step 17", context.Cause(ctx))
	}
	switch part {
	case "good":
		return serve(func(_ context.Context, job worker.Job, report func(worker.Progress), a *record.Attempt) error {
			fmt.Fprintln(os.Stderr, "a remark for the log")
			for i := range 3 {
				report(worker.Progress{Done: int64(i + 1), Total: 3, What: "working"})
			}
			a.Values = []record.Value{{Metric: "train_loss", Unit: "1", Value: 0.5, N: 1}}
			return nil
		})
	case "nan":
		return serve(func(_ context.Context, _ worker.Job, _ func(worker.Progress), a *record.Attempt) error {
			zero := 0.0
			a.Values = []record.Value{{Metric: "train_loss", Unit: "1", Value: zero / zero, N: 1}}
			return nil
		})
	case "invalid":
		return fail(&models.KeyError{Key: "model.patch", Problem: "5 does not divide 28"})
	case "device full":
		return fail(fmt.Errorf("allocating the cache: %w", device.ErrOutOfMemory))
	case "error":
		return fail(fmt.Errorf("the disk is on fire"))
	case "panic":
		return serve(func(context.Context, worker.Job, func(worker.Progress), *record.Attempt) error { panic("impossible") })
	case "wait":
		return serve(wait)
	case "garbage":
		fmt.Println("Segmentation faul")
		fmt.Println(`{"progress":`)
		return 0
	case "garbage, then good":
		fmt.Println("some library greets")
		return play("good")
	case "exit 0":
		return 0
	case "exit 3":
		fmt.Fprintln(os.Stderr, "first line\nlast words")
		return 3
	case "no memory":
		fmt.Fprintln(os.Stderr, "fatal error: runtime: out of memory")
		return 2
	case "segv", "kill":
		sig := map[string]syscall.Signal{"segv": syscall.SIGSEGV, "kill": syscall.SIGKILL}[part]
		signal.Reset(sig)
		syscall.Kill(os.Getpid(), sig)
		time.Sleep(time.Minute)
	case "hang":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		fmt.Println(`{"progress":{"done":1,"total":2}}`)
		time.Sleep(time.Minute)
	case "orphan": // leaves a child that keeps its output open
		os.Setenv(role, "hang")
		child, err := os.StartProcess(os.Args[0], []string{os.Args[0]}, &os.ProcAttr{
			Env: os.Environ(), Files: []*os.File{nil, os.Stdout, os.Stderr},
		})
		if err != nil {
			return 9
		}
		child.Release()
		return 3
	case "allocate":
		fmt.Fprintln(os.Stderr, "taking all there is")
		var held [][]byte
		for {
			held = append(held, make([]byte, 8<<20))
			for i := range held[len(held)-1] {
				held[len(held)-1][i] = 1
			}
			time.Sleep(2 * time.Millisecond)
		}
	case "allocate in a child":
		os.Setenv(role, "allocate")
		child, err := os.StartProcess(os.Args[0], []string{os.Args[0]}, &os.ProcAttr{
			Env: os.Environ(), Files: []*os.File{nil, os.Stdout, os.Stderr},
		})
		if err != nil {
			return 9
		}
		child.Wait()
	case "torn result":
		var job worker.Job
		json.NewDecoder(os.Stdin).Decode(&job)
		os.MkdirAll(job.Spool, 0o755)
		os.WriteFile(filepath.Join(job.Spool, job.Attempt+".json"), []byte(`{"id":`), 0o644)
	default:
		return playLimited(part)
	}
	return 0
}

type bench struct {
	runner worker.Runner
	job    worker.Job
}

func setup(t *testing.T, part string) bench {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return bench{
		runner: worker.Runner{
			Command: func(string) ([]string, error) { return []string{self}, nil },
			Env:     []string{role + "=" + part}, LogDir: filepath.Join(dir, "log"), Grace: 300 * time.Millisecond,
		},
		job: worker.Job{
			Attempt: record.NewAttemptID(), Stage: strings.Repeat("ab", 32), Kind: "train", Cell: "c1",
			Settings: json.RawMessage(`{}`), Device: "cpu", Threads: 1, Spool: filepath.Join(dir, "spool"), Timeout: time.Minute,
		},
	}
}

func (b bench) run(t *testing.T, ctx context.Context, progress func(worker.Progress)) record.Attempt {
	t.Helper()
	a, err := b.runner.Run(ctx, b.job, progress)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := record.ReadSpool(filepath.Join(b.job.Spool, b.job.Attempt+".json"))
	if err != nil || stored.Outcome != a.Outcome || stored.Reason != a.Reason || stored.ID != b.job.Attempt || stored.Stage != b.job.Stage {
		t.Errorf("the spool holds %+v (%v), the runner answered %+v", stored, err, a)
	}
	return a
}

func TestEveryEndingHasItsOutcome(t *testing.T) {
	for _, c := range []struct{ part, outcome, reason, log string }{
		{"good", record.OK, "", ""},
		{"garbage, then good", record.OK, "", ""},
		{"nan", record.Invalid, "train_loss or its interval is NaN", ""},
		{"invalid", record.Invalid, "model.patch: 5 does not divide 28", ""},
		{"device full", record.OutOfMemory, "allocating the cache: out of device memory", ""},
		{"error", record.Crash, "the disk is on fire", ""},
		{"panic", record.Crash, "the program has a fault: impossible", ""},
		{"garbage", record.Crash, `without a result; it printed 2 lines that are no messages, first "Segmentation faul"`, "Segmentation faul"},
		{"exit 0", record.Crash, "as if all were well, but without a result", ""},
		{"exit 3", record.Crash, "exit code 3", "last words"},
		{"no memory", record.OutOfMemory, "found no more memory", "runtime: out of memory"},
		{"segv", record.Crash, "(SIGSEGV", ""},
		{"kill", record.Interrupted, "from outside (killed)", ""},
		{"orphan", record.Crash, "exit code 3", ""},
		{"torn result", record.Crash, "its result could not be read", ""},
	} {
		t.Run(c.part, func(t *testing.T) {
			t.Parallel()
			a := setup(t, c.part).run(t, context.Background(), nil)
			if a.Outcome != c.outcome || !strings.Contains(a.Reason, c.reason) || (c.reason == "") != (a.Reason == "") {
				t.Errorf("outcome %s: %s", a.Outcome, a.Reason)
			}
			if !strings.Contains(a.Log, c.log) {
				t.Errorf("the log says %q", a.Log)
			}
		})
	}
}

func TestResultAndProgressArrive(t *testing.T) {
	b := setup(t, "good")
	var last worker.Progress
	a := b.run(t, context.Background(), func(p worker.Progress) { last = p })
	if last != (worker.Progress{Done: 3, Total: 3, What: "working"}) {
		t.Errorf("last progress %+v", last)
	}
	if len(a.Values) != 1 || a.Values[0].Value != 0.5 || a.Cell != "c1" || a.Finished.Before(a.Started) {
		t.Errorf("%+v", a)
	}
	log, err := os.ReadFile(filepath.Join(b.runner.LogDir, b.job.Attempt+".log"))
	if err != nil || !strings.Contains(string(log), "a remark for the log") {
		t.Errorf("log %q, %v", log, err)
	}
}

func TestAResultThatWasTakenInMeanwhileCounts(t *testing.T) {
	b := setup(t, "exit 0") // leaves nothing in the spool: as if another had ingested it
	taken := record.Attempt{ID: b.job.Attempt, Stage: b.job.Stage, Kind: "train", Outcome: record.OK}
	b.runner.Stored = func(id string) (record.Attempt, bool) { return taken, id == b.job.Attempt }
	a, err := b.runner.Run(context.Background(), b.job, nil)
	if err != nil || a.Outcome != record.OK {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestAResultBesideItsArtifactCounts(t *testing.T) {
	b := setup(t, "kill") // killed after its artifact was there, before its result was
	kept := record.Attempt{ID: b.job.Attempt, Stage: b.job.Stage, Kind: "train", Outcome: record.OK}
	b.runner.Kept = func(worker.Job) (record.Attempt, bool) { return kept, true }
	if a := b.run(t, context.Background(), nil); a.Outcome != record.OK {
		t.Errorf("%+v", a)
	}
	b = setup(t, "kill")
	b.runner.Kept = func(worker.Job) (record.Attempt, bool) { return kept, true } // another attempt's
	if a := b.run(t, context.Background(), nil); a.Outcome != record.Interrupted {
		t.Errorf("another attempt's result was taken: %+v", a)
	}
}

func TestAStopLetsTheWorkerSave(t *testing.T) {
	b := setup(t, "wait")
	b.runner.Grace = 10 * time.Second
	ctx, cancel := context.WithCancel(context.Background())
	a := b.run(t, ctx, func(worker.Progress) { cancel() })
	if a.Outcome != record.Interrupted || !strings.Contains(a.Reason, "saved at step 17") {
		t.Errorf("%s: %s", a.Outcome, a.Reason)
	}
}

func TestAWorkerThatWillNotStopIsKilled(t *testing.T) {
	b := setup(t, "hang")
	ctx, cancel := context.WithCancel(context.Background())
	start := time.Now()
	a := b.run(t, ctx, func(worker.Progress) { cancel() })
	if a.Outcome != record.Interrupted || time.Since(start) > 20*time.Second {
		t.Errorf("%s: %s, after %v", a.Outcome, a.Reason, time.Since(start))
	}
}

func TestTimeout(t *testing.T) {
	for _, part := range []string{"wait", "hang"} {
		var a record.Attempt
		// On a busy machine the worker may not have begun when a short timeout is over,
		// and then it has nothing to save.
		for timeout := 200 * time.Millisecond; timeout < 30*time.Second; timeout *= 4 {
			b := setup(t, part)
			b.job.Timeout = timeout
			begun := false
			a = b.run(t, context.Background(), func(worker.Progress) { begun = true })
			if a.Outcome != record.Timeout || !strings.Contains(a.Reason, "measure.timeout") {
				t.Errorf("%s: %s: %s", part, a.Outcome, a.Reason)
			}
			if begun {
				break
			}
		}
		if part == "wait" && !strings.Contains(a.Reason, "saved at step 17") {
			t.Errorf("%s: %s", part, a.Reason)
		}
	}
}

func TestAProgramThatDoesNotExist(t *testing.T) {
	b := setup(t, "good")
	b.runner.Command = func(string) ([]string, error) { return []string{"/nowhere/prabench"}, nil }
	if a := b.run(t, context.Background(), nil); a.Outcome != record.Crash || !strings.Contains(a.Reason, "could not be started") {
		t.Errorf("%s: %s", a.Outcome, a.Reason)
	}
}

func TestTheEndOfTheRunStopsItsWorker(t *testing.T) {
	b := setup(t, "wait")
	b.job.Version, b.job.Hold = worker.Version, true
	line, _ := json.Marshal(b.job)
	done := make(chan int)
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		done <- worker.Serve(in, discard{}, discard{}, func(ctx context.Context, _ worker.Job, _ func(worker.Progress), _ *record.Attempt) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	out.Write(line)
	out.Close() // as the system does for a run that was killed
	if code := <-done; code != 1 {
		t.Errorf("exit code %d", code)
	}
	if a, err := record.ReadSpool(filepath.Join(b.job.Spool, b.job.Attempt+".json")); err != nil || a.Outcome != record.Interrupted {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestAJobThatCannotBeRead(t *testing.T) {
	for _, in := range []string{"", "garbage", `{"version":99}`} {
		var out strings.Builder
		if code := worker.Serve(strings.NewReader(in), discard{}, &out, nil); code != 4 || out.String() == "" {
			t.Errorf("%q: exit code %d, %q", in, code, out.String())
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestAWorkerThatTakesTooMuchMemoryIsKilledForIt(t *testing.T) {
	for _, part := range []string{"allocate", "allocate in a child"} {
		t.Run(part, func(t *testing.T) {
			b := setup(t, part)
			b.job.MemoryLimit = 300 << 20
			a := b.run(t, context.Background(), nil)
			if a.Outcome != record.OutOfMemory || !strings.Contains(a.Reason, "may hold 300 MiB (measure.memory_limit): it was killed") {
				t.Errorf("%s: %s", a.Outcome, a.Reason)
			}
			if !strings.Contains(worker.LastLines(a, 3), "taking all there is") {
				t.Errorf("the log says %q", a.Log)
			}
		})
	}
}

func TestTheWorkersProcessIsNamedBeforeItsJobIsSent(t *testing.T) {
	b := setup(t, "good")
	var named machine.Process
	progressed := false
	b.runner.Began = func(_ worker.Job, p machine.Process) { named = p; progressed = false }
	b.run(t, context.Background(), func(worker.Progress) { progressed = true })
	if named.PID <= 0 || named.Start == "" || named.Alive() || !progressed {
		t.Errorf("%+v, alive %v, progress after it: %v", named, named.Alive(), progressed)
	}
}
