package experiments

import (
	"fmt"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/plots/figure"
)

// readFigures reads every [[figure]].
func (r *reading) readFigures() {
	raw, ok := r.doc.root["figure"]
	if !ok {
		return
	}
	list, ok := tables(raw)
	if !ok {
		r.problems.add(r.doc.at("figure"), "figure", fmt.Sprintf("is %s; allowed: one or more [[figure]]", typeName(raw)),
			"write two brackets on each side")
		return
	}
	taken := map[string]place{}
	for i, t := range list {
		f := &figureReading{reading: r, table: t, path: []string{"figure", element(i)}}
		f.fig = figure.Figure{Source: r.doc.at(f.path...).String()}
		if !f.read(i) {
			continue
		}
		// File systems that ignore case would mix up names that differ by it only.
		if first, twice := taken[strings.ToLower(f.fig.Name)]; twice {
			r.problems.add(f.at("name"), "figure.name", fmt.Sprintf("%q is taken by the figure at %s; both would write the same file", f.fig.Name,
				first), "give one of them another name")
		}
		taken[strings.ToLower(f.fig.Name)] = r.doc.at(f.path...)
		r.exp.Figures = append(r.exp.Figures, f.fig)
		if r.exp.figureKeys == nil {
			r.exp.figureKeys = map[string]map[string]place{}
		}
		r.exp.figureKeys[f.fig.Name] = map[string]place{}
		for key := range t {
			r.exp.figureKeys[f.fig.Name][key] = f.at(key)
		}
	}
}

// FigureAt says where a key of a figure stands, as file:line:column; "" where the figure
// does not have it.
func (e *Experiment) FigureAt(name, key string) string {
	if at, given := e.figureKeys[name][key]; given {
		return at.String()
	}
	return ""
}

// figureReading is one figure on its way.
type figureReading struct {
	*reading
	table map[string]any
	path  []string
	kind  figure.Kind
	fig   figure.Figure
}

func (f *figureReading) at(key string) place {
	return f.doc.at(append(slices.Clone(f.path), key)...)
}

func (f *figureReading) bad(key, problem, hint string) {
	f.problems.add(f.at(key), "figure."+key, problem, hint)
}

// read fills the figure; false when its kind is not known.
func (f *figureReading) read(i int) bool {
	name, given := f.table["kind"].(string)
	kind, known := figure.Of(name)
	kinds := figure.KindNames()
	switch raw, has := f.table["kind"]; {
	case !has:
		f.bad("kind", "the figure has no kind; allowed: "+strings.Join(kinds, ", "), "")
		return false
	case !given:
		f.bad("kind", fmt.Sprintf("%s is %s; allowed: %s", show(raw), typeName(raw), strings.Join(kinds, ", ")), "")
		return false
	case !known:
		f.bad("kind", fmt.Sprintf("%q is no kind of figure; allowed: %s", name, strings.Join(kinds, ", ")), didYouMean(name, kinds))
		return false
	}
	f.kind, f.fig.Kind = kind, name
	f.checkKeys()
	f.fig.Name = fmt.Sprintf("%s%d", name, i+1)
	for _, field := range kind.All() {
		f.field(field)
	}
	if why := notAName(f.fig.Name); why != "" {
		f.bad("name", fmt.Sprintf("%q %s; allowed: letters, digits, '-', '_' and '.', a letter or digit first", f.fig.Name, why), "")
	}
	return true
}

// field reads a key by the type of what it sets.
func (f *figureReading) field(field figure.Field) {
	switch to := field.To(&f.fig).(type) {
	case *string:
		if field.Is == 0 && field.Words == nil {
			f.text(field.Key, to)
		} else {
			f.name(field, to)
		}
	case *[]string:
		if field.Is == 0 {
			*to = f.values(field.Key)
		} else {
			*to = f.names(field)
		}
	case *int:
		f.count(field.Key, to)
	case **bool:
		f.flag(field.Key, to)
	case *bool:
		var given *bool
		f.flag(field.Key, &given)
		*to = given != nil && *given
	case *float64:
		f.number(field, to)
	case *[]float64:
		f.ends(field.Key, to)
	case *map[string]string:
		f.texts(field.Key, to)
	case *[]figure.Reference:
		f.references(field.Key, to)
	case *map[string]any:
		f.where(field.Key, to)
	default:
		panic(fmt.Sprintf("experiments: a [[figure]] has no key of type %T (%s)", to, field.Key))
	}
}

// checkKeys reports keys that no figure has, or that this kind does not use,
// and those that it needs.
func (f *figureReading) checkKeys() {
	allowed := f.kind.Keys()
	var all []string
	for _, k := range figure.Kinds() {
		all = append(all, k.Keys()...)
	}
	for _, e := range f.doc.entries(f.table, f.path...) {
		key, _, _ := strings.Cut(e.key, ".")
		if slices.Contains(allowed, key) {
			continue
		}
		problem := "unknown key of a figure"
		if slices.Contains(all, key) {
			problem = "is not used by a figure of kind " + f.kind.Name
		}
		f.problems.add(e.at, "figure."+key, problem+"; allowed: "+strings.Join(allowed, ", "), didYouMean(key, allowed))
	}
	for _, field := range f.kind.Fields {
		if _, ok := f.table[field.Key]; field.Required && !ok {
			f.bad(field.Key, fmt.Sprintf("a figure of kind %s needs it", f.kind.Name), "")
		}
	}
}

func (f *figureReading) wrong(key string, raw any, allowed string) {
	f.bad(key, fmt.Sprintf("%s is %s; allowed: %s", show(raw), typeName(raw), allowed), "")
}

