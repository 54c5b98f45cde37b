package models

import (
	"math"
	"slices"

	"prabench/metrics/quantity"
)

var _ = quantity.Keys("train",
	quantity.Key{Name: "schedule", Label: "schedule of the learning rate",
		Doc: "the learning rate after the warm-up: cosine (falls to the end), constant, or wsd (constant, then linear over train.decay)"},
	quantity.Key{Name: "decay", Label: "share of steps with decay",
		Doc: "share of the steps, the last ones, in which train.schedule = \"wsd\" falls"},
	quantity.Key{Name: "warmup_steps", Label: "steps with warm-up",
		Doc: "steps of the warm-up, in place of train.warmup, so that longer trainings can continue from shorter ones; 0: train.warmup"},
)

// Schedule is how the learning rate goes after the warm-up.
type Schedule struct {
	Kind      string  // one of [Schedules]; "" is cosine
	WarmSteps int     // of the warm-up; 0: a share of the steps
	Fall      float64 // share of the steps, the last ones, in which wsd falls
}

// Schedules are the kinds: a cosine from the peak to the floor; the peak to the end;
// and warm-up, stable, decay (Hu et al. 2024), which falls linearly at its end.
var Schedules = []string{"cosine", "constant", "wsd"}

// Stable is the number of steps after which the rate falls, of so many; 0 where it
// falls from the first.
func (s Schedule) Stable(steps int) int {
	switch s.Kind {
	case "constant":
		return steps
	case "wsd":
		return steps - int(math.Ceil(s.Fall*float64(steps)))
	}
	return 0
}

// Branching parameters are those of families whose trainings have a schedule.
type Branching interface {
	// Trunk is the training without an end that this one is the same as for its first
	// steps, and how many these are; why says why there is none.
	Trunk() (p Params, steps int, why string)
}

// TrunkOf is the trunk of parameters of any family.
func TrunkOf(p Params) (trunk Params, steps int, why string) {
	b, ok := p.Canonical().(Branching)
	if !ok {
		return nil, 0, "trainings of the family " + p.Family().Name() + " end where their steps do"
	}
	return b.Trunk()
}

// WithoutEnd is Trunk of trainings with a table [train], whose schedule begins behind their first
// steps: 0, or those of a tokenizer.
func WithoutEnd(p Params, s Schedule, warmup float64, first int) (trunk Params, steps int, why string) {
	if why = BranchOff(s, warmup); why != "" {
		return nil, 0, why
	}
	steps = first + s.Stable(p.Training().Steps-first)
	p, _ = Set(p, "train.schedule", "constant")
	p, _ = Set(p, "train.steps", first+1)
	return p.Canonical(), steps, ""
}

// BranchOff says why a training of a schedule is no part of a longer one, or "".
func BranchOff(s Schedule, warmup float64) string {
	switch {
	case s.Kind != "constant" && s.Kind != "wsd":
		return `train.schedule = "cosine" falls from the first step to the last: with "constant" or "wsd" the longer ones go on from the shorter`
	case s.WarmSteps == 0 && warmup > 0:
		return "train.warmup is a share of train.steps: with train.warmup_steps the longer ones go on from the shorter"
	}
	return ""
}

// CheckSchedule reports the first key of a schedule whose value is not allowed.
func CheckSchedule(s Schedule, steps int, warmup float64) error {
	if err := First(OneOf("train.schedule", s.Kind, Schedules...), Within("train.decay", s.Fall, 0, 1)); err != nil {
		return err
	}
	if s.WarmSteps < 0 || s.WarmSteps > steps {
		return BadKey("train.warmup_steps", "must be 0 (train.warmup) to train.steps = %d, not %d", steps, s.WarmSteps)
	}
	warm := s.WarmSteps
	if warm == 0 {
		warm = int(math.Ceil(warmup * float64(steps)))
	}
	if s.Kind == "wsd" && warm > s.Stable(steps) {
		return BadKey("train.decay", "%g of %d steps begins before the warm-up of %d steps ends", s.Fall, steps, warm)
	}
	return nil
}

// CanonicalSchedule gives the kind and the decay of a schedule, a decay that is not
// read replaced by the usual one, and likewise changes the warm-up and the floor (nil:
// there is none), so that the same rates have the same fields.
func CanonicalSchedule(s Schedule, usual float64, warmup, floor *float64) (kind string, fall float64) {
	if s.Kind != "wsd" {
		s.Fall = usual
	}
	if s.Kind == "constant" && floor != nil {
		*floor = 0
	}
	if s.WarmSteps > 0 {
		*warmup = 0
	}
	return s.Kind, s.Fall
}

// sameTrunk says that a state of a training after so many steps is also one of
// another training: of both it lies before the rate falls.
func sameTrunk(p Params, steps int, want Params) bool {
	a, stableA, whyA := TrunkOf(p)
	b, stableB, whyB := TrunkOf(want)
	return whyA == "" && whyB == "" && steps <= min(stableA, stableB) && slices.Equal([]any{Table(a, "model"), Table(a, "train")},
		[]any{Table(b, "model"), Table(b, "train")})
}
