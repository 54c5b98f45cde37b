package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/machine"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/device"
	"prabench/models/ranks"
	"prabench/results/record"
)

// Files of a training artifact.
const (
	ModelFile = "model.safetensors" // raw and averaged weights
	CurveFile = "curve.jsonl"       // losses, one JSON object per line, about a hundred lines
	StateFile = "state.safetensors" // of one that stopped before its end, and of a tokenizer: what others go on from
)

// Train trains a model.
var Train = &stage.Kind{
	Name:     "train",
	Optional: []*stage.Kind{Perceptual},
	Aside:    []*stage.Kind{Tokenizer},
	Version:  "1/" + stage.Core,
	Part: func(s *stage.Settings) any {
		p := s.Params.Canonical()
		part := trainPart{Data: s.DataHash, Flip: s.Data.Flip, Model: models.Table(p, "model"), Train: models.Table(p, "train"),
			Precision: s.Measure.Lowered(), Until: s.Until}
		if name := p.Family().Name(); name != models.Default {
			part.Family = name
		}
		return part
	},
	OnDevice: true,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		return stage.Effort{FLOPs: afterTokenizer(s, c), Threads: s.Training().Threads * s.Measure.Ranks()}
	},
	Together: true,
	Memory: func(h stage.Host) int64 {
		return int64(h.Measure.Ranks())*(h.Data()+h.Held(h.Costs.Train)) + 4*h.Weights() // a checkpoint is a copy
	},
	File:  func(h stage.Host) int64 { return h.Weights() },
	Reach: func(s *stage.Settings) int { return s.Until },
	Whole: func(s stage.Settings) stage.Settings {
		s.Until = 0
		return s
	},
	Trunk:      trunkOf,
	Shown:      true,
	Watched:    true,
	Unfinished: checkpointFolder,
}

// trunkOf is the training without an end whose first steps a training does.
func trunkOf(s stage.Settings) (stage.Settings, int, bool) {
	trunk, steps, why := models.TrunkOf(s.Params)
	if why != "" {
		return s, 0, false
	}
	s.Params, s.Until = trunk, 0
	return s, steps, true
}

type trainPart struct {
	Data      string  `json:"data"` // hash
	Flip      float64 `json:"flip,omitempty"`
	Family    string  `json:"family,omitempty"` // absent: the default one
	Model     any     `json:"model"`            // the family's tables
	Train     any     `json:"train"`            // with the seed
	Precision string  `json:"precision,omitempty"`
	Until     int     `json:"until,omitempty"` // absent: the end
}

// train trains a model.
func (t *task) train() error {
	if t.job.Rank > 0 {
		return t.trainRank()
	}
	return t.runTraining(t.keepModel)
}

// runTraining does the steps of a training, from a checkpoint if an earlier attempt left
// one, and keeps what came of it.
func (t *task) runTraining(keep func(tr models.Trainer, kept *progressSoFar) error) (err error) {
	if t.team, err = worker.Gather(t.job); err != nil {
		return err
	}
	defer t.team.End()
	data, err := t.data()
	if err != nil {
		return err
	}
	be, err := t.open(t.set.Training().Threads)
	if err != nil {
		return err
	}
	defer be.Close()
	tr, kept, err := t.trainer(be, data)
	if err != nil {
		return err
	}
	defer func() { tr.Close() }()
	if err := t.team.Begin(t.from); err != nil {
		return err
	}
	if err := t.steps(tr, kept); err != nil {
		return err
	}
	t.attempt.Protocol = map[string]string{"device": t.set.Measure.Device, "precision": t.set.Measure.Precision,
		"threads": strconv.Itoa(t.set.Training().Threads)}
	// The time, other than the losses, depends on what ran beside it.
	timed := map[string]string{"beside": strconv.Itoa(t.set.Beside), "backend": be.Details()}
	if n := t.team.Size(); n > 1 {
		t.attempt.Protocol[devicesProtocol], timed[devicesProtocol] = strconv.Itoa(n), strconv.Itoa(n)
	}
	seconds := quantity.TrainSeconds
	if t.job.Kind == Tokenizer.Name {
		seconds = quantity.TokenizerSeconds
	}
	t.valueUnder(timed, seconds, kept.Seconds, 1)
	if err := keep(tr, kept); err != nil {
		return err
	}
	removeCheckpoints(t.checkpoint())
	return nil
}

