package pra

import "math"

// minRemain bounds 1 − t from below where the x-target divides by it.
const minRemain = 0.05

// flowPlan is how the flow is integrated: from t = anchor to 1.
type flowPlan struct {
	steps    int
	solver   string // "euler", "heun", "midpoint" or "euler-maruyama"
	last     float64
	guidance float64
	linear   bool    // guidance·(k+1)/K in AR step k
	interval bool    // guidance for times in [from, to] alone
	from, to float64 // …
	renorm   bool    // the state is normalised again at the end
	anchor   float64 // s: the flow starts at t = s from s·z + (1−s)·ω
}

func (s SampleConfig) plan() flowPlan {
	return flowPlan{steps: s.FlowSteps, solver: s.Solver, last: s.LastStep, guidance: s.Guidance, linear: s.GuidanceSchedule == "linear",
		interval: s.GuidanceSchedule == "interval", from: s.GuidanceFrom, to: s.GuidanceTo, renorm: s.Renormalise == "end"}
}

// time at which step i begins; that of the step after the last is 1.
func (f flowPlan) time(i int) float64 {
	if f.solver == "euler-maruyama" && f.steps > 1 {
		if i == f.steps {
			return 1
		}
		return (1 - f.last) * float64(i) / float64(f.steps-1)
	}
	return f.anchor + (1-f.anchor)*float64(i)/float64(f.steps)
}

// times are those of the head's evaluations. Step i begins with the one numbered
// [flowPlan.first](i).
func (f flowPlan) times() []float64 {
	var out []float64
	for i := range f.steps {
		out = append(out, f.time(i))
		if f.solver == "midpoint" {
			out = append(out, (f.time(i)+f.time(i+1))/2)
		}
	}
	return out
}

func (f flowPlan) first(i int) int {
	if f.solver == "midpoint" {
		return 2 * i
	}
	return i
}

// guided says whether guidance is on at a time.
func (f flowPlan) guided(t float64) bool {
	return f.guidance != 0 && (!f.interval || f.from <= t && t <= f.to)
}

// guides says whether it is on at any.
func (f flowPlan) guides() bool {
	for _, t := range f.times() {
		if f.guided(t) {
			return true
		}
	}
	return false
}

// evaluations of the head for one token: those of the null class as well.
func (f flowPlan) evaluations() int {
	n, times := 0, f.times()
	at := func(i int) {
		n++
		if f.guided(times[i]) {
			n++
		}
	}
	for i := range times {
		at(i)
		if f.solver == "heun" && i < f.steps-1 {
			at(i + 1)
		}
	}
	return n
}

// inverse is what a velocity is multiplied with where the head predicts the state.
func inverse(t float64) float32 { return float32(1 / math.Max(1-t, minRemain)) }
