package paper

import (
	"slices"
	"strings"

	"prabench/plots"
)

// behind is what a figure stands on.
type behind struct {
	Stages    []stageLine
	Protocols []protocolLine
}

// stageLine sums up the attempts of one kind of stage.
type stageLine struct {
	Kind         string
	IDs          []string
	Codes        []string // short
	Devices      []string
	Environments []string // ids
}

type protocolLine struct{ Metric, ID, Text string }

// behindFigure collects the attempts of the cells that a figure shows.
func behindFigure(p Part, f Figure) behind {
	cells, err := plots.Selected(f.Figure, f.Data)
	if err != nil {
		return behind{}
	}
	in := map[string]bool{}
	for _, c := range cells {
		for i, id := range c.IDs {
			if i == 0 || !f.Needs().OneSeed() { // these show the first seed's
				in[id] = true
			}
		}
	}
	var b behind
	at := map[string]int{}
	for _, a := range p.Attempts {
		if stages := f.Needs().Stages(); !in[a.Cell] || stages != nil && !slices.Contains(stages, a.Kind) {
			continue
		}
		i, ok := at[a.Kind]
		if !ok {
			i = len(b.Stages)
			at[a.Kind] = i
			b.Stages = append(b.Stages, stageLine{Kind: a.Kind})
		}
		s := &b.Stages[i]
		s.IDs, s.Codes = add(s.IDs, a.ID), add(s.Codes, plots.ShortCode(a.Code))
		s.Devices, s.Environments = add(s.Devices, a.Device), add(s.Environments, a.Environment)
	}
	for _, metric := range plots.Shown(f.Figure, f.Data) {
		for _, c := range cells {
			m, ok := c.Metrics[metric]
			if !ok || m.Protocol == "" {
				continue
			}
			line := protocolLine{metric, plots.ShortProtocol(m.Protocol), m.Protocol}
			if !slices.Contains(b.Protocols, line) {
				b.Protocols = append(b.Protocols, line)
			}
		}
	}
	return b
}

func add(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// codes lists all revisions of a part, full.
func (p Part) codes() []string {
	var out []string
	for _, a := range p.Attempts {
		for _, c := range strings.Split(a.Code, " + ") {
			out = add(out, c)
		}
	}
	slices.Sort(out)
	return out
}
