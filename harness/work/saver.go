package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"prabench/models"
)

// Checkpoints may stop a training for one part in costBound of the time, and are
// written for one part in writeBound.
const (
	costBound  = 20
	writeBound = 3
)

// saver saves an unfinished training. The training stops while its state is copied,
// and goes on while the copy is checked and written.
type saver struct {
	tr    models.Trainer
	path  string
	every time.Duration // between checkpoints, at least; 0 saves when asked to
	kept  *progressSoFar
	began time.Time // of what kept.Seconds does not count yet

	saved   time.Time     // end of the last copy
	cost    time.Duration // that the training stood still for it
	writing chan written  // nil where nothing is being written
	wrote   time.Duration // what the last one took
}

type written struct {
	err  error
	took time.Duration
}

func newSaver(tr models.Trainer, path string, every time.Duration, kept *progressSoFar) *saver {
	return &saver{tr: tr, path: path, every: every, kept: kept, began: time.Now(), saved: time.Now()}
}

// due says whether the time for a checkpoint has come.
func (s *saver) due() bool {
	return s.every > 0 && time.Since(s.saved) >= max(s.every, costBound*s.cost, writeBound*s.wrote)
}

// save copies the state and has it written beside the training. It waits for the
// checkpoint before it, whose failure it reports.
func (s *saver) save() error {
	if err := s.wait(); err != nil {
		return err
	}
	stood := time.Now()
	s.kept.Seconds += stood.Sub(s.began).Seconds()
	defer func() {
		s.saved, s.began = time.Now(), time.Now()
		s.cost = s.saved.Sub(stood)
	}()
	note, err := json.Marshal(s.kept)
	if err != nil {
		return err
	}
	write := func(path string) error { return s.tr.Save(path, string(note)) }
	copied, beside := s.tr.(models.Snapshotter)
	if beside {
		if write, err = copied.Snapshot(string(note)); err != nil {
			return err
		}
	}
	s.writing = make(chan written, 1)
	do := func() {
		from := time.Now()
		err := s.write(write)
		s.writing <- written{err, time.Since(from)}
	}
	if !beside {
		do()
		return s.wait()
	}
	go do()
	return nil
}

// write puts the new checkpoint in the place of the last one, which stays as the one
// before.
func (s *saver) write(write func(path string) error) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return err
	}
	next := s.path + nextEnding
	if err := write(next); err != nil {
		os.Remove(next)
		return err
	}
	if err := os.Rename(s.path, beforeLast(s.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(next, s.path)
}

// wait is for the end of what is being written.
func (s *saver) wait() error {
	if s.writing == nil {
		return nil
	}
	w := <-s.writing
	s.writing, s.wrote = nil, w.took
	if w.err != nil {
		return fmt.Errorf("saving a checkpoint: %w", w.err)
	}
	return nil
}

const nextEnding = ".next"

// beforeLast is where the checkpoint before the last one is.
func beforeLast(path string) string { return path + ".before" }

// removeCheckpoints removes what an unfinished training left.
func removeCheckpoints(path string) {
	for _, p := range []string{path, beforeLast(path), path + nextEnding} {
		os.Remove(p)
	}
}
