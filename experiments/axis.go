package experiments

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// axis is what moves together: one key of [sweep] or all keys of a zip.
type axis struct {
	fields []*field
	at     []place   // of each key
	values [][]value // [key][step]
	head   place     // of the whole
	faulty bool      // already reported: left out of the expansion
}

// steps is the length of the axis.
func (a *axis) steps() int { return len(a.values[0]) }

// find gives the axis of a key and the key's number in it.
func find(axes []*axis, key string) (*axis, int) {
	for _, a := range axes {
		for i, f := range a.fields {
			if f.Name == key {
				return a, i
			}
		}
	}
	return nil, 0
}

// readSweep reads [sweep], its zips and its excludes, and then what --set says
// of axes.
func (r *reading) readSweep() {
	raw, given := r.doc.root["sweep"]
	sweep, ok := raw.(map[string]any)
	if given && !ok {
		r.problems.add(r.doc.at("sweep"), "sweep", fmt.Sprintf("%s is %s; allowed: a table [sweep] of key = [values]", show(raw), typeName(raw)),
			"")
	}
	plain := maps.Clone(sweep)
	for _, name := range []string{"zip", "arm", "exclude"} {
		delete(plain, name)
	}
	for _, e := range r.doc.entries(plain, "sweep") {
		if a := r.readAxis(e); a != nil {
			r.axes = append(r.axes, a)
		}
	}
	r.eachTable(sweep, "zip", func(i int, t map[string]any, path []string) {
		zip := &axis{head: r.doc.at(path...)}
		entries := r.doc.entries(t, path...)
		if len(entries) == 0 {
			r.problems.add(zip.head, "sweep.zip", "the zip has no keys; allowed: key = [values] lists of equal length", "")
			return
		}
		for _, e := range entries {
			if one := r.readAxis(e); one != nil {
				zip.fields = append(zip.fields, one.fields[0])
				zip.at = append(zip.at, one.at[0])
				zip.values = append(zip.values, one.values[0])
				zip.faulty = zip.faulty || one.faulty
			} else {
				zip.faulty = true
			}
		}
		if len(zip.fields) > 0 {
			r.axes = append(r.axes, zip)
		}
	})
	r.readArms(sweep)
	slices.SortStableFunc(r.axes, func(a, b *axis) int { return a.head.offset - b.head.offset })
	r.dropDuplicates()
	asWritten := map[string][]value{}
	for _, a := range r.axes {
		for i, f := range a.fields {
			asWritten[f.Name] = a.values[i]
		}
	}
	r.overrideAxes()
	r.checkZips()
	r.evaluated()
	for _, a := range r.axes {
		r.exp.Axes = append(r.exp.Axes, a.export())
	}
	r.eachTable(sweep, "exclude", func(i int, t map[string]any, path []string) {
		r.readExclude(t, path, asWritten)
	})
}

// readArms reads all [[sweep.arm]] as one zip: each is a step of it, and has the value of
// the file for a key that others set and it does not.
func (r *reading) readArms(sweep map[string]any) {
	arms, steps := &axis{}, 0
	r.eachTable(sweep, "arm", func(i int, t map[string]any, path []string) {
		at := r.doc.at(path...)
		if steps == 0 {
			arms.head = at
		}
		if _, named := t[labelKey]; !named {
			r.problems.add(at, "sweep.arm", "the arm has no label; allowed: label = \"a name\", and key = value for each key that it sets", "")
			arms.faulty = true
		}
		for _, e := range r.doc.entries(t, path...) {
			f := r.sweepable(e.key, e.at)
			if f == nil {
				arms.faulty = true
				continue
			}
			v, err := f.convert(e.value)
			if err != nil {
				r.fault(e.at, e.key, fmt.Sprintf("of an arm: %v", err), "")
				arms.faulty = true
				continue
			}
			k := slices.Index(arms.fields, f)
			if k < 0 {
				k = len(arms.fields)
				arms.fields, arms.at, arms.values = append(arms.fields, f), append(arms.at, e.at), append(arms.values, nil)
			}
			arms.values[k] = append(r.unset(f, arms.values[k], steps), v)
		}
		steps++
	})
	for k, f := range arms.fields {
		arms.values[k] = r.unset(f, arms.values[k], steps)
	}
	if len(arms.fields) > 0 {
		r.axes = append(r.axes, arms)
	}
}

