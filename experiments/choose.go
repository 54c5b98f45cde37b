package experiments

import (
	"fmt"
	"maps"
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
	c := readChoice(text, len(e.Cells)+len(e.Externals), e.called, e.swept(), at, p)
	conditions := map[*field][]value{}
	for _, pair := range c.pairs {
		f := pair.field
		v, err := override{raw: parseValue(pair.raw), text: where.Bare(pair.raw)}.convert(f)
		if err != nil {
			p.add(at, f.Name, err.Error(), "")
			continue
		}
		conditions[f] = append(conditions[f], v)
		if !slices.ContainsFunc(e.Cells, func(c Cell) bool { return c.has(f, v) }) &&
			!slices.ContainsFunc(e.Externals, func(x External) bool { return x.has(f, v) }) {
			p.add(at, f.Name, fmt.Sprintf("no cell has the value %s; allowed: %s", show(v.plain), e.present(f)), "")
		}
	}
	if len(p.list) > 0 {
		return nil, nil
	}
	fits := func(i int, has func(*field, value) bool) bool {
		if c.cells != nil && !c.cells[i] {
			return false
		}
		for f, values := range conditions {
			if !slices.ContainsFunc(values, func(v value) bool { return has(f, v) }) {
				return false
			}
		}
		return true
	}
	var out []Cell
	for i := range e.Cells {
		if c := &e.Cells[i]; fits(i, c.has) {
			out = append(out, *c)
		}
	}
	var programs []External
	for i := range e.Externals {
		if fits(len(e.Cells)+i, e.Externals[i].has) {
			programs = append(programs, e.Externals[i])
		}
	}
	if len(out)+len(programs) == 0 {
		p.add(at, "", "every value has cells, but no cell has all of them", "drop one of the conditions")
	}
	return out, programs
}

// called is what the cells are called, those of programs behind the others.
func (e *Experiment) called(i int) where.Cell {
	if n := len(e.Cells); i >= n {
		x := &e.Externals[i-n]
		return where.Cell{ID: x.ID, Label: x.Label, Step: x.Name, Seed: x.Seed}
	}
	c := &e.Cells[i]
	step, _ := c.Point[labelKey].(string)
	return where.Cell{ID: c.ID, Label: c.Label, Step: step, Seed: c.Seed}
}

// swept are the keys of all axes.
func (e *Experiment) swept() []string { return slices.Concat(e.AxisKeys()...) }

const unknownChoice = "unknown key; allowed: any key of a setting, seed, label or outside"

func choices() []string { return append(slices.Clone(allNames), "seed", labelKey, where.Outside) }

// choice is a filter as it was typed: cells by what they are called, any of them,
// and values of keys.
type choice struct {
	cells map[int]bool // nil where none is named
	pairs []typedPair
}

type typedPair struct {
	field *field
	raw   string
}

// readChoice reads a filter of n cells whose keys swept differ. What is wrong with
// it goes to p.
func readChoice(text string, n int, called func(int) where.Cell, swept []string, at place, p *problems) choice {
	var c choice
	name := func(text string) bool {
		cells, err := where.Named(text, n, called)
		if err != nil {
			p.add(at, "", err.Error(), "")
			return true
		}
		for _, i := range cells {
			if c.cells == nil {
				c.cells = map[int]bool{}
			}
			c.cells[i] = true
		}
		return len(cells) > 0
	}
	if strings.Contains(text, ",") && name(text) { // a label may have commas
		return c
	}
	for _, part := range where.Pairs(text) {
		if words := conditions(part, swept); len(words) > 1 && !name(part.Part) {
			c.pairs = append(c.pairs, words...)
			continue
		}
		key, raw := plainKey(part.Key), part.Value
		f, problem := chosenField(key, swept)
		switch {
		case strings.Contains(raw, " ") && name(part.Part): // a whole label that begins with a value
			continue
		case f != nil && where.Signs(part.Part, '=') == 1:
			// Most labels are a value of a key as well; as that it goes with other values of the key.
			c.pairs = append(c.pairs, typedPair{f, raw})
			continue
		case name(part.Part):
			continue
		case key == "":
			p.add(at, "", fmt.Sprintf("%q is neither key=value nor the label or id of a cell", part.Part),
				"for example --only 'model.patch=7,train.rollout_depth=1'")
			continue
		case key == "cell" || key == "id":
			if !name(raw) {
				p.add(at, key, fmt.Sprintf("no cell has the id, the beginning of an id or the label %s", raw), "")
			}
			continue
		}
		if f == nil {
			hint := ""
			if problem == unknownChoice {
				hint = didYouMean(key, slices.AppendSeq(choices(), maps.Values(shortKeys(swept))))
			}
			p.add(at, key, problem, hint)
			continue
		}
		c.pairs = append(c.pairs, typedPair{f, raw})
	}
	return c
}

