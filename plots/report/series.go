package report

import (
	"slices"
	"strings"

	"prabench/plots"
)

// series sorts points by one key: its values in order, and the value of each
// point; without a key all are one series.
type series struct {
	key    string
	values []string
	of     []int
}

// likely are the keys that a chart is coloured by when nobody says which.
var likely = []string{"train.rollout_depth", "model.block", "model.patch", "model.state", "model.target", "train.input_noise"}

// mostSeries is how many a legend can tell apart.
const mostSeries = 7

// series chooses the key that was asked for, or a likely one that has few values.
func (e *experiment) series(asked string) series {
	candidates := []string{asked}
	if asked == "" {
		candidates = slices.Clone(likely)
		for _, k := range e.keys() {
			if !slices.Contains(candidates, k.Key) {
				candidates = append(candidates, k.Key)
			}
		}
	}
	for _, k := range candidates {
		s := series{key: k}
		for _, c := range e.Data.Cells {
			v := valueOf(c, k)
			i := slices.Index(s.values, v)
			if i < 0 {
				i = len(s.values)
				s.values = append(s.values, v)
			}
			s.of = append(s.of, i)
		}
		if len(s.values) > 1 && (asked != "" || len(s.values) <= mostSeries) {
			return s
		}
	}
	return series{of: make([]int, len(e.Data.Cells))}
}

func valueOf(c plots.CellData, key string) string {
	if key == "label" {
		return c.Label
	}
	if v, ok := c.Params[key]; ok {
		return plots.Show(v)
	}
	if v, ok := c.Params[key[strings.LastIndexByte(key, '.')+1:]]; ok {
		return plots.Show(v)
	}
	return "not set"
}

func (s series) legend() []key {
	if s.key == "" {
		return nil
	}
	var out []key
	for i, v := range s.values {
		class, shape, dash := look(i)
		out = append(out, key{plots.Describe(s.key).Short + " " + v, class, shape, dash})
	}
	return out
}
