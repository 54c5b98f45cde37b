package pra

import "prabench/models/layers"

// flowPlan is how the flow of a state is integrated. With an anchor it starts at that
// time from s·z + (1−s)·ω.
type flowPlan struct {
	layers.Flow
	linear bool // guidance·(k+1)/K in AR step k
	renorm bool // the state is normalised again at the end
}

func (s SampleConfig) plan() flowPlan {
	f := layers.Flow{Steps: s.FlowSteps, Solver: s.Solver, Last: s.LastStep, Guidance: s.Guidance, To: 1}
	if s.GuidanceSchedule == "interval" {
		f.From, f.To = s.GuidanceFrom, s.GuidanceTo
	}
	return flowPlan{f, s.GuidanceSchedule == "linear", s.Renormalise == "end"}
}