// unset fills up the values of a key with that of the file.
func (r *reading) unset(f *field, values []value, steps int) []value {
	for len(values) < steps {
		v := reflect.New(f.typ).Elem()
		if f != labelField {
			v.Set(r.base.value(f))
		}
		values = append(values, f.value(v))
	}
	return values
}

// eachTable calls f for each [[sweep.name]].
func (r *reading) eachTable(sweep map[string]any, name string, f func(i int, t map[string]any, path []string)) {
	v, ok := sweep[name]
	if !ok {
		return
	}
	list, ok := tables(v)
	if !ok {
		r.problems.add(r.doc.at("sweep", name), "sweep."+name, fmt.Sprintf("is %s; allowed: one or more [[sweep.%s]]", typeName(v), name),
			"write two brackets on each side")
		return
	}
	for i, t := range list {
		f(i, t, []string{"sweep", name, element(i)})
	}
}

// sweepable finds the key of an axis; when it cannot be one, the reason is
// reported and the result nil.
func (r *reading) sweepable(key string, at place) *field {
	f := byName[key]
	switch {
	case key == labelKey && strings.HasPrefix(at.file, "--"), key == "repeats" || key == "seed":
		r.problems.add(at, key, "cannot be an axis; seeds are set by repeats and seed at the top of the file", "")
	case key == labelKey:
		return labelField
	case f == nil:
		r.problems.add(at, key, "unknown key of an axis; allowed: any key of "+sweptTables(), cmp.Or(gridHint(key), didYouMean(key, allNames)))
	case !f.Sweep:
		r.problems.add(at, key, "cannot be swept: it belongs to an attempt, not to a cell",
			"run the file once for each value with --set "+key+"=…")
	default:
		return f
	}
	return nil
}

// sweptTables names the tables with keys that may be an axis.
func sweptTables() string {
	var list []string
	for _, table := range tableOrder {
		if slices.ContainsFunc(fields, func(f *field) bool { return f.Sweep && strings.HasPrefix(f.Name, table+".") }) {
			list = append(list, "["+table+"]")
		}
	}
	return strings.Join(list, ", ")
}

// readAxis reads key = [values]; nil when the key itself is no axis.
func (r *reading) readAxis(e entry) *axis {
	f := r.sweepable(e.key, e.at)
	if f == nil {
		return nil
	}
	if f == labelField && len(e.path) == 2 {
		r.problems.add(e.at, e.key, "names the steps of a zip and belongs into [[sweep.zip]] or [[sweep.arm]]", "")
		return nil
	}
	a := &axis{fields: []*field{f}, at: []place{e.at}, head: e.at, values: [][]value{nil}}
	list, ok := e.value.([]any)
	if !ok {
		r.fault(e.at, e.key, fmt.Sprintf("%s is %s; an axis is an array of values", show(e.value), typeName(e.value)),
			fmt.Sprintf("write %q = [%s]", e.key, strings.TrimSuffix(show(e.value), "the value")))
		a.faulty = true
		return a
	}
	if len(list) == 0 {
		r.fault(e.at, e.key, "the axis is empty; allowed: an array of one value or more", "")
		a.faulty = true
		return a
	}
	for i, raw := range list {
		v, err := f.convert(raw)
		if err != nil {
			r.fault(r.doc.at(append(slices.Clone(e.path), element(i))...), e.key, fmt.Sprintf("value %d of the axis: %v", i+1, err), "")
			a.faulty = true
			continue
		}
		a.values[0] = append(a.values[0], v)
	}
	return a
}

