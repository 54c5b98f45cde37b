package pra

import "prabench/models"

// Costs counts by running the core on a backend that only counts. The
// configurations must be valid. Where images settle by themselves, it is what those cost
// that take all sweeps.
func (c Config) Costs(t TrainConfig, s SampleConfig) models.Costs {
	K := c.ARSteps()
	plan := s.plan()
	out := models.Costs{ARSteps: K, NFE: plan.Evaluations(), TrunkEvals: 1}
	if how := s.jacobi(c); how.sweeps > 0 {
		windows := c.Tokens() / how.tokens
		out.ARSteps, out.TrunkEvals, out.NFE = windows*how.sweeps, how.sweeps, how.sweeps*out.NFE
	}
	if plan.Guides() {
		out.TrunkEvals *= 2
	}
	p := Params{c, t, s}
	out.FLOPsImage, out.FLOPsTrainImage = models.CountImage(p), models.CountSteps(p, 1)[0]
	return out
}

// TrainMemory is what a training holds on its device.
func (c Config) TrainMemory(t TrainConfig) models.MemoryEstimate {
	return models.CountTraining(Params{c, t, DefaultSample()})
}
