package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"prabench/harness/artifact"
	"prabench/harness/machine"
	"prabench/harness/stage"
	"prabench/models"
	"prabench/models/device"
)

// Tokenizer trains the tokenizer of models that have one, once for all cells that agree in
// what it reads. Their trainings go on from it and come out as if each had done these
// steps itself, so its key is no part of theirs.
var Tokenizer = &stage.Kind{
	Name: "tokenizer",
	Wanted: func(s *stage.Settings) bool {
		steps := tokenizerSteps(s)
		keeps := func(step int) bool { return step <= steps } // a training keeps states of steps that it does itself
		return steps > 0 && steps < s.StepsTrained() && steps <= mostTokenizerSteps && !slices.ContainsFunc(s.Milestones(), keeps)
	},
	Version: "1/" + stage.Core,
	Part: func(s *stage.Settings) any {
		p := tokenizerOf(s)
		return trainPart{Data: s.DataHash, Flip: s.Data.Flip, Family: p.Family().Name(), Model: models.Table(p, "model"),
			Train: models.Table(p, "train"), Precision: s.Measure.Lowered()}
	},
	OnDevice: true,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		return stage.Effort{FLOPs: c.FLOPsTokenizerImage * float64(tokenizerSteps(s)*s.Training().Batch), Threads: s.Training().Threads}
	},
	Memory: func(h stage.Host) int64 { return h.Data() + h.Held(h.Costs.Train) + 4*h.Weights() },
	Label: func(s *stage.Settings) string {
		return fmt.Sprintf("%s, %d steps, seed %d", s.Data.Set, tokenizerSteps(s), s.Params.Seed())
	},
	Watched:    true,
	Unfinished: "tokenizer-unfinished",
}

// mostTokenizerSteps are those of which the losses, of every step, fit into the header of
// a checkpoint. Trainings with longer tokenizers train their own.
const mostTokenizerSteps = 200_000

// tokenizerSteps is 0 where there is no tokenizer.
func tokenizerSteps(s *stage.Settings) int {
	p, ok := s.Params.(models.Tokenized)
	if !ok {
		return 0
	}
	_, steps := p.Tokenizer()
	return steps
}

// tokenizerOf are the parameters of the training whose first steps make the tokenizer.
func tokenizerOf(s *stage.Settings) models.Params {
	of, _ := s.Params.(models.Tokenized).Tokenizer()
	return of
}

// afterTokenizer is the arithmetic of the steps that a training does itself.
func afterTokenizer(s *stage.Settings, c *stage.Costs) float64 {
	first, steps := float64(tokenizerSteps(s)), float64(s.Training().Steps)
	if first == 0 || !Tokenizer.Wanted(s) {
		return c.FLOPsTrainImage * float64(s.TrainImages())
	}
	each := (c.FLOPsTrainImage*steps - c.FLOPsTokenizerImage*first) / (steps - first)
	return each * (float64(s.StepsTrained()) - first) * float64(s.Training().Batch)
}

// tokenizer trains a tokenizer.
func (t *task) tokenizer() error {
	steps := tokenizerSteps(&t.set)
	t.set.Params, t.set.Until, t.set.Continue = tokenizerOf(&t.set), steps, ""
	t.set.Keep = ""
	return t.runTraining(func(tr models.Trainer, kept *progressSoFar) error {
		kept.Memory = machine.PeakResident()
		return t.keep(func(d *artifact.Draft) error { return saveState(tr, kept, d) })
	})
}

// onTokenizer brings a training to the end of the tokenizer that it builds on, if that is
// there. It only saves time: without it the same model comes out.
func (t *task) onTokenizer(tr models.Trainer, images models.Images, be device.Backend) (models.Trainer, *progressSoFar, error) {
	fresh, key := &progressSoFar{}, t.job.Inputs[Tokenizer.Name]
	on, ok := tr.(models.Tokenizing)
	if key == "" || !ok {
		return tr, fresh, nil
	}
	path, err := t.store.Path(Tokenizer.Ref(key), StateFile)
	if errors.Is(err, artifact.ErrMissing) {
		return tr, fresh, nil
	}
	var note string
	if err == nil {
		note, err = on.ResumeTokenizer(path)
	}
	kept := &progressSoFar{}
	if err == nil {
		err = json.Unmarshal([]byte(note), kept)
	}
	if err == nil {
		kept.Curve.drop(t.every())
		fmt.Fprintf(os.Stderr, "builds on the tokenizer %.12s, %d steps\n", key, tr.Done())
		return tr, kept, nil
	}
	fmt.Fprintf(os.Stderr, "the tokenizer %.12s cannot be built on, it is trained again: %v\n", key, err)
	tr.Close()
	tr, err = newTrainer(t.set.Params, be, images, t.team)
	return tr, fresh, err
}
