package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models/pra"
	"prabench/results"
	"prabench/results/record"
)

// mounted gives a folder of so many bytes that belongs to this test alone, and
// a way to mount it again with other options.
func mounted(t *testing.T, size string) (dir string, remount func(options string)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small filesystem")
	}
	dir = t.TempDir()
	if err := syscall.Mount("prabench-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small filesystem cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir, func(options string) {
		t.Helper()
		flags := uintptr(syscall.MS_REMOUNT)
		if options == "ro" {
			flags, options = flags|syscall.MS_RDONLY, ""
		}
		if err := syscall.Mount("prabench-test", dir, "tmpfs", flags, options); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *bench) tryRun(e *engine.Experiment) (engine.Summary, error) {
	b.out.Reset()
	r := &engine.Run{Places: b.places, Jobs: 1, Command: selfCommand, Name: "test", Out: &b.out, Pause: time.Millisecond}
	return r.Do(context.Background(), e)
}

// A disk that runs full ends the run at once, whatever of it ran out and whichever
// file came first; with more room the same command does the rest, and nothing has
// to be tried again by hand.
func TestAFullDiskIsToldAndLosesNothing(t *testing.T) {
	big := func(s *stage.Settings) {
		s.Measure.Rounds, s.Measure.Retries = 0, 3
		edit(s, func(p *pra.Params) { p.Model.Width, p.Model.Depth = 64, 4 })
	}
	for _, c := range []struct {
		name, options  string
		database, fill bool // the database is on that disk, not the artifacts; it is full from the start
		most           int  // workers that are started
		says           string
	}{
		{"room for results, not for a model", "size=500k", false, false, 2, "free"},
		{"no byte", "size=8m", false, true, 0, "free"},
		{"no inode", "size=8m,nr_inodes=24", false, false, 3, "inode"},
		{"the database", "size=100k", true, false, 7, "results.db"},
		{"the database, from the start", "size=8m", true, true, 0, "results.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			dir, remount := mounted(t, strings.TrimPrefix(c.options, "size="))
			filler := filepath.Join(dir, "filler")
			if c.fill {
				fillUp(t, filler)
			}
			if b.places.Artifacts = filepath.Join(dir, "artifacts"); c.database {
				b.places = engine.Places{DB: filepath.Join(dir, "results.db"), Artifacts: filepath.Join(t.TempDir(), "artifacts")}
			}
			count := filepath.Join(t.TempDir(), "started")
			command := func(string) ([]string, error) {
				return []string{"sh", "-c", `echo >>"$1"; exec "$0"`, os.Args[0], count}, nil
			}
			r := &engine.Run{Places: b.places, Jobs: 1, Command: command, Name: "test", Out: &b.out}
			sum, err := r.Do(context.Background(), tiny(big))
			t.Log(err)
			var fail *engine.Failure
			if !errors.As(err, &fail) || !strings.Contains(err.Error(), "disk is full") || !strings.Contains(err.Error(), c.says) ||
				!strings.Contains(strings.ToLower(err.Error()), "free some space") {
				t.Errorf("the error is %v, after\n%s", err, b.out.String())
			}
			lines, _ := os.ReadFile(count)
			if started := len(lines); started > c.most || sum.Failed > 0 {
				t.Errorf("%d workers were started, %+v\n%s", started, sum, b.out.String())
			}
			os.Remove(filler)
			remount("size=60m,nr_inodes=10000")
			b.out.Reset()
			r.Out = &b.out
			again, err := r.Do(context.Background(), tiny(big))
			if err != nil || again.Failed != 0 || again.Done+again.Kept != 7 {
				t.Fatalf("with more space: %v, %+v\n%s", err, again, b.out.String())
			}
			if rows := b.rows(); len(rows) < 20 {
				t.Errorf("%d rows", len(rows))
			}
		})
	}
}

// fillUp takes all that a disk has left.
func fillUp(t *testing.T, path string) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 16; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

func TestAReadOnlyFolderIsToldBeforeAnythingStarts(t *testing.T) {
	b := newBench(t)
	dir, remount := mounted(t, "10m")
	remount("ro")
	b.places = engine.Places{DB: filepath.Join(dir, "results.db"), Artifacts: filepath.Join(dir, "artifacts")}
	_, err := b.tryRun(tiny(nil))
	var fail *engine.Failure
	if !errors.As(err, &fail) || !strings.Contains(err.Error(), "read-only file system") ||
		!strings.Contains(err.Error(), "choose another with --artifacts") {
		t.Errorf("artifacts: %v", err)
	}
	b.places.Artifacts = filepath.Join(t.TempDir(), "artifacts")
	if _, err = b.tryRun(tiny(nil)); !errors.As(err, &fail) || !strings.Contains(err.Error(), "read-only file system") ||
		!strings.Contains(err.Error(), "--db") {
		t.Errorf("database: %v", err)
	}
	if logs, _ := filepath.Glob(filepath.Join(b.places.Artifacts, "log", "*")); len(logs) > 0 {
		t.Errorf("a worker was started: %v", logs)
	}
}

