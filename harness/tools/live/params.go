package live

import (
	"strings"

	"prabench/harness/engine"
	"prabench/models"
)

// name is that of a cell.
type name struct{ experiment, cell string }

// String is how addresses name the cell.
func (n name) String() string { return n.experiment + "/" + n.cell }

// named reads what String wrote.
func named(text string) name {
	i := strings.LastIndexByte(text, '/')
	return name{text[:max(i, 0)], text[i+1:]}
}

// params are the settings of a cell: those that its experiment sweeps, and any by
// its key.
type params struct {
	swept map[string]any
	of    func(key string) (any, bool)
}

// paramsOf are the settings of a plan's cells.
func paramsOf(p *engine.Plan) map[name]params {
	out := map[name]params{}
	for _, e := range p.Experiments {
		for i := range e.Cells {
			c := &e.Cells[i]
			out[name{e.Name, c.ID}] = params{c.Params, func(key string) (any, bool) {
				if v, ok := c.Params[key]; ok {
					return v, true
				}
				if c.Settings.Foreign() { // no model
					return nil, false
				}
				return models.Get(c.Settings.Params.Resolved(), key)
			}}
		}
	}
	return out
}

// saysKey says whether names of cells have a key, as in "width=8".
func (b *base) saysKey(cells []cell, key string) bool {
	if b.labelKeys == nil {
		b.labelKeys = map[string]bool{}
		last := ""
		for i := range cells {
			if cells[i].Label == last { // seeds have one name
				continue
			}
			last = cells[i].Label
			for word := range strings.FieldsSeq(last) {
				if key, _, ok := strings.Cut(word, "="); ok {
					b.labelKeys[key] = true
				}
			}
		}
	}
	return b.labelKeys[key]
}

// keysOf are the keys of the stages of a plan's cells, by kind.
func keysOf(p *engine.Plan) map[name]map[string]string {
	out := map[name]map[string]string{}
	for _, e := range p.Experiments {
		for _, c := range e.Cells {
			keys := map[string]string{}
			if len(c.Chain) == 0 {
				continue // not known yet
			}
			for _, s := range p.StagesOf(&c) {
				keys[s.Kind.Name] = s.Key
			}
			out[name{e.Name, c.ID}] = keys
		}
	}
	return out
}