func (f *figureReading) text(key string, to *string) {
	raw, ok := f.table[key]
	if !ok {
		return
	}
	s, ok := raw.(string)
	if !ok {
		f.wrong(key, raw, "a string")
		return
	}
	*to = s
}

func (f *figureReading) flag(key string, to **bool) {
	raw, ok := f.table[key]
	if !ok {
		return
	}
	b, ok := raw.(bool)
	if !ok {
		f.wrong(key, raw, "true or false")
		return
	}
	*to = &b
}

func (f *figureReading) count(key string, to *int) {
	raw, ok := f.table[key]
	if !ok {
		return
	}
	n, ok := raw.(int64)
	if !ok || n < 0 || n > 1000 {
		f.wrong(key, raw, "an integer from 0 (all) to 1000")
		return
	}
	*to = int(n)
}

// name reads the name of a metric or key, or takes the kind's default.
func (f *figureReading) name(field figure.Field, to *string) {
	raw, ok := f.table[field.Key]
	if !ok {
		*to = field.Default
		return
	}
	s, ok := raw.(string)
	if !ok {
		f.wrong(field.Key, raw, "a string")
		return
	}
	*to = f.resolve(f.at(field.Key), field, s)
}

// names reads a name or a list of names.
func (f *figureReading) names(field figure.Field) []string {
	key := field.Key
	raw, ok := f.table[key]
	if !ok {
		return nil
	}
	list, isList := raw.([]any)
	if !isList {
		list = []any{raw}
	}
	var out []string
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			f.wrong(key, v, "names as strings")
			continue
		}
		at := f.doc.at(append(slices.Clone(f.path), key, element(i))...)
		name := f.resolve(at, field, s)
		if slices.Contains(out, name) {
			f.problems.add(at, "figure."+key, name+" is named twice", "")
			continue
		}
		out = append(out, name)
	}
	if len(out) < field.Least {
		f.bad(key, fmt.Sprintf("names %d; a figure of kind %s needs at least %d", len(out), f.kind.Name, field.Least), "")
	}
	return out
}

// resolve gives the full name, or reports that there is none.
func (f *figureReading) resolve(at place, field figure.Field, name string) string {
	full := name
	if field.Is&figure.Key != 0 {
		full = quantity.FullKey(name)
		if k, _ := chosenField(name, f.exp.swept()); k != nil && !slices.Contains(metricNames, name) && !slices.Contains(field.Words, name) {
			full = k.Name
		}
	}
	allowed := slices.Clone(field.Words)
	var words []string
	if len(allowed) > 0 {
		words = append(words, strings.Join(allowed, ", "))
	}
	if field.Is&figure.Metric != 0 {
		allowed, words = append(allowed, metricNames...), append(words, "a metric ("+strings.Join(metricNames, ", ")+")")
	}
	if field.Is&figure.Key != 0 {
		allowed = append(allowed, "seed", labelKey)
		allowed = append(allowed, quantity.ShortKeys()...)
		slices.Sort(allowed)
		allowed = append(allowed, allNames...)
		words = append(words, "a key such as model.patch, seed or label")
	}
	if slices.Contains(allowed, full) {
		return full
	}
	problem := fmt.Sprintf("there is no %q to show; allowed: %s", name, strings.Join(words, ", or "))
	if slices.Contains(metricNames, name) {
		problem = fmt.Sprintf("%s is a metric; allowed: %s", name, strings.Join(words, ", or "))
	} else if byName[full] != nil {
		problem = fmt.Sprintf("%s is a key; allowed: %s", name, strings.Join(words, ", or "))
	}
	f.problems.add(at, "figure."+field.Key, problem, didYouMean(name, allowed))
	return full
}

// has says that some cell has a value of a key, as far as that is known here: programs of
// [[external]] have their own.
func (f *figureReading) has(k *field, w value) bool {
	return len(f.exp.Cells) == 0 || len(f.exp.Externals) > 0 || k == outsideField || k == seedField ||
		slices.ContainsFunc(f.exp.Cells, func(c Cell) bool { return c.has(k, w) })
}

// where reads the filter: key = value, or key = [values].
func (f *figureReading) where(key string, to *map[string]any) {
	raw, ok := f.table[key]
	if !ok {
		return
	}
	table, ok := raw.(map[string]any)
	if !ok {
		f.wrong(key, raw, `a table such as { "model.block" = 1 }`)
		return
	}
	filter := map[string]any{}
	*to = filter
	for _, e := range f.doc.entries(table, append(slices.Clone(f.path), "where")...) {
		k, problem := chosenField(e.key, f.exp.swept())
		if k == nil {
			f.problems.add(e.at, "figure.where."+e.key, problem,
				didYouMean(e.key, append(slices.Clone(allNames), "seed", labelKey)))
			continue
		}
		wanted, ok := f.wanted(k, entry{key: "figure.where." + e.key, value: e.value, at: e.at})
		if !ok {
			continue
		}
		var list []any
		for _, w := range wanted {
			list = append(list, f.exp.written(k, w)...)
			if len(wanted) > 1 && !f.has(k, w) {
				f.exp.Warnings = append(f.exp.Warnings, Warning{File: e.at.file, Line: e.at.line, Column: e.at.column,
					Key: "figure.where." + e.key, Text: fmt.Sprintf("no cell has the value %s; there are: %s", show(w.plain), f.exp.present(k))})
			}
		}
		if filter[k.Name] = any(list); len(list) == 1 {
			filter[k.Name] = list[0]
		}
	}
}
