package draw

import (
	"prabench/harness/work"
	"prabench/metrics/stat"
	"prabench/plots"
)

// imagePairs compares cells of the same weights by their images; what two cells
// came to is remembered, for all metrics.
func (e *experiment) imagePairs() func(a, b plots.CellData, metric string) (stat.Difference, bool) {
	known := map[[2]string]map[string]stat.Difference{}
	return func(a, b plots.CellData, metric string) (stat.Difference, bool) {
		if len(a.IDs) != 1 || len(b.IDs) != 1 || a.Text("sample.seed") != b.Text("sample.seed") {
			return stat.Difference{}, false
		}
		x, y := e.cells[a.IDs[0]], e.cells[b.IDs[0]]
		if x == nil || y == nil || !work.SameWeights(x.Chain, y.Chain) {
			return stat.Difference{}, false
		}
		name := [2]string{a.IDs[0], b.IDs[0]}
		if _, ok := known[name]; !ok {
			// Without the artifacts nobody can tell, as for any two trainings.
			known[name], _ = work.ImageDifferences(e.Store, x.Chain, y.Chain)
		}
		d, ok := known[name][metric]
		return d, ok
	}
}
