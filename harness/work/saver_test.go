package work

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/pra"
	"prabench/models/pra/sizes"
)

// noting is a trainer whose state is its step; gate holds its writes back.
type noting struct {
	models.Trainer
	done int
	gate chan error
}

func (n *noting) Snapshot(note string) (write func(path string) error, err error) {
	text := fmt.Sprint(n.done, " ", note)
	return func(path string) error {
		if n.gate != nil {
			if err := <-n.gate; err != nil {
				return err
			}
		}
		return os.WriteFile(path, []byte(text), 0o644)
	}, nil
}

// A training goes on while its state is written, which is that of the moment of the
// copy; the last two checkpoints stay, and a failure is said.
func TestCheckpointsAreWrittenBesideTheTraining(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint", "key.safetensors")
	tr := &noting{done: 7, gate: make(chan error)}
	s := newSaver(tr, path, time.Minute, &progressSoFar{})
	if err := s.save(); err != nil { // returns although nothing can be written yet
		t.Fatal(err)
	}
	tr.done = 8
	if _, err := os.Stat(path); err == nil {
		t.Fatal("it is there before it was written")
	}
	tr.gate <- nil
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
	begins := func(path, want string) {
		t.Helper()
		if b, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s holds %q, %v; want step %s", filepath.Base(path), b, err, want)
		}
	}
	begins(path, "7 ")
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	tr.gate <- nil
	s.wait()
	begins(path, "8 ")
	begins(beforeLast(path), "7 ")
	tr.done = 9
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	tr.gate <- errors.New("the disk is full")
	if err := s.wait(); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
	begins(path, "8 ")
	begins(beforeLast(path), "7 ")
	removeCheckpoints(path)
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// However often checkpoints are asked for, they may take one part in twenty of a
// training's time.
func TestCheckpointsHaveABound(t *testing.T) {
	s := newSaver(&noting{}, filepath.Join(t.TempDir(), "c"), time.Second, &progressSoFar{})
	for _, tt := range []struct {
		cost, wrote, since time.Duration
		due                bool
	}{
		{0, 0, 900 * time.Millisecond, false}, {0, 0, 2 * time.Second, true}, {time.Minute, 0, 19 * time.Minute, false},
		{time.Minute, 0, 21 * time.Minute, true}, {0, time.Minute, 2 * time.Minute, false}, {0, time.Minute, 4 * time.Minute, true},
	} {
		s.cost, s.wrote, s.saved = tt.cost, tt.wrote, time.Now().Add(-tt.since)
		if s.due() != tt.due {
			t.Errorf("after %v, with a cost of %v and %v of writing: due is %v", tt.since, tt.cost, tt.wrote, s.due())
		}
	}
	s.every = 0
	if s.due() {
		t.Error("due where none are asked for")
	}
}

// BenchmarkCheckpoints trains PRA-S, 135 M parameters, one image a step, with
// checkpoints as often as they may be, and says which share of the time the training
// stood still for them.
func BenchmarkCheckpoints(b *testing.B) {
	size, err := sizes.Named("pra-s")
	if err != nil {
		b.Fatal(err)
	}
	be, err := cpu.New(2)
	if err != nil {
		b.Fatal(err)
	}
	defer be.Close()
	size.Train.Batch, size.Train.FlowSamples, size.Train.Threads = 1, 1, 2
	p := models.Params(pra.Params{Model: size.Model, Train: size.Train, Sample: size.Sample})
	n := p.Shape().Bytes()
	tr, err := p.NewTrainer(be, models.Images{N: 1, Size: 256, Channels: 3, Pixels: make([]uint8, n), Labels: []int32{0}})
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	s := newSaver(tr, filepath.Join(b.TempDir(), "checkpoint"), time.Second, &progressSoFar{})
	b.ResetTimer()
	from := time.Now()
	var stood time.Duration
	saves, steps := 0, 0
	for ; saves < 3 || !s.due(); steps++ { // to the end of the wait after the third
		if saves < 3 && s.due() {
			if err := s.save(); err != nil {
				b.Fatal(err)
			}
			stood += s.cost
			saves++
		}
		if err := tr.Step(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(steps), "steps")
	b.ReportMetric(100*stood.Seconds()/time.Since(from).Seconds(), "stopped-%")
	b.ReportMetric(s.cost.Seconds(), "copy-s")
	if err := s.wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(s.wrote.Seconds(), "write-s")
}
