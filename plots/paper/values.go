package paper

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"prabench/plots"
	"prabench/plots/figure"
)

// valuesCSV has a line for each point and metric of a figure, with all digits;
// nil for figures that show no metric.
func valuesCSV(f Figure) ([]byte, error) {
	if f.Needs() == figure.StepErrors {
		return stepsCSV(f)
	}
	metrics := plots.Shown(f.Figure, f.Data)
	if len(metrics) == 0 {
		return nil, nil
	}
	cells, err := plots.Selected(f.Figure, f.Data)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"point", "metric", "unit", "value", "lo", "hi", "interval", "n", "seeds", "protocol", "device", "code",
		"attempts", "outcome"})
	for _, c := range cells {
		for _, name := range metrics {
			m, ok := c.Metrics[name]
			outcome := c.Outcome
			if ok || outcome == "" {
				outcome = "ok"
			}
			if !ok {
				w.Write([]string{c.Label, name, "", "", "", "", "", "", "", "", "", "", "", outcome})
				continue
			}
			seeds := make([]string, len(m.Values))
			for i, v := range m.Values {
				seeds[i] = exact(v)
			}
			w.Write([]string{c.Label, name, m.Unit, exact(m.Value), bound(m.Lo), bound(m.Hi), m.Interval, fmt.Sprint(m.N), strings.Join(seeds, " "),
				m.Protocol, m.Device, m.Code, strings.Join(m.Attempts, " "), outcome})
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// stepsCSV has a line for each AR step of each point.
func stepsCSV(f Figure) ([]byte, error) {
	cells, err := plots.Selected(f.Figure, f.Data)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"point", "value of", "step", "value", "lo", "hi", "interval", "device", "code"})
	for _, c := range cells {
		for _, line := range c.Steps {
			for _, q := range line.Points {
				w.Write([]string{c.Label, line.Name, exact(q.X), exact(q.Y), bound(q.YLo), bound(q.YHi), line.Interval, c.Device, c.Code})
			}
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func bound(p *float64) string {
	if p == nil {
		return ""
	}
	return exact(*p)
}

// attemptsCSV has a line for each stage of each cell of a part.
func attemptsCSV(p Part) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"point", "cell", "seed", "stage", "key", "attempt", "device", "code", "environment"})
	for _, a := range p.Attempts {
		w.Write([]string{a.Label, a.Cell, fmt.Sprint(a.Seed), a.Kind, a.Stage, a.ID, a.Device, a.Code, a.Environment})
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// environmentsText describes the machines of a part.
func environmentsText(p Part) []byte {
	var b bytes.Buffer
	list := slices.Clone(p.Environments)
	slices.SortFunc(list, func(a, b Environment) int { return strings.Compare(a.ID, b.ID) })
	for _, e := range list {
		fmt.Fprintf(&b, "environment %s\n", e.ID)
		for _, f := range e.Facts {
			fmt.Fprintf(&b, "  %s: %s\n", f[0], f[1])
		}
	}
	return b.Bytes()
}
