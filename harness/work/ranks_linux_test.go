package work

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/machine"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/models/pra"
	"prabench/results/record"
)

// The test program is its own worker.
const asWorker = "PRABENCH_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		os.Exit(worker.Serve(os.Stdin, os.Stdout, os.Stderr, Do))
	}
	os.Exit(m.Run())
}

// attempt makes one attempt at a stage in processes of its own, as a run does. watch
// sees its progress, with the process of its first rank.
func attempt(t *testing.T, root string, s stage.Settings, kind *stage.Kind, size int,
	watch func(pid int, p worker.Progress),
) record.Attempt {
	t.Helper()
	chain, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	all := chain.Stages()
	st := all[slices.IndexFunc(all, func(st stage.Stage) bool { return st.Kind == kind })]
	if s.Measure.Devices = size; size == 1 {
		s.Measure.Devices = 0
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	pid := 0
	job := worker.Job{Attempt: record.NewAttemptID(), Stage: st.Key, Kind: kind.Name, Settings: raw, Inputs: st.By(), Device: "cpu",
		Threads: 1, Artifacts: root, Spool: filepath.Join(root, "spool")}
	if size > 1 {
		job.Team = slices.Repeat([]worker.Seat{{Device: "cpu"}}, size)
	}
	if err := os.MkdirAll(job.Spool, 0o755); err != nil {
		t.Fatal(err)
	}
	r := worker.Runner{Command: func(string) ([]string, error) { return []string{os.Args[0]}, nil }, Env: []string{asWorker + "=1"},
		LogDir: filepath.Join(root, "log"), Grace: 20 * time.Second, Began: func(_ worker.Job, p machine.Process) {
			pid = p.PID
			begun = append(begun, pid)
		}}
	a, err := r.Run(t.Context(), job, func(p worker.Progress) {
		if watch != nil {
			watch(pid, p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// childrenOf are the processes that a process has started.
func childrenOf(pid int) (out []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if len(f) > 1 && f[1] == strconv.Itoa(pid) {
			if n, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// nobodyLives holds that processes have ended, but for the moment in which a killed one
// still does.
func nobodyLives(t *testing.T, all []int) {
	t.Helper()
	for _, pid := range all {
		for until := time.Now().Add(30 * time.Second); machine.ProcessOf(pid).Alive(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(until) {
				t.Errorf("process %d lives", pid)
				break
			}
		}
	}
}

// begun are the first processes of all attempts.
var begun []int

// meetings are the files that these processes have left.
func meetings(t *testing.T) (found []string) {
	t.Helper()
	for _, pid := range begun {
		of, err := filepath.Glob(fmt.Sprintf("/dev/shm/prabench-ranks-%d-*", pid))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, of...)
	}
	return found
}

func lossOf(t *testing.T, a record.Attempt) float64 {
	t.Helper()
	for _, v := range a.Values {
		if v.Metric == "train_loss" {
			return v.Value
		}
	}
	t.Fatalf("no loss: %s %s", a.Outcome, a.Reason)
	return 0
}

// rankedCell is a cell whose training several processes can do.
func rankedCell(t *testing.T, steps int) stage.Settings {
	s := tinyCell(t)
	edit(&s, func(p *pra.Params) { p.Train.Steps, p.Train.Batch = steps, 8 })
	s.Count, s.Batch = 203, 25
	return s
}

// A training is the same at 1, 2 and 4 processes within 1e-5 of its losses, and images
// of one model are the same to the bit at any number of them.
func TestRanksTrainAndSample(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some 20 processes")
	}
	s := rankedCell(t, 50)
	var want float64
	var root string
	for _, size := range []int{1, 2, 4} {
		dir := t.TempDir()
		a := attempt(t, dir, s, Train, size, nil)
		if a.Outcome != record.OK {
			t.Fatalf("%d ranks: %s: %s", size, a.Outcome, a.Reason)
		}
		loss := lossOf(t, a)
		if size == 1 {
			want, root = loss, dir
		}
		d := math.Abs(loss-want) / want
		t.Logf("%d ranks: train_loss %.9g, off by %.2g", size, loss, d)
		if !(d <= 1e-5) {
			t.Errorf("%d ranks: train_loss %g, %g of one process", size, loss, want)
		}
		if got := a.Protocol["devices"]; (size > 1) != (got == strconv.Itoa(size)) {
			t.Errorf("%d ranks: the protocol says %q", size, got)
		}
	}
	var images []byte
	for _, size := range []int{1, 2, 3, 4} {
		store := artifact.Store{Root: root}
		a := attempt(t, root, s, Sample, size, nil)
		if a.Outcome != record.OK {
			t.Fatalf("%d ranks: %s: %s", size, a.Outcome, a.Reason)
		}
		path, err := store.Path(Sample.Ref(a.Stage), SamplesFile)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if images == nil {
			images = raw
		} else if !bytes.Equal(raw, images) {
			t.Errorf("%d ranks draw other images than one", size)
		}
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
	}
	if left := meetings(t); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A process of a training is killed at 20 random moments. Each attempt ends as
// interrupted, saved to the step where another process than the first died, and the
// next one goes on, with 1, 2 or 4 processes, to the losses of a training that nobody
// disturbed. No process outlives its attempt.
func TestRanksAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills some 50 processes")
	}
	const kills, steps, every = 20, 4200, 50 // steps enough to be killed in, however late one hears of them
	s, root := rankedCell(t, steps), t.TempDir()
	s.Measure.CheckpointSteps = every
	want := lossOf(t, attempt(t, t.TempDir(), s, Train, 1, nil))
	rng := rand.New(rand.NewPCG(7, 8))
	least := int64(0) // steps that must not be lost
	for i := range kills {
		size, target := []int{2, 4, 2}[rng.IntN(3)], int64((i+1)*steps/(kills+2))
		victim := rng.IntN(size)
		var all []int
		killed := false
		a := attempt(t, root, s, Train, size, func(pid int, p worker.Progress) {
			if p.What != "training" {
				return
			}
			if p.Done < least {
				t.Errorf("kill %d: goes on from before step %d, %d were saved", i, p.Done, least)
			}
			if killed || p.Done < target {
				return
			}
			killed = true
			all = append([]int{pid}, childrenOf(pid)...)
			time.Sleep(time.Duration(rng.IntN(4000)) * time.Microsecond)
			if len(all) == size {
				_ = syscall.Kill(all[victim], syscall.SIGKILL)
			} else {
				t.Errorf("kill %d: %d processes, %d expected", i, len(all), size)
			}
		})
		if a.Outcome != record.Interrupted {
			t.Fatalf("kill %d, of %d of %d: %s: %s\n%s", i, victim, size, a.Outcome, a.Reason, a.Log)
		}
		least = target / every * every
		if victim > 0 {
			who, state, ok := strings.Cut(a.Reason, "saved after step ")
			if !ok || !strings.Contains(who, fmt.Sprintf("of %d on cpu: the worker was ended from outside (killed)", size)) {
				t.Errorf("kill %d, of %d of %d: %q", i, victim, size, a.Reason)
			}
			n, _, _ := strings.Cut(state, " ")
			saved, _ := strconv.ParseInt(n, 10, 64)
			if saved < target {
				t.Errorf("kill %d at step %d or later: %q", i, target, a.Reason)
			}
			least = saved
		}
		nobodyLives(t, all)
	}
	a := attempt(t, root, s, Train, 1, nil)
	if a.Outcome != record.OK {
		t.Fatalf("%s: %s", a.Outcome, a.Reason)
	}
	if d := math.Abs(lossOf(t, a)-want) / want; !(d <= 1e-5) {
		t.Errorf("after %d kills train_loss is off by %.2g", kills, d)
	} else {
		t.Logf("after %d kills train_loss is off by %.2g", kills, d)
	}
	if left := meetings(t); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A sampling whose process was killed goes on where it was, with another number of
// them, to the same images.
func TestRanksThatSampleAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some 20 processes")
	}
	s, root := rankedCell(t, 5), t.TempDir()
	s.Batch, s.Count = 4, 4000
	edit(&s, func(p *pra.Params) { p.Sample.FlowSteps = 40 })
	if a := attempt(t, root, s, Train, 1, nil); a.Outcome != record.OK {
		t.Fatal(a.Reason)
	}
	read := func(a record.Attempt) []byte {
		t.Helper()
		if a.Outcome != record.OK {
			t.Fatalf("%s: %s", a.Outcome, a.Reason)
		}
		path, err := artifact.Store{Root: root}.Path(Sample.Ref(a.Stage), SamplesFile)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	first := attempt(t, root, s, Sample, 1, nil)
	want := read(first)
	if err := os.RemoveAll(filepath.Join(root, Sample.Name)); err != nil {
		t.Fatal(err)
	}
	done := int64(0)
	for i, size := range []int{2, 4, 3} {
		killed, from := false, int64(-1)
		a := attempt(t, root, s, Sample, size, func(pid int, p worker.Progress) {
			if p.What != "sampling" {
				return
			}
			if from < 0 {
				from = p.Done
			}
			if all := childrenOf(pid); !killed && p.Done >= int64(i+1)*200 && len(all) > 0 {
				killed = true
				_ = syscall.Kill(all[len(all)-1], syscall.SIGKILL)
			}
		})
		if a.Outcome != record.Interrupted || !strings.Contains(a.Reason, "saved after image") {
			t.Fatalf("%d ranks: %s: %s", size, a.Outcome, a.Reason)
		}
		if from <= done && i > 0 {
			t.Errorf("%d ranks begin at image %d, %d were there", size, from, done)
		}
		_, state, _ := strings.Cut(a.Reason, "saved after image ")
		n, _, _ := strings.Cut(state, " ")
		done, _ = strconv.ParseInt(n, 10, 64)
	}
	if got := read(attempt(t, root, s, Sample, 2, nil)); !bytes.Equal(got, want) {
		t.Error("other images came out")
	}
}

// What a rank refuses is the outcome of the attempt; a team that cannot be is refused.
func TestRanksThatCannotBe(t *testing.T) {
	s, root := rankedCell(t, 5), t.TempDir()
	edit(&s, func(p *pra.Params) { p.Train.Batch = 6 })
	a := attempt(t, root, s, Train, 4, nil)
	if a.Outcome != record.Invalid || !strings.Contains(a.Reason, "measure.devices: 4 does not divide") {
		t.Errorf("%s: %s", a.Outcome, a.Reason)
	}
	// A run that is stopped while several train is saved, and leaves nobody.
	s = rankedCell(t, 3000)
	var all []int
	a = attempt(t, root, s, Train, 2, func(pid int, p worker.Progress) {
		if all == nil && p.What == "training" {
			all = append([]int{pid}, childrenOf(pid)...)
			_ = syscall.Kill(-pid, syscall.SIGTERM)
		}
	})
	if a.Outcome != record.Interrupted || !strings.Contains(a.Reason, "saved after step") {
		t.Errorf("%s: %s", a.Outcome, a.Reason)
	}
	nobodyLives(t, all)
}
