package check

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"prabench/metrics/quantity"

	"golang.org/x/perf/benchfmt"
)

// WriteGo writes every round in the Go benchmark format, which benchstat reads:
// `benchstat -col arm FILE` sets the new program beside the old.
func (r *Report) WriteGo(w io.Writer) error {
	out := benchfmt.NewWriter(w)
	units := map[string]bool{}
	for _, c := range r.Cells {
		for _, k := range c.Comparisons {
			unit, _ := goUnit(k, 0)
			if k.Exact || units[unit] {
				continue
			}
			units[unit] = true
			better := "lower"
			if k.metric.Higher {
				better = "higher"
			}
			if err := out.Write(&benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: unit, Key: "better"}, OrigUnit: unit,
				Value: better}); err != nil {
				return err
			}
		}
	}
	for side, p := range []Program{r.Old, r.New} {
		for _, c := range r.Cells {
			for _, k := range c.Comparisons {
				rounds := k.OldRounds
				if Side(side) == New {
					rounds = k.NewRounds
				}
				for _, v := range rounds {
					unit, value := goUnit(k, v)
					line := &benchfmt.Result{
						Name:  benchfmt.Name(fmt.Sprintf("%s-%d", goName(c.Label), r.Threads)),
						Iters: 1, Values: []benchfmt.Value{{Value: value, Unit: unit}},
					}
					for _, f := range [][2]string{{"arm", Side(side).String()}, {"program", p.title()}, {"device", r.Device},
						{"experiment", r.Experiment}} {
						if f[1] != "" { // the writer prints it where it changes
							line.Config = append(line.Config, benchfmt.Config{Key: f[0], Value: []byte(f[1]), File: true})
						}
					}
					if err := out.Write(line); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// goUnit is a metric's unit and value there. Times of one image are the
// format's own; the others keep their metric's name, so that two of one unit do
// not mix.
func goUnit(k Comparison, v float64) (unit string, value float64) {
	switch k.Metric {
	case quantity.Latency.Name:
		return "ns/op", 1e9 * v
	case quantity.FirstBlockLatency.Name:
		return "first-block-ns", 1e9 * v
	case quantity.Throughput.Name:
		return "images/s", v
	case quantity.TrainThroughput.Name:
		return "train-images/s", v
	}
	return strings.ReplaceAll(k.Metric, "_", "-") + "-B", v
}

// goName is a cell's label as the name of a benchmark: "patch=7 block=1"
// becomes Cell/patch=7/block=1, which benchstat can group by.
func goName(label string) string {
	words := strings.Fields(label)
	for _, w := range words {
		if !strings.Contains(w, "=") {
			words = []string{"label=" + label}
			break
		}
	}
	clean := func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '/' {
			return '_'
		}
		return r
	}
	name := "Cell"
	for _, w := range words {
		name += "/" + strings.Map(clean, w)
	}
	return name
}
