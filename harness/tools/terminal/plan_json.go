package terminal

import (
	"encoding/json"
	"io"

	"prabench/harness/engine"
	"prabench/harness/stage"
)

// PlanJSON writes the same for programs.
func PlanJSON(w io.Writer, ls []engine.Loaded, p *engine.Plan) error {
	type cell struct {
		Cell   string            `json:"cell"`
		Label  string            `json:"label"`
		Seed   uint64            `json:"seed"`
		Point  map[string]any    `json:"point"`
		Skip   bool              `json:"skip,omitempty"`
		Costs  stage.Costs       `json:"costs"`
		Stages map[string]string `json:"stages"`
	}
	type planned struct {
		Key      string       `json:"key"`
		Kind     string       `json:"kind"`
		Label    string       `json:"label"`
		Cells    int          `json:"cells"`
		State    engine.State `json:"state"`
		Reason   string       `json:"reason,omitempty"`
		Estimate *float64     `json:"estimate_seconds"` // null when unknown
	}
	type experiment struct {
		Name   string `json:"name"`
		File   string `json:"file"`
		Part   string `json:"part,omitempty"`   // which points of the sweep
		Search string `json:"search,omitempty"` // what a [search] will train
		Cells  []cell `json:"cells"`
	}
	out := struct {
		Experiments []experiment `json:"experiments"`
		Stages      []planned    `json:"stages"`
	}{}
	for _, l := range ls {
		e := experiment{Name: l.File.Name, File: l.File.File, Part: l.File.Part, Search: l.SearchPlan()}
		for _, c := range l.Exp.Cells {
			j := cell{Cell: c.ID, Label: c.Label, Seed: c.Seed, Point: c.Params, Skip: c.Skip,
				Stages: map[string]string{}}
			if costs := p.Costs(&c); costs != nil {
				j.Costs = *costs
			}
			for _, st := range p.StagesOf(&c) {
				j.Stages[st.Kind.Name] = st.Key
			}
			e.Cells = append(e.Cells, j)
		}
		out.Experiments = append(out.Experiments, e)
	}
	for _, it := range p.Items {
		if it.Spared {
			continue
		}
		st := planned{Key: it.Key, Kind: it.Kind.Name, Label: it.Label, Cells: it.Cells, State: it.State, Reason: it.Reason}
		if it.Estimate != engine.Unknown {
			seconds := it.Estimate.Seconds()
			st.Estimate = &seconds
		}
		out.Stages = append(out.Stages, st)
	}
	return JSON(w, out)
}

// JSON writes a value for programs, indented for the people who look at it.
func JSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(v)
}