// The clock was set back while a stage ran, and had been a year ahead.
func TestAClockThatJumpsHarmsNothing(t *testing.T) {
	b := newBench(t)
	first := b.run(context.Background(), tiny(nil), nil)
	key := first.Plans[0].Experiments[0].Cells[0].Chain.Key(work.Train)
	db, err := results.Open(b.places.DB)
	if err != nil {
		t.Fatal(err)
	}
	a, ok, err := db.StageDone(context.Background(), key)
	if err != nil || !ok {
		t.Fatal(err)
	}
	whole, _, err := db.Attempt(context.Background(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	whole.ID = record.NewAttemptID()
	whole.Started = time.Now().Add(366 * 24 * time.Hour)
	whole.Finished = whole.Started.Add(-2 * time.Hour)
	for i := range whole.Values { // they come back joined with the attempt's protocol
		whole.Values[i].Protocol = fmt.Sprint("clock ", i)
	}
	if _, err := db.Ingest(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	db.Close()
	// Something else is to do, so that times are estimated from what was done.
	sum := b.run(context.Background(), tiny(func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Sample.FlowSteps = 3 }) }), nil)
	if sum.Failed != 0 || sum.Done != 6 {
		t.Errorf("%+v\n%s", sum, b.out.String())
	}
	for _, it := range sum.Plans[0].Items {
		if it.Took < 0 || it.Estimate < 0 {
			t.Errorf("%s of %s took %v, estimate %v", it.Kind, it.Label, it.Took, it.Estimate)
		}
	}
	// What is forced counts, though what was there is dated a year ahead, and says so;
	// how long it took is not changed by its date. So does what is forced then.
	last := whole.ID
	for range 2 {
		forced := b.run(context.Background(), tiny(nil), func(r *engine.Run) { r.Force = []string{"cell0"} })
		if forced.Failed != 0 || forced.Done != 5 || !strings.Contains(b.out.String(), "dated in the future") {
			t.Errorf("forced under a jumped clock: %+v\n%s", forced, b.out.String())
		}
		shown := b.shown(key)
		if shown.ID == last || !shown.Finished.After(whole.Finished) || shown.Finished.Sub(shown.Started) > time.Hour {
			t.Errorf("forced under a jumped clock: attempt %s counts, from %v to %v", shown.ID, shown.Started, shown.Finished)
		}
		last = shown.ID
	}
	if again := b.run(context.Background(), tiny(nil), nil); again.Done != 0 || again.Kept != 9 {
		t.Errorf("afterwards: %+v", again)
	}
}

// shown is the attempt that counts of a stage.
func (b *bench) shown(key string) record.Attempt {
	b.t.Helper()
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	end, err := db.StageEnds(context.Background(), []string{key})
	if err != nil {
		b.t.Fatal(err)
	}
	a, _, err := db.Attempt(context.Background(), end[key].Attempt)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// tornTraining runs a training in real workers that are ended by sig, again and
// again, and gives the folder of what it made. change may touch the checkpoint
// between two workers.
func tornTraining(t *testing.T, sig syscall.Signal, times int, change func(checkpoint string)) (dir string, resumed int) {
	t.Helper()
	b := newBench(t)
	e := tiny(func(s *stage.Settings) {
		edit(s, func(p *pra.Params) {
			p.Train.Steps = 1500
		})
		s.Measure.CheckpointSteps, s.Measure.Retries = 40, times+2
	})
	e.Cells = e.Cells[1:]
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		done := map[string]bool{}
		for ctx.Err() == nil && len(done) < times {
			for _, r := range engine.RunningNow(b.places) {
				// Each worker is ended once, a little after it has begun to train.
				if r.Kind != record.Train || done[r.Attempt] || r.Progress.What != "training" || !r.Worker.Alive() {
					continue
				}
				if sig == syscall.SIGKILL {
					if _, err := os.Stat(work.CheckpointPath(b.places.Artifacts, r.Stage)); err != nil {
						continue
					}
				}
				done[r.Attempt] = true
				syscall.Kill(r.Worker.PID, sig)
				for r.Worker.Alive() && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
				if change != nil {
					change(work.CheckpointPath(b.places.Artifacts, r.Stage))
				}
			}
			time.Sleep(time.Millisecond)
		}
	}()
	sum := b.run(context.Background(), e, func(r *engine.Run) { r.Pause = 50 * time.Millisecond })
	if sum.Failed != 0 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	logs, _ := filepath.Glob(filepath.Join(b.places.Artifacts, "log", "*.log"))
	for _, l := range logs {
		raw, _ := os.ReadFile(l)
		if bytes.Contains(raw, []byte("resumed at step")) {
			resumed++
		}
		if change != nil && bytes.Contains(raw, []byte("the checkpoint cannot be used, training begins again")) {
			resumed++
		}
	}
	return filepath.Join(b.places.Artifacts, "train", e.Cells[0].Chain.Key(work.Train)), resumed
}

func TestATrainingThatWasEndedAndResumedIsTheSameToTheBit(t *testing.T) {
	undisturbed, _ := tornTraining(t, 0, 0, nil)
	flip := func(path string) {
		raw, err := os.ReadFile(path)
		if err == nil {
			raw[len(raw)*2/3] ^= 1
			os.WriteFile(path, raw, 0o644)
		}
	}
	for _, c := range []struct {
		name   string
		sig    syscall.Signal
		times  int
		change func(string)
	}{
		{"SIGTERM", syscall.SIGTERM, 2, nil},
		{"SIGINT", syscall.SIGINT, 1, nil},
		{"SIGUSR2", syscall.SIGUSR2, 1, nil},
		{"SIGKILL", syscall.SIGKILL, 3, nil},
		{"a flipped bit in the checkpoint", syscall.SIGTERM, 1, flip},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, resumed := tornTraining(t, c.sig, c.times, c.change)
			if resumed < c.times {
				t.Errorf("%d of %d workers went on from a checkpoint", resumed, c.times)
			}
			for _, name := range []string{work.ModelFile, work.CurveFile} {
				x, errX := os.ReadFile(filepath.Join(undisturbed, name))
				y, errY := os.ReadFile(filepath.Join(dir, name))
				if errX != nil || errY != nil || !bytes.Equal(x, y) {
					t.Errorf("%s differs (%v, %v)", name, errX, errY)
				}
			}
		})
	}
}
