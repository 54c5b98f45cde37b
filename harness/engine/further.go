package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models"
)

// branch is a stage that others may go on from, or that goes on from others.
type branch struct {
	*Item
	whole string // key of the one that goes to the end
	steps int    // that it does
	// trunk is the stage without an end that it is the same as for its first stable
	// steps; "" where there is none.
	trunk  string
	stable int
}

// further finds stages that go on from others of the plan: those of a kind that say
// how far they go, which are the same but for that, or the same up to where their
// schedules part. Each waits for the one before it.
func (p *Plan) further() {
	same := map[string][]*branch{} // key of the one that goes to the end, or of the trunk → those that can be one
	var all []*branch
	for _, it := range p.Items {
		if it.Kind.Reach == nil {
			continue
		}
		b := &branch{Item: it, steps: it.reach()}
		whole := it.Key
		if b.steps > 0 {
			chain, err := stage.Of(it.Kind.Whole(it.Full()))
			if err != nil {
				continue // then each goes all its way
			}
			whole = chain.Key(it.Kind)
		} else {
			b.steps = it.Settings.StepsTrained()
		}
		same[whole] = append(same[whole], b)
		if it.Kind.Trunk != nil {
			if trunk, stable, ok := it.Kind.Trunk(it.Full()); ok {
				if chain, err := stage.Of(trunk); err == nil {
					b.trunk, b.stable = "trunk "+chain.Key(it.Kind), stable
					same[b.trunk] = append(same[b.trunk], b)
				}
			}
		}
		b.Earlier = nil
		b.whole = whole
		all = append(all, b)
	}
	for _, b := range all {
		var before []*branch
		for _, e := range same[b.whole] {
			if e.steps < b.steps {
				before = append(before, e)
			}
		}
		for _, e := range same[b.trunk] { // none for ""
			if e.steps < b.steps && e.whole != b.whole && e.steps <= min(e.stable, b.stable) {
				before = append(before, e)
			}
		}
		slices.SortStableFunc(before, func(a, b *branch) int { return cmp.Compare(b.steps, a.steps) }) // the latest first
		for _, e := range before {
			b.Earlier = append(b.Earlier, e.Key)
		}
	}
}

// reach is how far a stage goes, 0 to the end.
func (it *Item) reach() int {
	if it.Kind.Reach == nil {
		return 0
	}
	return it.Kind.Reach(it.Settings)
}

// saved is the share of a stage that those before it do or have done.
func (p *Plan) saved(it *Item) float64 {
	if len(it.Earlier) == 0 {
		return 0
	}
	before := p.byKey[it.Earlier[0]]
	if before == nil || before.Skip && before.State != Done && before.State != Stored {
		return 0
	}
	own, there := it.Kind.Effort(it.Settings, it.Costs).FLOPs, before.Kind.Effort(before.Settings, before.Costs).FLOPs
	if own <= 0 {
		return 0
	}
	return min(1, there/own)
}

// goesOnFrom is the stage that this one goes on from, if it is among those that are to be done. Where it
// fails, this one begins further back.
func (it *Item) goesOnFrom(listed map[string]bool) []string {
	if len(it.Earlier) > 0 && listed[it.Earlier[0]] {
		return it.Earlier[:1]
	}
	return nil
}