// keepModel keeps a trained model and the numbers of its training.
func (t *task) keepModel(tr models.Trainer, kept *progressSoFar) error {
	t.value(quantity.TrainFLOPs, t.set.Params.Costs().FLOPsTrainImage*float64(t.set.TrainImages()), 1)
	for _, part := range lossMetrics {
		if loss, n := kept.Curve.last(10, part.loss); n > 0 {
			t.value(part.metric, loss, n)
		}
	}
	if rise, n, ok := kept.Curve.rise(); ok {
		t.value(quantity.LossRise, rise, n)
	}
	t.value(quantity.TrainMemoryPeak, float64(max(machine.PeakResident(), kept.Memory)), 1)
	return t.keep(func(d *artifact.Draft) error {
		if err := tr.SaveModel(d.Path(ModelFile)); err != nil {
			return err
		}
		// What stops earlier is gone on from, and so is what ends before its rate falls.
		_, stable, branches := trunkOf(t.set)
		if err := t.keepMilestones(d); err != nil {
			return err
		}
		if t.set.Until > 0 || branches && t.set.StepsTrained() <= stable {
			if err := saveState(tr, kept, d); err != nil {
				return err
			}
		}
		return kept.Curve.write(d.Path(CurveFile))
	})
}

// saveState keeps what other trainings go on from.
func saveState(tr models.Trainer, kept *progressSoFar, d *artifact.Draft) error {
	note, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return tr.Save(d.Path(StateFile), string(note))
}

// devicesProtocol is how many processes did it together, where it was more than one.
const devicesProtocol = "devices"

// trainRank does the part of a training of a process after the first.
func (t *task) trainRank() error {
	group, err := ranks.Join(t.job.Meeting, t.job.Rank)
	if err != nil {
		return err
	}
	defer group.Close()
	data, err := t.data()
	if err != nil {
		return err
	}
	be, err := t.open(t.set.Training().Threads)
	if err != nil {
		return err
	}
	defer be.Close()
	tr, err := t.newTrainer(be, t.images(data, data.Train), group)
	if err != nil {
		return err
	}
	defer tr.Close()
	from := t.job.Begin()
	if err := t.meet(group); err != nil {
		return err
	}
	if from != "" {
		if _, err := tr.Resume(from); err != nil {
			return err
		}
	}
	for tr.Done() < t.set.StepsTrained() {
		if err := tr.Step(); err != nil {
			return err
		}
	}
	return nil
}

// meet waits for all processes, as [worker.Team] Begin of the first one does.
func (t *task) meet(g ranks.Group) error { return ranks.Agree(g, "protocol", worker.Version) }

// newTrainer is a trainer for a process of a group, with the classifier that it may need.
func (t *task) newTrainer(be device.Backend, images models.Images, g ranks.Group) (models.Trainer, error) {
	tr, err := newTrainer(t.set.Params, be, images, g)
	if err != nil {
		return nil, err
	}
	if err := t.perceive(tr); err != nil {
		tr.Close()
		return nil, err
	}
	return tr, nil
}

func newTrainer(p models.Params, be device.Backend, images models.Images, g ranks.Group) (models.Trainer, error) {
	if g.Size() == 1 {
		return p.NewTrainer(be, images)
	}
	if err := models.CheckRanks(p, g.Size()); err != nil {
		return nil, err
	}
	return p.(models.Shared).NewRank(be, images, g)
}

// trainer is a trainer at the step of the checkpoint, or at the first.
func (t *task) trainer(be device.Backend, data *dataset.Data) (models.Trainer, *progressSoFar, error) {
	images := t.images(data, data.Train)
	tr, err := t.newTrainer(be, images, t.team)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range []string{t.checkpoint(), beforeLast(t.checkpoint())} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		kept, err := t.resume(tr, path)
		if err == nil {
			fmt.Fprintf(os.Stderr, "resumed at step %d\n", tr.Done())
			return tr, kept, nil
		}
		// A checkpoint only saves time: without it the same model comes out.
		fmt.Fprintf(os.Stderr, "the checkpoint cannot be used, training begins again or goes on from the one before: %v\n", err)
		if err := os.Rename(path, t.checkpoint()+".damaged"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		tr.Close()
		if tr, err = t.newTrainer(be, images, t.team); err != nil {
			return nil, nil, err
		}
	}
	return t.goOn(tr, images, be)
}

// goOn goes on from the latest training of those that stopped earlier and are
// there, else from the first step. They only save time: the same model comes out.
func (t *task) goOn(tr models.Trainer, images models.Images, be device.Backend) (models.Trainer, *progressSoFar, error) {
	for _, state := range t.earlier() {
		path, err := t.store.Path(Train.Ref(state.key), state.file)
		if errors.Is(err, artifact.ErrMissing) {
			continue
		}
		var kept *progressSoFar
		if err == nil {
			kept, err = t.resume(tr, path)
		}
		if err == nil {
			if tr.Done() < t.set.StepsTrained() { // else its end is that of this one
				kept.Curve.drop(t.every())
			}
			fmt.Fprintf(os.Stderr, "goes on from step %d of the training %.12s\n", tr.Done(), state.key)
			return tr, kept, nil
		}
		fmt.Fprintf(os.Stderr, "the training %.12s, which stopped earlier, cannot be gone on from: %v\n", state.key, err)
		tr.Close()
		if tr, err = t.newTrainer(be, images, t.team); err != nil {
			return nil, nil, err
		}
	}
	return t.onTokenizer(tr, images, be)
}

