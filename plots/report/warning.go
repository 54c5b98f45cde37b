package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/results/record"
	"prabench/results/view"
)

// warning is what a reader has to know before the numbers.
type warning struct {
	Text  string
	Items []string // which, at most shownItems of them
	More  int
	Grave bool // something failed
}

const shownItems = 12

func newWarning(grave bool, items []string, format string, args ...any) warning {
	n := min(len(items), shownItems)
	return warning{Text: fmt.Sprintf(format, args...), Items: items[:n], More: len(items) - n, Grave: grave}
}

// warnings are those of an experiment, the gravest first.
func (e *experiment) warnings() []warning {
	var out []warning
	var failed, waiting []string
	by := map[string]int{}
	for i := range e.Cells {
		c := &e.Cells[i]
		switch c.Outcome {
		case record.OK:
		case record.Pending, record.Interrupted:
			waiting = append(waiting, cellName(c, e.Name)+reasonText(c))
		default:
			by[c.Outcome]++
			failed = append(failed, cellName(c, e.Name)+reasonText(c))
		}
	}
	if len(failed) > 0 {
		var kinds []string
		for _, o := range slices.Sorted(maps.Keys(by)) {
			kinds = append(kinds, fmt.Sprintf("%d %s", by[o], o))
		}
		out = append(out, newWarning(true, failed, "%d of %d cells failed or wait for one that did (%s). What they lack is marked × in the "+
			"tables.", len(failed), len(e.Cells), strings.Join(kinds, ", ")))
	}
	if len(waiting) > 0 {
		out = append(out, newWarning(false, waiting, "%d of %d cells are not finished.", len(waiting), len(e.Cells)))
	}
	for _, n := range e.Notes {
		out = append(out, newWarning(true, nil, "%s", n))
	}
	for _, f := range e.Figures {
		if f.Problem != "" {
			out = append(out, newWarning(true, nil, "%s", f.Problem))
		}
	}
	var disturbed, diverged []string
	timings := 0
	for i := range e.Rows {
		if r := &e.Rows[i]; r.Metric == quantity.LossRise.Name && quantity.Diverged(r.Value) {
			diverged = append(diverged, fmt.Sprintf("%s, seed %d: its loss ended at %.3g times its lowest", nameOf(r.Label, e.Name),
				r.Seed, r.Value))
		} else if r.Metric == quantity.DisturbedRounds.Name {
			timings++
			if r.Value > 0 {
				disturbed = append(disturbed, fmt.Sprintf("%s, seed %d: %s of %d rounds", nameOf(r.Label, e.Name), r.Seed,
					numeral.Fixed(r.Value, 0), r.N))
			}
		}
	}
	if len(diverged) > 0 {
		out = append(out, newWarning(true, diverged, "%d trainings diverged: their scores are those of models that learned nothing lasting.",
			len(diverged)))
	}
	if len(disturbed) > 0 {
		out = append(out, newWarning(false, disturbed,
			"Something else loaded the machine while %d of %d cells were timed; these timings are marked ~.", len(disturbed), timings))
	}
	if items := e.apart(func(r *view.Row) string { return r.Code }); len(items) > 1 {
		out = append(out, newWarning(false, items, "The values come from %d states of the program.", len(items)))
	} else if len(items) == 1 && !record.KnownRevision(e.Rows[0].Code) {
		out = append(out, newWarning(false, nil, "The program had local changes, or no known revision: %s.", items[0]))
	}
	if items := e.apart(func(r *view.Row) string { return r.DeviceClass }); len(items) > 1 {
		out = append(out, newWarning(false, items, "The values come from %d kinds of hardware.", len(items)))
	}
	for _, c := range columnsOf(e.Rows) {
		if len(c.protocols) > 1 {
			out = append(out, newWarning(false, c.protocols, "%s was measured under %d protocols; their values are not to be compared.", c.Name,
				len(c.protocols)))
		}
	}
	if len(e.Cells) > 0 && !e.severalSeeds() {
		out = append(out, newWarning(false, nil,
			"Each point has one training seed: intervals are over images or rounds of timing, and say nothing about another training."))
	}
	return out
}

// apart lists what values differ in, each with how many cells have it.
func (e *experiment) apart(of func(*view.Row) string) []string {
	cells := map[string]map[string]bool{}
	for i := range e.Rows {
		r := &e.Rows[i]
		v := of(r)
		if cells[v] == nil {
			cells[v] = map[string]bool{}
		}
		cells[v][r.Cell] = true
	}
	var out []string
	for _, v := range slices.Sorted(maps.Keys(cells)) {
		out = append(out, fmt.Sprintf("%s: values of %d cells", v, len(cells[v])))
	}
	return out
}

func cellName(c *view.Cell, experiment string) string {
	return fmt.Sprintf("%s, seed %d", nameOf(c.Label, experiment), c.Seed)
}

func reasonText(c *view.Cell) string {
	text := ": " + c.Outcome
	if c.Kind != "" {
		text += " in " + c.Kind
	}
	if c.Reason != "" {
		text += ", " + c.Reason
	}
	return text
}
