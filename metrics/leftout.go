package metrics

import "prabench/metrics/stat"

// LeftOut is a distance of two sets with its values where each block of either side
// is left out. Of two that share their reference it tells by how much they differ,
// which their own intervals say badly: what the reference does to both cancels.
type LeftOut struct {
	Value float64      `json:"value"`
	N     int          `json:"n"` // generated images
	Left  [2][]float64 `json:"left"`
}

// FrechetLeftOut is [FrechetEstimate] with what its interval is made of.
func FrechetLeftOut(real, gen Features) (LeftOut, error) {
	value, left, err := frechetLeft(real, gen)
	return LeftOut{value, gen.N, left}, err
}

// KIDLeftOut is [KIDEstimate] with what its interval is made of.
func KIDLeftOut(real, gen Features) (LeftOut, error) {
	value, left, err := kidLeft(real, gen)
	return LeftOut{value, gen.N, left}, err
}

// Estimate is the distance with its interval.
func (l LeftOut) Estimate() stat.Estimate { return stat.DeleteGroup(l.Value, l.N, l.Left[:]...) }

// To is the difference to − l of two distances from one reference, in sets of which
// image i is the same before some change, or of which neither knows the other.
func (l LeftOut) To(to LeftOut) stat.Difference {
	return stat.PairedGroups(l.Value, to.Value, l.N, l.Left[:], to.Left[:])
}