// every is the number of steps between those whose losses are kept: about a hundredth
// of all, and a power of two where trainings of other lengths may go on from each
// other, so that what the shorter one kept has all that the longer one keeps.
func (t *task) every() int {
	if t.job.Kind == Tokenizer.Name { // trainings of any length build on it
		return 1
	}
	n := max(1, t.set.Training().Steps/100)
	if _, _, branches := trunkOf(t.set); branches {
		return 1 << (bits.Len(uint(n)) - 1)
	}
	return n
}

// resume brings the trainer to the step of a checkpoint.
func (t *task) resume(tr models.Trainer, path string) (*progressSoFar, error) {
	note, err := tr.Resume(path)
	if err != nil {
		return nil, err
	}
	kept := &progressSoFar{}
	if err := json.Unmarshal([]byte(note), kept); err != nil {
		return nil, fmt.Errorf("it has no record of its losses: %w", err)
	}
	t.from = path
	return kept, nil
}

// steps trains to the end, saving now and then, and when told to stop.
func (t *task) steps(tr models.Trainer, kept *progressSoFar) (err error) {
	total, every := t.set.StepsTrained(), t.every()
	resumed, milestones := tr.Done(), t.set.Milestones()
	save := newSaver(tr, t.checkpoint(), t.set.SaveEvery, kept)
	defer func() {
		if failed := save.wait(); err == nil {
			err = failed
		}
	}()
	steps := watchSteps(worker.Stalled)
	defer steps.stop()
	for tr.Done() < total {
		if t.ctx.Err() != nil {
			cause := context.Cause(t.ctx)
			if err := errors.Join(save.save(), save.wait()); err != nil {
				return fmt.Errorf("%w: after step %d of %d, and no checkpoint could be saved: %v", cause, tr.Done(), total, err)
			}
			return fmt.Errorf("%w: saved after step %d of %d", cause, tr.Done(), total)
		}
		if slices.Contains(milestones, tr.Done()) {
			if err := save.milestone(); err != nil {
				return err
			}
		}
		if n := t.set.Measure.CheckpointSteps; n > 0 && tr.Done() > resumed && tr.Done()%n == 0 || n == 0 && save.due() {
			if err := save.save(); err != nil {
				return err
			}
		}
		steps.begin()
		if err := tr.Step(); err != nil {
			return t.failed(err, tr, save)
		}
		steps.end()
		if done := tr.Done(); done%every == 0 || done == total {
			l := tr.Losses()
			loss := l.Total()
			if loss != loss || loss > 1e30 {
				return &worker.Refusal{Outcome: record.Invalid,
					Reason: fmt.Sprintf("the loss is %g after step %d: training diverged; lower train.lr or train.clip", loss, done)}
			}
			kept.Curve = append(kept.Curve, l)
			if done%max(1, total/10) < every || done == total { // what is kept as the log of a training that went well
				fmt.Fprintf(os.Stderr, "%s step %d of %d: loss %.4g\n", time.Now().UTC().Format(time.DateTime), done, total, loss)
			}
			t.report(worker.Progress{Done: int64(done), Total: int64(total), What: "training", Note: fmt.Sprintf("loss %.4f", loss),
				Loss: &loss})
		}
	}
	kept.Seconds += time.Since(save.began).Seconds()
	return nil
}

// failed is why a step was not done. Where another process has ended, the step before
// it stands: it is saved, and the next attempt goes on from it.
func (t *task) failed(err error, tr models.Trainer, save *saver) error {
	if _, lost := ranks.IsLost(err); !lost {
		return fmt.Errorf("training step %d: %w", tr.Done()+1, err)
	}
	why := t.team.Why(err)
	state := fmt.Sprintf("saved after step %d of %d", tr.Done(), t.set.StepsTrained())
	if err := errors.Join(save.save(), save.wait()); err != nil {
		state = fmt.Sprintf("after step %d of %d, and no checkpoint could be saved: %v", tr.Done(), t.set.StepsTrained(), err)
	}
	return after(why, state)
}

// stopped is the reason to stop, or nil.
func (t *task) stopped() error {
	if t.ctx.Err() == nil {
		return nil
	}
	if cause := context.Cause(t.ctx); cause != nil {
		return cause
	}
	return errors.New("stopped")
}

const checkpointFolder = "checkpoint"

// CheckpointPath is where an unfinished training of that key is kept.
func CheckpointPath(artifacts, key string) string {
	return filepath.Join(artifacts, checkpointFolder, key+".safetensors")
}

// checkpoint is where this training is kept while it is unfinished, a tokenizer's too.
func (t *task) checkpoint() string {
	return filepath.Join(t.job.Artifacts, stage.Named(t.job.Kind).Unfinished, t.job.Stage+".safetensors")
}
