package experiments

import (
	"fmt"
	"slices"
	"strings"
)

// exclude leaves out the points at which all its conditions hold.
type exclude struct {
	steps map[*axis][]bool // for each axis that it names: the steps it means
}

// readExclude reads one [[sweep.exclude]]. A condition is key = value, or
// key = [values] for any of them. asWritten holds the axes of the file before
// --set: a file stays valid when --set takes values or a whole axis away.
func (r *reading) readExclude(t map[string]any, path []string, asWritten map[string][]value) {
	head := r.doc.at(path...)
	entries := r.doc.entries(t, path...)
	if len(entries) == 0 {
		r.problems.add(head, "sweep.exclude", "the exclude has no keys and would leave out every point; allowed: key = value of one axis or more",
			"")
		return
	}
	x := exclude{steps: map[*axis][]bool{}}
	void := false // it can hold for no point
	for _, e := range entries {
		a, i := find(r.axes, e.key)
		written, inFile := asWritten[e.key]
		f := byName[e.key]
		if e.key == labelKey {
			f = labelField
		}
		if a == nil && !inFile {
			void = true
			if r.faulty[e.key] {
				continue
			}
			r.noAxis(e, f == nil)
			continue
		}
		wanted, ok := r.wanted(f, e)
		if !ok {
			void = true
			continue
		}
		known := slices.Clone(written)
		if a != nil {
			known = append(known, a.values[i]...)
		}
		if !r.faulty[e.key] {
			for _, w := range wanted {
				if !holds(known, w) {
					r.problems.add(e.at, e.key, fmt.Sprintf("no point has the value %s; the axis has %s", show(w.plain), texts(known)), "")
					void = true
				}
			}
		}
		switch {
		case a != nil && a.faulty:
			void = true
		case a != nil:
			mask := x.steps[a]
			if mask == nil {
				mask = slices.Repeat([]bool{true}, a.steps())
			}
			for s := range mask {
				mask[s] = mask[s] && holds(wanted, a.values[i][s])
			}
			x.steps[a] = mask
		case f != labelField: // fixed by --set: the condition holds everywhere or nowhere
			v := r.base.get(f)
			if !slices.ContainsFunc(wanted, func(w value) bool { return w.plain == v }) {
				void = true
			}
		default:
			void = true
		}
	}
	if !void {
		r.excludes = append(r.excludes, x)
	}
}

// noAxis reports a condition whose key is no axis.
func (r *reading) noAxis(e entry, unknown bool) {
	var axes []string
	for _, a := range r.axes {
		for _, f := range a.fields {
			axes = append(axes, f.Name)
		}
	}
	problem := "is not an axis of this file"
	if unknown {
		problem = "unknown key"
	}
	if len(axes) == 0 {
		problem += "; the file has no axes"
	} else {
		problem += "; allowed: " + strings.Join(axes, ", ")
	}
	r.problems.add(e.at, e.key, problem, didYouMean(e.key, axes))
}

// wanted reads the value or the values of a condition.
func (r *reading) wanted(f *field, e entry) ([]value, bool) {
	list, isList := e.value.([]any)
	if !isList {
		list = []any{e.value}
	}
	if len(list) == 0 {
		r.problems.add(e.at, e.key, "the list is empty; allowed: one value or more", "")
		return nil, false
	}
	var out []value
	for _, raw := range list {
		v, err := f.convert(raw)
		if err != nil {
			r.problems.add(e.at, e.key, err.Error(), "")
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

func holds(list []value, v value) bool {
	return slices.ContainsFunc(list, func(w value) bool { return w.plain == v.plain })
}

// texts lists distinct values in their order.
func texts(list []value) string {
	var out []string
	for _, v := range list {
		if t := show(v.plain); !slices.Contains(out, t) {
			out = append(out, t)
		}
		if len(out) > 20 {
			out[20] = "…"
			break
		}
	}
	return strings.Join(out, ", ")
}