// conditions are those of a part in which blanks stand between values of keys, as in
// labels, but in another order or not all of them; nil where it is no such part.
func conditions(part where.Pair, swept []string) (out []typedPair) {
	if strings.ContainsAny(part.Part, `"'`) {
		return nil
	}
	for word := range strings.FieldsSeq(part.Part) {
		key, raw, ok := strings.Cut(word, "=")
		f, _ := chosenField(plainKey(key), swept)
		if !ok || f == nil || f == labelField || strings.Contains(raw, "=") {
			return nil
		}
		out = append(out, typedPair{f, raw})
	}
	return out
}

// Choices is [ChoicesAmong] of keys alone, whatever cells there are.
func Choices(text string) (where.Filter, error) {
	f, _, err := ChoicesAmong(text, 0, nil, nil)
	return f, err
}

// ChoicesAmong reads the text of Options.Only for cells that are not in a file but in
// a database: keys by their full names, so that "patch" is "model.patch", and
// values as they were typed; ids are those of the cells that it names, nil where it
// names none. called are the n cells, swept the keys in which they differ. The error
// joins an [*Error] for each part that means nothing.
func ChoicesAmong(text string, n int, called func(int) where.Cell, swept []string) (f where.Filter, ids []string, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil, nil
	}
	var p problems
	c := readChoice(text, n, called, swept, place{file: "--only"}, &p)
	for i := range n {
		if c.cells[i] {
			ids = append(ids, called(i).ID)
		}
	}
	out := where.Filter{}
	for _, pair := range c.pairs {
		out.Add(pair.field.Name, where.Bare(pair.raw))
	}
	return out, ids, p.join()
}

// chosenField finds a key by its full name, by a short one, or by what labels call
// it: the last part of a key that is swept, or of the only key that ends so. The
// problem says why there is none.
func chosenField(key string, swept []string) (f *field, problem string) {
	switch key {
	case "seed":
		return seedField, ""
	case labelKey:
		return labelField, ""
	case where.Outside:
		return outsideField, ""
	}
	if f := byName[quantity.FullKey(key)]; f != nil {
		return f, ""
	}
	if swept == nil { // nothing is printed that has another name
		return nil, unknownChoice
	}
	for of, short := range shortKeys(swept) {
		if short == key && byName[of] != nil {
			return byName[of], ""
		}
	}
	for _, of := range swept {
		if olderNames[of] == key && byName[of] != nil {
			return byName[of], ""
		}
	}
	var could []string
	for _, among := range [][]string{swept, allNames} {
		could = could[:0]
		for _, name := range among {
			if !slices.Contains(could, name) && (strings.HasSuffix(name, "."+key) || labelNames[name] == key || olderNames[name] == key) &&
				byName[name] != nil {
				could = append(could, name)
			}
		}
		if len(could) == 1 {
			return byName[could[0]], ""
		}
		if len(could) > 1 {
			return nil, fmt.Sprintf("can be %s: write the one you mean in full", strings.Join(could, " or "))
		}
	}
	return nil, unknownChoice
}

// has says whether a cell has a value. "exact" is the depth K. A cell's label is
// that of its axis and also the whole one, which tables print.
func (c *Cell) has(f *field, v value) bool {
	if f == labelField {
		wanted, _ := v.plain.(string)
		step, _ := mustGet(c, labelKey).(string)
		return where.SameLabel(c.Label, wanted) || where.SameLabel(step, wanted)
	}
	if d, ok := v.v.Interface().(models.Depth); ok && d == models.Exact {
		p, stepped := c.Settings.Params.(models.Stepped)
		return stepped && mustGet(c, f.Name) == p.ARSteps()
	}
	return mustGet(c, f.Name) == v.plain
}

// written are the texts and numbers by which a value that is wanted of a key is known outside: as it
// is, and as cells that have it write it, such as "exact" for the number of AR steps.
func (e *Experiment) written(f *field, wanted value) []any {
	out := []any{wanted.plain}
	for i := range e.Cells {
		c := &e.Cells[i]
		if v, swept := c.Point[f.Name]; swept && !slices.Contains(out, v) && c.has(f, wanted) {
			out = append(out, v)
		}
	}
	return out
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