// Apart says of trainings that differ in their steps alone why the longer ones cannot go
// on from the shorter.
func (p *Plan) Apart() []string {
	type group struct {
		steps []int
		why   string
	}
	groups := map[models.Params]*group{}
	var order []models.Params
	for _, it := range p.Items {
		if it.Kind.Reach == nil || it.Skip || it.Settings.Foreign() {
			continue
		}
		full := it.Full()
		_, _, why := models.TrunkOf(full.Params)
		params, ok := models.Set(full.Params.Canonical(), "train.steps", 1)
		if why == "" || !ok {
			continue
		}
		if groups[params] == nil {
			groups[params] = &group{why: why}
			order = append(order, params)
		}
		if g := groups[params]; !slices.Contains(g.steps, full.Training().Steps) {
			g.steps = append(g.steps, full.Training().Steps)
		}
	}
	var out []string
	for _, params := range order {
		g := groups[params]
		if len(g.steps) < 2 {
			continue
		}
		slices.Sort(g.steps)
		steps := strings.Trim(strings.ReplaceAll(fmt.Sprint(g.steps), " ", ", "), "[]")
		text := fmt.Sprintf("trainings of %s steps share nothing: %s", steps, g.why)
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// Alike are trainings that end with the same model, though their settings and costs
// differ: see [models.Indifferent]. Each is done, for its key is its own, and so is what
// it measures of itself.
type Alike struct {
	Labels []string // of one cell each
	Why    string
}

// String says which, why, and what to do.
func (a Alike) String() string {
	return fmt.Sprintf("%s train the same model: %s; each is trained all the same, since train_seconds, train_flops and memory are its own; "+
		"[[sweep.exclude]] leaves points out", strings.Join(a.Labels, " and "), a.Why)
}

// Alike finds the trainings of the plan that cannot differ, those of the first of
// several seeds.
func (p *Plan) Alike() []Alike {
	var order []string
	groups := map[string]*Alike{}
	for _, it := range p.Items {
		params, ok := it.Settings.Params.(models.Indifferent)
		if it.Kind != work.Train || it.Skip || !ok {
			continue
		}
		full := it.Full()
		full.Params = params.Alike().Seeded(it.Seed)
		raw, err := json.Marshal(it.Kind.Part(&full))
		if err != nil {
			continue // it will be refused elsewhere
		}
		g := groups[string(raw)]
		if g == nil {
			g = &Alike{Why: "where all images keep inputs of depth 1 (train.mix = 1) deeper rollouts change nothing"}
			if steps, ok := it.Settings.Params.(models.Stepped); ok && steps.ARSteps() == 1 {
				g.Why = "with one AR step (K = 1) train.rollout_depth and train.input_noise change nothing"
			}
			groups[string(raw)] = g
			order = append(order, string(raw))
		}
		g.Labels = append(g.Labels, strings.TrimSuffix(it.Label, fmt.Sprintf(", seed %d", it.Seed)))
	}
	var out []Alike
	for _, key := range order {
		g := groups[key]
		said := slices.ContainsFunc(out, func(a Alike) bool { return slices.Equal(a.Labels, g.Labels) })
		if len(g.Labels) > 1 && !said {
			out = append(out, *g)
		}
	}
	return out
}

// SameAverages says of trainings that keep several averages which of them are the same,
// each sentence once.
func (p *Plan) SameAverages() (out []string) {
	for _, it := range p.Items {
		if it.Kind != work.Train || it.Skip {
			continue
		}
		value, _ := models.Get(it.Settings.Params, "train.ema")
		averages, ok := value.(models.Averages)
		if !ok {
			continue
		}
		steps := it.Settings.Params.Training().Steps
		if p, ok := it.Settings.Params.(models.Tokenized); ok {
			_, first := p.Tokenizer() // of which no average is kept
			steps -= first
		}
		same := averages.Unreached(steps)
		if len(same) < 2 {
			continue
		}
		said := fmt.Sprintf("train.ema = %s are the same average after %d steps: the decay of step n is at most (1+n)/(10+n), "+
			"%.5g at the last one",
			strings.Join(same, " and "), steps, models.Decay(1, steps-1))
		if !slices.Contains(out, said) {
			out = append(out, said)
		}
	}
	return out
}

// OneTraining names the points with several seeds of which all are one training: of a family that
// draws no random numbers, or with the seeds of all parts set.
func (p *Plan) OneTraining() (labels []string) {
	for _, e := range p.Experiments {
		keys := map[string]string{} // by label
		differ, several := map[string]bool{}, map[string]bool{}
		var order []string
		for i := range e.Cells {
			c := &e.Cells[i]
			if c.Skip || c.Settings.Foreign() {
				continue
			}
			key := c.Chain.Key(work.Train)
			if first, known := keys[c.Label]; known {
				several[c.Label], differ[c.Label] = true, differ[c.Label] || key != first
			} else {
				keys[c.Label], order = key, append(order, c.Label)
			}
		}
		for _, label := range order {
			if several[label] && !differ[label] {
				labels = append(labels, cmp.Or(label, e.Name))
			}
		}
	}
	return labels
}

// spare finds stages that only save others time and that nobody needs: what they would
// save time of is done, as it is where an older program did it without them. They are not
// done, and the database is not told that they are planned.
func (p *Plan) spare() {
	p.unspare()
	needed, run := map[string]bool{}, map[string]bool{} // by what is to do, by what is to be done now
	for _, it := range p.Items {
		if it.State != ToDo || p.begun(it) {
			continue
		}
		for _, kind := range it.Kind.Aside {
			key := it.Input(kind)
			needed[key] = true
			run[key] = run[key] || !it.Skip
		}
	}
	for _, it := range p.Items {
		if !it.Kind.SavesTime() || it.State == Done || it.State == Stored || run[it.Key] {
			continue
		}
		skip := it.Skip
		it.Spared, it.Skip = !needed[it.Key], true
		p.undo = append(p.undo, func() { it.Spared, it.Skip = false, skip })
	}
	for _, it := range p.Items {
		if slices.ContainsFunc(it.Kind.Aside, func(k *stage.Kind) bool { return p.spared(it.Input(k)) }) {
			all := it.Inputs
			it.Inputs = p.unspared(all)
			p.undo = append(p.undo, func() { it.Inputs = all })
		}
	}
}

// unspare takes back what spare found.
func (p *Plan) unspare() {
	for _, back := range p.undo {
		back()
	}
	p.undo = nil
}

// begun says that a stage goes on from another one that is done: nothing can save it time
// at its beginning.
func (p *Plan) begun(it *Item) bool {
	return slices.ContainsFunc(it.Earlier, func(key string) bool {
		before := p.byKey[key]
		return before != nil && (before.State == Done || before.State == Stored)
	})
}

func (p *Plan) spared(key string) bool {
	it := p.byKey[key]
	return it != nil && it.Spared
}

// unspared are the keys of inputs without those that are spared.
func (p *Plan) unspared(inputs []string) []string {
	out := slices.Clone(inputs)
	for i, key := range out {
		if p.spared(key) {
			out[i] = ""
		}
	}
	return out
}

// StagesOf are the stages of a cell that are planned: those of its chain without what is
// spared.
func (p *Plan) StagesOf(c *Cell) []stage.Stage {
	all := c.Chain.Stages()
	if len(p.undo) == 0 {
		return all
	}
	for i := range all {
		all[i].Inputs = p.unspared(all[i].Inputs)
	}
	return slices.DeleteFunc(all, func(st stage.Stage) bool { return p.spared(st.Key) })
}
