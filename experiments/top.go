package experiments

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
)

// readTop reads what stands outside [sweep], [[figure]] and [[claim]], then what --set
// says of it.
func (r *reading) readTop() {
	for _, e := range r.top() {
		name, _, _ := strings.Cut(e.key, ".")
		table, isTable := r.doc.root[name].(map[string]any)
		switch {
		case name == "sweep" || name == "figure" || name == "claim" || name == "external":
		case isTop(e.key):
			r.topKey(e.key, e.value, e.at)
		case byName[e.key] != nil:
			f := byName[e.key]
			if first, twice := r.sources[f.Name]; twice {
				r.fault(e.at, f.Name, "given twice; the first is at "+first.String(), "")
				continue
			}
			v, err := f.convert(e.value)
			if err != nil {
				r.fault(e.at, f.Name, err.Error(), "")
				continue
			}
			r.base.put(f, v)
			r.sources[f.Name] = e.at
		case len(tableKeys(name)) > 0:
			if !isTable {
				r.problems.add(e.at, name, fmt.Sprintf("%s is %s; allowed: a table [%s]", show(e.value), typeName(e.value), name), "")
			} else if len(table) > 0 {
				r.problems.add(e.at, e.key, fmt.Sprintf("unknown key; allowed in [%s]: %s", name, strings.Join(tableKeys(name), ", ")),
					didYouMean(e.key, append(slices.Clone(allNames), topNames...)))
			}
		default:
			allowed := "an integer"
			if name == "name" || name == "description" {
				allowed = "a string"
			}
			r.problems.add(e.at, name, "is a table; allowed: "+allowed, "")
		}
	}
	for _, o := range r.set {
		f := byName[o.key]
		if f == nil {
			raw := o.raw
			if _, isString := raw.(string); !isString && (o.key == "name" || o.key == "description") {
				raw = o.text
			}
			r.topKey(o.key, raw, o.at)
			continue
		}
		if _, isList := o.list(); isList {
			continue // an axis
		}
		v, err := o.convert(f)
		if err != nil {
			r.fault(o.at, f.Name, err.Error(), "")
			continue
		}
		r.base.put(f, v)
		r.sources[f.Name] = o.at
	}
	r.checkTop()
}

// fault reports a key and keeps it from being reported again for its
// consequences.
func (r *reading) fault(at place, key, problem, hint string) {
	r.faulty[key] = true
	r.problems.add(at, key, problem, hint)
}

// top lists the entries of the file, and reports tables and keys at the top
// that no experiment has.
func (r *reading) top() []entry {
	known := append([]string{"data", "model", "train", "sample", "metrics", "tune", "search", "measure", "check", "sweep", "figure",
		"claim", "external"}, topNames...)
	var list []entry
	for _, e := range r.doc.entries(r.doc.root) {
		name, _, dotted := strings.Cut(e.key, ".")
		if slices.Contains(known, name) {
			list = append(list, e)
			continue
		}
		if dotted || r.doc.isTable(name) {
			if r.faulty[name] { // once a table
				continue
			}
			r.fault(r.doc.at(name), name,
				"unknown table; allowed: data, model, train, sample, metrics, tune, search, measure, check, sweep, figure, claim, external",
				didYouMean(name, known[:13]))
			continue
		}
		r.problems.add(e.at, name, "unknown key; allowed at the top: "+strings.Join(topNames, ", "),
			didYouMean(name, append(slices.Clone(known), allNames...)))
	}
	return list
}

func (d *document) isTable(name string) bool {
	switch d.root[name].(type) {
	case map[string]any, []map[string]any:
		return true
	}
	return false
}

func (r *reading) topKey(key string, raw any, at place) {
	wrong := func(allowed string) {
		r.fault(at, key, fmt.Sprintf("%s is %s; allowed: %s", show(raw), typeName(raw), allowed), "")
	}
	switch key {
	case "name", "description":
		s, ok := raw.(string)
		if !ok {
			wrong("a string")
			return
		}
		if key == "name" {
			r.exp.Name = s
		} else {
			r.exp.Description = s
		}
	case "repeats":
		n, ok := raw.(int64)
		if !ok {
			wrong("an integer ≥ 1")
			return
		}
		if n < 1 || n > int64(r.opts.maxCells) {
			r.fault(at, key, fmt.Sprintf("%d is not a number of seeds; allowed: 1 to %d", n, r.opts.maxCells), "")
			return
		}
		r.exp.Repeats = int(n)
	case "seed":
		n, ok := raw.(int64)
		if !ok {
			wrong("an integer ≥ 0")
			return
		}
		if n < 0 || n > math.MaxInt64-int64(MaxCells) {
			r.fault(at, key, fmt.Sprintf("%d is not a seed; allowed: 0 to %d", n, int64(math.MaxInt64-MaxCells)), "")
			return
		}
		r.exp.Seed = uint64(n)
	}
	r.sources[key] = at
}

// checkTop holds that the name can be a folder.
func (r *reading) checkTop() {
	at, ok := r.sources["name"]
	if !ok {
		at = place{file: r.doc.file}
	}
	if r.faulty["name"] {
		return
	}
	if why := notAName(r.exp.Name); why != "" {
		hint := ""
		if !ok {
			hint = "the file's name cannot serve; give the experiment a name"
		}
		r.fault(at, "name", fmt.Sprintf("%q %s; allowed: letters, digits, '-', '_' and '.', a letter or digit first", r.exp.Name, why), hint)
	}
}

// notAName says why a text cannot be a file or folder name, or "".
func notAName(s string) string {
	if s == "" {
		return "is empty"
	}
	if len(s) > 100 {
		return "is longer than 100 bytes"
	}
	for i, c := range s {
		letter := unicode.IsLetter(c) || unicode.IsDigit(c)
		if !letter && (i == 0 || !strings.ContainsRune("-_.", c)) {
			return fmt.Sprintf("cannot name a file because of %q", c)
		}
	}
	return ""
}
