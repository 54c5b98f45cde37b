package experiments

import (
	"fmt"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/results/where"
)

// Choose gives a copy of an experiment that has only the cells of only, as in
// [Options].Only; all for an empty text. The experiment is as it was.
func (e *Experiment) Choose(only string) (*Experiment, error) {
	var p problems
	chosen := *e
	chosen.Cells, chosen.Externals = e.chosen(only, &p)
	if err := p.join(); err != nil {
		return nil, err
	}
	return &chosen, nil
}

// chosen are the cells of only.
func (e *Experiment) chosen(text string, p *problems) ([]Cell, []External) {
	if strings.TrimSpace(text) == "" {
		return e.Cells, e.Externals
	}
	at := place{file: "--only " + text}
	type condition struct {
		f      *field
		values []value
	}
	var conditions []*condition
	for _, part := range where.Pairs(text) {
		key, raw := plainKey(part.Key), part.Value
		if key == "" {
			p.add(at, "", fmt.Sprintf("%q is not of the form key=value", part.Part), "for example --only 'model.patch=7,train.rollout_depth=1'")
			continue
		}
		f := chosenField(key)
		if f == nil {
			p.add(at, key, unknownChoice, didYouMean(key, choices()))
			continue
		}
		v, err := override{raw: parseValue(raw), text: where.Bare(raw)}.convert(f)
		if err != nil {
			p.add(at, key, err.Error(), "")
			continue
		}
		i := slices.IndexFunc(conditions, func(c *condition) bool { return c.f == f })
		if i < 0 {
			i = len(conditions)
			conditions = append(conditions, &condition{f: f})
		}
		conditions[i].values = append(conditions[i].values, v)
		if !slices.ContainsFunc(e.Cells, func(c Cell) bool { return c.has(f, v) }) &&
			!slices.ContainsFunc(e.Externals, func(x External) bool { return x.has(f, v) }) {
			p.add(at, key, fmt.Sprintf("no cell has the value %s; allowed: %s", show(v.plain), e.present(f)), "")
		}
	}
	if len(p.list) > 0 {
		return nil, nil
	}
	fits := func(has func(*field, value) bool) bool {
		return !slices.ContainsFunc(conditions, func(k *condition) bool {
			return !slices.ContainsFunc(k.values, func(v value) bool { return has(k.f, v) })
		})
	}
	var out []Cell
	for i := range e.Cells {
		c := &e.Cells[i]
		if fits(c.has) {
			out = append(out, *c)
		}
	}
	var programs []External
	for i := range e.Externals {
		if fits(e.Externals[i].has) {
			programs = append(programs, e.Externals[i])
		}
	}
	if len(out)+len(programs) == 0 {
		p.add(at, "", "every value has cells, but no cell has all of them", "drop one of the conditions")
	}
	return out, programs
}

const unknownChoice = "unknown key; allowed: any key of a setting, seed, label or outside"

func choices() []string { return append(slices.Clone(allNames), "seed", labelKey, where.Outside) }

// Choices reads the text of Options.Only for cells that are not in a file but in
// a database: keys by their full names, so that "patch" is "model.patch", and
// values as they were typed. The error joins an [*Error] for each unknown key.
func Choices(text string) (where.Filter, error) {
	if text == "" {
		return nil, nil
	}
	out := where.Filter{}
	var p problems
	at := place{file: "--only"}
	for _, part := range where.Pairs(text) {
		if part.Key == "" {
			p.add(place{file: "--only " + text}, "", "not of the form key=value,key=value", "")
			continue
		}
		key := plainKey(part.Key)
		f := chosenField(key)
		if f == nil {
			p.add(at, key, unknownChoice, didYouMean(key, choices()))
			continue
		}
		out.Add(f.Name, where.Bare(part.Value))
	}
	return out, p.join()
}

// chosenField finds a key by its full or its short name.
func chosenField(key string) *field {
	switch key {
	case "seed":
		return seedField
	case labelKey:
		return labelField
	case where.Outside:
		return outsideField
	}
	return byName[quantity.FullKey(key)]
}

// has says whether a cell has a value. "exact" is the depth K. A cell's label is
// that of its axis and also the whole one, which tables print.
func (c *Cell) has(f *field, v value) bool {
	if f == labelField && c.Label == v.plain {
		return true
	}
	if d, ok := v.v.Interface().(models.Depth); ok && d == models.Exact {
		p, stepped := c.Settings.Params.(models.Stepped)
		return stepped && mustGet(c, f.Name) == p.ARSteps()
	}
	return mustGet(c, f.Name) == v.plain
}

func mustGet(c *Cell, key string) any {
	v, _ := c.Get(key)
	return v
}

// present lists the values that the cells have.
func (e *Experiment) present(f *field) string {
	var list []string
	for i := range e.Cells {
		v, has := e.Cells[i].Get(f.Name)
		if !has {
			continue // its family has no such key
		}
		t := show(v)
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
		if len(list) > 20 {
			list[20] = "…"
			break
		}
	}
	return strings.Join(list, ", ")
}
