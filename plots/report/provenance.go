package report

import (
	"slices"
	"time"

	"prabench/results/view"
)

// source is a value with all that is known about where it comes from.
type source struct {
	column       *column
	value        float64
	lo, hi       *float64
	n            int
	interval     string // what lo and hi are over
	protocol     string
	code, device string
	attempts     []string
}

func sourceOfRow(r *view.Row) source {
	return source{value: r.Value, lo: r.Lo, hi: r.Hi, n: r.N, interval: r.Method.Long(), protocol: r.Protocol, code: r.Code,
		device: r.DeviceClass, attempts: []string{r.Attempt}}
}

func sourceOfMean(m view.Mean) source {
	attempts := slices.Clone(m.Attempts)
	return source{value: m.Value, lo: m.Lo, hi: m.Hi, n: m.N, interval: m.Interval.Long(), protocol: m.Protocol, code: m.Code,
		device: m.Device, attempts: slices.Compact(attempts)}
}

// provenance is what the script shows of a row on demand. Texts that come
// again stand once and are referred to by their places.
type provenance struct {
	Metrics  [][3]string               `json:"metrics"` // name, what it is called, unit as stored
	Texts    []string                  `json:"texts"`
	Attempts [][]any                   `json:"attempts"` // id, then places of texts: stage, code, device, machine, started, finished
	Rows     map[string][]provenanceOf `json:"rows"`

	metric, text, attempt map[string]int
}

// provenanceOf is one value: metric, value, lo, hi, n, then places of texts:
// interval, protocol, code, device, and the places of attempts.
type provenanceOf []any

func newProvenance() *provenance {
	return &provenance{Rows: map[string][]provenanceOf{}, metric: map[string]int{}, text: map[string]int{}, attempt: map[string]int{}}
}

func (p *provenance) textAt(s string) int {
	i, ok := p.text[s]
	if !ok {
		i = len(p.Texts)
		p.text[s] = i
		p.Texts = append(p.Texts, s)
	}
	return i
}

func (p *provenance) metricAt(c *column) int {
	name := c.Metric + " " + c.stored
	i, ok := p.metric[name]
	if !ok {
		i = len(p.Metrics)
		p.metric[name] = i
		p.Metrics = append(p.Metrics, [3]string{c.Metric, c.Name, unitText(c.stored)})
	}
	return i
}

func unitText(stored string) string {
	if stored == "1" {
		return ""
	}
	return stored
}

// add takes in an experiment's rows.
func (p *provenance) add(e *experiment, t *table) {
	known := map[string]*view.Provenance{}
	for i := range e.Attempts {
		known[e.Attempts[i].Attempt] = &e.Attempts[i]
	}
	attemptAt := func(id string) int {
		i, ok := p.attempt[id]
		if ok {
			return i
		}
		i = len(p.Attempts)
		p.attempt[id] = i
		about := []any{id}
		if a := known[id]; a != nil {
			about = append(about, p.textAt(a.Kind), p.textAt(a.Code), p.textAt(a.Device), p.textAt(machine(e.Environments[a.Environment])),
				stampText(a.Started), stampText(a.Finished), a.Stage)
		}
		p.Attempts = append(p.Attempts, about)
		return i
	}
	for _, r := range t.Rows {
		list := []provenanceOf{}
		for _, s := range r.from {
			var at []int
			for _, id := range s.attempts {
				at = append(at, attemptAt(id))
			}
			list = append(list, provenanceOf{p.metricAt(s.column), s.value, s.lo, s.hi, s.n, p.textAt(s.interval), p.textAt(s.protocol),
				p.textAt(s.code), p.textAt(s.device), at})
		}
		p.Rows[r.ID] = list
	}
}

func stampText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
