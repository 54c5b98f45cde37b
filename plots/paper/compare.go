package paper

import (
	"prabench/metrics/quantity"
	"prabench/plots"
	"prabench/results/view"
)

// Compare compares every cell of of with the cells of over that differ from it in
// the fewest keys, in some metrics, all of them one family (Holm). In a metric whose
// better direction is known, what holds is that of is better; else that it is higher.
func Compare(data plots.Data, of, over []plots.CellData, metrics []string) []Comparison {
	var all []Comparison
	for _, metric := range metrics {
		for _, a := range of {
			for _, b := range nearest(a, over) {
				all = append(all, Comparison{Of: a.Label, Over: b.Label, Metric: metric, aCell: a, bCell: b})
			}
		}
	}
	settle(data, all, nil, func(metric string) int {
		if plots.Better(metric) < 0 {
			return -1
		}
		return +1
	})
	return all
}

// nearest are those of the cells that differ from a in the fewest keys, and not a itself.
func nearest(a plots.CellData, cells []plots.CellData) (out []plots.CellData) {
	least := 0
	for _, b := range cells {
		n := 0
		for key := range both(a.Params, b.Params) {
			if a.Text(key) != b.Text(key) {
				n++
			}
		}
		switch {
		case n == 0 && a.Label == b.Label:
		case len(out) == 0 || n < least:
			out, least = []plots.CellData{b}, n
		case n == least:
			out = append(out, b)
		}
	}
	return out
}

// both are the keys of two cells, each by its full name alone.
func both(a, b map[string]any) map[string]bool {
	keys := map[string]bool{}
	for _, of := range []map[string]any{a, b} {
		for key := range of {
			keys[quantity.FullKey(key)] = true
		}
	}
	return keys
}

// Measured is the difference behind a comparison.
func (k Comparison) Measured() view.Difference { return k.d }

// Says is the verdict in words, about the first side.
func (k Comparison) Says() string {
	words := map[Verdict]string{Holds: "better", Contradicted: "worse"}
	if plots.Better(k.Metric) == 0 {
		words = map[Verdict]string{Holds: "higher", Contradicted: "lower"}
	}
	said := string(k.Verdict)
	if w, ok := words[k.Verdict]; ok {
		said = w
	}
	said += k.needs()
	if k.Why != "" {
		said += ": " + k.Why
	}
	return said
}

// PText is the corrected p-value with two digits.
func (k Comparison) PText() string { return pText(k.P) }
