package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
)

// A milestone is the state of a training at a step of train.keep. It stays beside the
// checkpoints until the training is done, and beside the model from then on.

// MilestoneFile is the file of a training artifact that has its state at a step.
func MilestoneFile(step int) string { return fmt.Sprintf("state-%d.safetensors", step) }

// milestonePath is where it is while the training is unfinished.
func milestonePath(checkpoint string, step int) string { return checkpoint + "." + MilestoneFile(step) }

// milestone saves the state at this step unless it is there, and waits for it. Its
// losses go to this step, as those of a training that ends here.
func (s *saver) milestone() error {
	path := milestonePath(s.path, s.tr.Done())
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := s.wait(); err != nil {
		return err
	}
	s.kept.Seconds += time.Since(s.began).Seconds()
	defer func() { s.began = time.Now() }()
	kept := *s.kept
	if n, done := len(kept.Curve), s.tr.Done(); n == 0 || kept.Curve[n-1].Step != done {
		kept.Curve = append(slices.Clip(kept.Curve), s.tr.Losses())
	}
	note, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	next := path + nextEnding
	err = os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = s.tr.Save(next, string(note))
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		os.Remove(next)
		return fmt.Errorf("keeping the state of step %d: %w", s.tr.Done(), err)
	}
	return nil
}

// keepMilestones moves them beside the model. One may be missing: of a training that
// had been further when the key came into its file.
func (t *task) keepMilestones(d *artifact.Draft) error {
	for _, step := range t.set.Milestones() {
		err := os.Rename(milestonePath(t.checkpoint(), step), d.Path(MilestoneFile(step)))
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(os.Stderr, "the state of step %d is not kept: the training was further when train.keep asked for it\n", step)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// earlierState is a file of another training that this one may go on from.
type earlierState struct{ key, file string }

// earlier are the states to go on from, the latest first: what the same training left at
// this very step when it went to its end, then those that stopped earlier.
func (t *task) earlier() (states []earlierState) {
	if t.set.Until > 0 {
		if chain, err := stage.Of(Train.Whole(t.set)); err == nil {
			states = append(states, earlierState{chain.Key(Train), MilestoneFile(t.set.Until)})
		}
	}
	for _, key := range strings.FieldsFunc(t.set.Continue, func(c rune) bool { return c == ',' }) {
		states = append(states, earlierState{key, StateFile})
	}
	return states
}
