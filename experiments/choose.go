package experiments

import (
	"fmt"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/models/pra"
)

// Choose gives a copy of an experiment that has only the cells of only, as in
// [Options].Only; all for an empty text. The experiment is as it was.
func (e *Experiment) Choose(only string) (*Experiment, error) {
	var p problems
	chosen := *e
	chosen.Cells = e.chosen(only, &p)
	if err := p.join(); err != nil {
		return nil, err
	}
	return &chosen, nil
}

// chosen are the cells of only.
func (e *Experiment) chosen(text string, p *problems) []Cell {
	if strings.TrimSpace(text) == "" {
		return e.Cells
	}
	at := place{file: "--only " + text}
	type condition struct {
		f      *field
		values []value
	}
	var conditions []*condition
	for _, part := range splitList(text) {
		key, raw, ok := strings.Cut(part, "=")
		key, raw = plainKey(key), strings.TrimSpace(raw)
		if !ok || key == "" {
			p.add(at, "", fmt.Sprintf("%q is not of the form key=value", strings.TrimSpace(part)), "for example --only 'model.patch=7,train.rollout_depth=1'")
			continue
		}
		f := chosenField(key)
		if f == nil {
			p.add(at, key, unknownChoice, didYouMean(key, choices()))
			continue
		}
		v, err := override{raw: parseValue(raw), text: strings.Trim(raw, `"'`)}.convert(f)
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
		if !slices.ContainsFunc(e.Cells, func(c Cell) bool { return c.has(f, v) }) {
			p.add(at, key, fmt.Sprintf("no cell has the value %s; allowed: %s", show(v.plain), e.present(f)), "")
		}
	}
	if len(p.list) > 0 {
		return nil
	}
	var out []Cell
	for i := range e.Cells {
		c := &e.Cells[i]
		if !slices.ContainsFunc(conditions, func(k *condition) bool {
			return !slices.ContainsFunc(k.values, func(v value) bool { return c.has(k.f, v) })
		}) {
			out = append(out, *c)
		}
	}
	if len(out) == 0 {
		p.add(at, "", "every value has cells, but no cell has all of them", "drop one of the conditions")
	}
	return out
}

const unknownChoice = "unknown key; allowed: any key of a setting, seed or label"

func choices() []string { return append(slices.Clone(allNames), "seed", labelKey) }

// ChoiceKey gives the full name of a key that cells can be chosen by, as in
// Options.Only, from itself or from its short name: "patch" is "model.patch".
// The error is an [*Error] that names the nearest one.
func ChoiceKey(key string) (string, error) {
	if f := chosenField(plainKey(key)); f != nil {
		return f.Name, nil
	}
	var p problems
	p.add(place{file: "--only"}, key, unknownChoice, didYouMean(key, choices()))
	return "", p.join()
}

// SplitChoices splits the text of Options.Only at its commas: "key=value" each.
func SplitChoices(text string) []string { return splitList(text) }

// chosenField finds a key by its full or its short name.
func chosenField(key string) *field {
	switch key {
	case "seed":
		return seedField
	case labelKey:
		return labelField
	}
	return byName[quantity.FullKey(key)]
}

// has says whether a cell has a value. "exact" is the depth K.
func (c *Cell) has(f *field, v value) bool {
	if d, ok := v.v.Interface().(pra.Depth); ok && d == pra.Exact {
		return mustGet(c, f.Name) == c.Settings.Model.ARSteps()
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
		t := show(mustGet(&e.Cells[i], f.Name))
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

// splitList splits at commas outside quotes.
func splitList(text string) []string {
	var parts []string
	var quote rune
	start := 0
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ',':
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}
