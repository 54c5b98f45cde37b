package stage

import "prabench/models"

// Capability is something that a kind of stage asks of a model beside training
// and sampling. What a model is capable of is a matter of its settings: a stage
// that asks for more is not planned, so nothing fails.
type Capability string

// What models can be asked for.
const (
	// Continues: it goes on from the first tokens of an image that is given, and
	// has AR steps enough for a quarter of them to be given.
	Continues Capability = "continue from a prefix"
	// Pools: it gives features of an image, the mean over its tokens.
	Pools Capability = "pooled features"
	// HasBorders: its images are put together of patches that have borders.
	HasBorders Capability = "borders of patches"
	// Reconstructs: it sees images through a coder, whose reconstructions can be looked at.
	Reconstructs Capability = "reconstructions"
	// Perceives: it learns by comparing images in a classifier.
	Perceives Capability = "a classifier's features in its loss"
)

// leastSteps is the number of AR steps from which a quarter of the tokens is a
// step or more.
const leastSteps = 4

// Can says whether the model of these settings is capable of something.
func (s *Settings) Can(c Capability) bool {
	switch c {
	case Continues:
		p, ok := s.Params.(models.Prefixed)
		return ok && p.ARSteps() >= leastSteps
	case Pools:
		_, ok := s.Params.(models.Pooled)
		return ok
	case Reconstructs:
		_, ok := s.Params.(models.Coded)
		return ok
	case Perceives:
		p, ok := s.Params.(models.Perceptive)
		return ok && p.Perceives()
	case HasBorders:
		p, ok := s.Params.(models.Patched)
		return ok && p.PatchSide() > 1 && p.PatchSide() < s.Params.Shape().Size
	}
	return false
}
