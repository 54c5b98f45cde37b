package experiments

import (
	"fmt"
	"math"
	"slices"

	"prabench/plots/figure"
	"prabench/results/where"
)

// Keys of the appearance of a [[figure]].

// plainNumber is an integer or a float.
func plainNumber(raw any) (float64, bool) {
	switch v := raw.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}

// number reads a number within its bounds.
func (f *figureReading) number(field figure.Field, to *float64) {
	raw, ok := f.table[field.Key]
	if !ok {
		return
	}
	v, ok := plainNumber(raw)
	if !ok || v < field.Low || v > field.High {
		f.wrong(field.Key, raw, fmt.Sprintf("a number from %g to %g: %s", field.Low, field.High, field.Doc))
		return
	}
	*to = v
}

// ends reads the two ends of an axis.
func (f *figureReading) ends(key string, to *[]float64) {
	raw, ok := f.table[key]
	if !ok {
		return
	}
	const allowed = "the two ends of an axis, the lower one first, such as [0, 5]"
	list, ok := raw.([]any)
	if !ok || len(list) != 2 {
		f.wrong(key, raw, allowed)
		return
	}
	lo, okLo := plainNumber(list[0])
	hi, okHi := plainNumber(list[1])
	if !okLo || !okHi || !(lo < hi) {
		f.bad(key, fmt.Sprintf("%s is no range; allowed: %s", show(raw), allowed), "")
		return
	}
	*to = []float64{lo, hi}
}

// values reads values of keys, as figures print them.
func (f *figureReading) values(key string) (out []string) {
	raw, ok := f.table[key]
	if !ok {
		return nil
	}
	list, ok := raw.([]any)
	if !ok {
		list = []any{raw}
	}
	for i, v := range list {
		at := f.doc.at(append(slices.Clone(f.path), key, element(i))...)
		switch v.(type) {
		case string, int64, float64, bool:
		default:
			f.problems.add(at, "figure."+key, fmt.Sprintf("%s is %s; allowed: values of a key", show(v), typeName(v)), "")
			continue
		}
		text := where.Show(v)
		if slices.Contains(out, text) {
			f.problems.add(at, "figure."+key, text+" is named twice", "")
			continue
		}
		out = append(out, text)
	}
	return out
}

// texts reads a table of texts.
func (f *figureReading) texts(key string, to *map[string]string) {
	raw, ok := f.table[key]
	if !ok {
		return
	}
	table, ok := raw.(map[string]any)
	if !ok {
		f.wrong(key, raw, `a table such as { "0" = "teacher forcing" }`)
		return
	}
	*to = map[string]string{}
	for _, e := range f.doc.entries(table, append(slices.Clone(f.path), key)...) {
		text, ok := e.value.(string)
		if !ok || text == "" {
			f.problems.add(e.at, "figure."+key+"."+e.key, fmt.Sprintf("%s is %s; allowed: a text", show(e.value), typeName(e.value)), "")
			continue
		}
		(*to)[where.Bare(e.key)] = text
	}
}

// references reads values that were not measured.
func (f *figureReading) references(key string, to *[]figure.Reference) {
	raw, ok := f.table[key]
	if !ok {
		return
	}
	const example = `{ y = 3.2, label = "published" }`
	list, ok := tables(raw)
	if !ok {
		f.wrong(key, raw, "a list of tables such as "+example)
		return
	}
	for i, t := range list {
		at := f.doc.at(append(slices.Clone(f.path), key, element(i))...)
		r := figure.Reference{X: math.NaN(), Y: math.NaN()}
		var wrong []string
		for name, v := range t {
			switch name {
			case "label":
				r.Label, ok = v.(string)
			case "x":
				r.X, ok = plainNumber(v)
			case "y":
				r.Y, ok = plainNumber(v)
			default:
				ok = false
			}
			if !ok {
				wrong = append(wrong, fmt.Sprintf("%s = %s", name, show(v)))
			}
		}
		slices.Sort(wrong)
		switch {
		case len(wrong) > 0:
			f.problems.add(at, "figure."+key, fmt.Sprintf("%s is no part of a reference; allowed: x and y, numbers, and label, a text", wrong[0]),
				"for example "+example)
		case r.Label == "" || math.IsNaN(r.X) && math.IsNaN(r.Y):
			f.problems.add(at, "figure."+key, "a reference needs a label and x, y or both", "for example "+example)
		default:
			*to = append(*to, r)
		}
	}
}