// dropDuplicates reports a key that two axes move; the first one stays.
func (r *reading) dropDuplicates() {
	first := map[string]place{}
	for _, a := range r.axes {
		for i := 0; i < len(a.fields); i++ {
			key := a.fields[i].Name
			if at, twice := first[key]; twice {
				r.fault(a.at[i], key, "duplicate axis: the key is swept already at "+at.String(), "keep one of them")
				a.drop(i)
				a.faulty = true
				i--
				continue
			}
			first[key] = a.at[i]
		}
	}
	r.dropEmpty()
}

// drop takes a key out of the axis.
func (a *axis) drop(i int) {
	a.fields = slices.Delete(a.fields, i, i+1)
	a.at = slices.Delete(a.at, i, i+1)
	a.values = slices.Delete(a.values, i, i+1)
}

// dropEmpty takes out axes that move no setting any more.
func (r *reading) dropEmpty() {
	r.axes = slices.DeleteFunc(r.axes, func(a *axis) bool {
		return !slices.ContainsFunc(a.fields, func(f *field) bool { return f != labelField })
	})
}

// overrideAxes applies --set: a list replaces a key's values in place or makes
// a new, last axis; a single value takes the key out of its axis, and the other
// keys of a zip go on without it.
func (r *reading) overrideAxes() {
	for _, o := range r.set {
		f := byName[o.key]
		if f == nil {
			continue
		}
		a, i := find(r.axes, o.key)
		list, isList := o.list()
		if !isList {
			if a != nil {
				a.drop(i)
				r.dropEmpty()
			}
			continue
		}
		if f = r.sweepable(o.key, o.at); f == nil {
			continue
		}
		var values []value
		bad := len(list) == 0
		if bad {
			r.fault(o.at, o.key, "the axis is empty; allowed: an array of one value or more", "")
		}
		for n, raw := range list {
			v, err := f.convert(raw)
			if err != nil {
				r.fault(o.at, o.key, fmt.Sprintf("value %d of the axis: %v", n+1, err), "")
				bad = true
				continue
			}
			values = append(values, v)
		}
		if a == nil {
			a = &axis{fields: []*field{f}, at: []place{o.at}, head: o.at, values: [][]value{nil}}
			r.axes = append(r.axes, a)
			i = 0
		}
		a.at[i], a.values[i] = o.at, values
		if len(a.fields) == 1 {
			a.head, a.faulty = o.at, false
		}
		a.faulty = a.faulty || bad
	}
}

// checkZips holds that the lists of a zip have one length. Axes with reported
// faults leave the expansion, since their points are not what was meant.
func (r *reading) checkZips() {
	for _, a := range r.axes {
		if !a.faulty && len(a.fields) > 1 {
			var lengths []string
			unequal := -1
			for i, f := range a.fields {
				lengths = append(lengths, fmt.Sprintf("%s has %d", f.Name, len(a.values[i])))
				if unequal < 0 && len(a.values[i]) != len(a.values[0]) {
					unequal = i
				}
			}
			if unequal >= 0 {
				a.faulty = true
				r.fault(a.at[unequal], a.fields[unequal].Name,
					"the lists of a zip have unequal lengths: "+strings.Join(lengths, ", ")+"; allowed: one length for all", "")
			}
		}
		if a.faulty {
			for _, f := range a.fields {
				r.faulty[f.Name] = true
			}
		}
	}
}

func (a *axis) export() Axis {
	out := Axis{Source: a.head.String(), Line: a.head.line, Column: a.head.column}
	for _, f := range a.fields {
		out.Keys = append(out.Keys, f.Name)
	}
	if a.faulty {
		return out
	}
	for s := range a.steps() {
		var step []any
		for i := range a.fields {
			step = append(step, a.values[i][s].plain)
		}
		out.Values = append(out.Values, step)
	}
	return out
}
