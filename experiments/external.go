package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"prabench/results/where"
)

// External is one [[external]] at one of its points with one seed: a cell whose
// images a program outside draws.
type External struct {
	ID       string // "external-" and 12 hex digits of what names it
	Label    string // the program and the point for people
	Point    map[string]any
	Seed     uint64
	Name     string         // of the program
	Command  []string       // started in the folder of the experiment file
	Files    []string       // what the program is made of, relative to that folder
	Settings map[string]any // what it is given: the table [external.settings] and the point
	Floats   string         // which floats are black and white; "": it writes bytes
	Data     bool           // it gets the training images
	Timed    bool           // it can be timed
}

var externalKeys = []string{"label", "command", "files", "settings", "sweep", "axes", "range", "data", "timed"}

// floatRanges are the ranges that can be said of floats, see the package outside.
var floatRanges = []string{"0..1", "-1..1", "0..255"}

// readExternals reads every [[external]], after the cells.
func (r *reading) readExternals() {
	raw, ok := r.doc.root["external"]
	if !ok || len(r.exp.Cells) == 0 {
		return
	}
	list, ok := tables(raw)
	if !ok {
		r.problems.add(r.doc.at("external"), "external", fmt.Sprintf("is %s; allowed: one or more [[external]]", typeName(raw)),
			"write two brackets on each side")
		return
	}
	if r.exp.Base.Search.On() {
		r.problems.add(r.doc.at("external"), "external", "cannot stand beside [search], which drops points by their trainings",
			"write a file of its own for the program")
	}
	for _, a := range r.axes {
		for i, f := range a.fields {
			if table, _, _ := strings.Cut(f.Name, "."); table == "data" || table == "metrics" || table == "measure" || f.Name == "sample.count" {
				r.problems.add(a.at[i], f.Name, "cannot be an axis beside [[external]], which is scored by one protocol", "write a file for each value")
			}
		}
	}
	for i, t := range list {
		x := &externalReading{reading: r, table: t, path: []string{"external", element(i)}}
		x.read()
	}
}

// externalReading is one [[external]] on its way.
type externalReading struct {
	*reading
	table map[string]any
	path  []string
	wrong bool
}

func (x *externalReading) bad(key, problem, hint string) {
	x.wrong = true
	x.problems.add(x.doc.at(append(slices.Clone(x.path), key)...), "external."+key, problem, hint)
}

func (x *externalReading) read() {
	for _, e := range x.doc.entries(x.table, x.path...) {
		if key, _, _ := strings.Cut(e.key, "."); !slices.Contains(externalKeys, key) {
			x.wrong = true
			x.problems.add(e.at, "external."+key, "unknown key of a program; allowed: "+strings.Join(externalKeys, ", "),
				didYouMean(key, externalKeys))
		}
	}
	out := External{Name: x.text("label"), Floats: x.text("range"), Data: x.flag("data"), Timed: x.flag("timed"),
		Command: x.texts("command"), Files: x.texts("files")}
	if out.Name == "" {
		x.bad("label", "a program needs a label, which tables and figures call it by", "")
	}
	if slices.ContainsFunc(x.exp.Externals, func(o External) bool { return o.Name == out.Name }) {
		x.bad("label", fmt.Sprintf("another [[external]] is %q as well", out.Name), "")
	}
	if len(out.Command) == 0 || out.Command[0] == "" {
		x.bad("command", `is missing: the words of the command, such as ["python3", "sampler.py"]`, "")
	}
	if out.Floats != "" && !slices.Contains(floatRanges, out.Floats) {
		x.bad("range", fmt.Sprintf("%q is no range of floats; allowed: %s", out.Floats, strings.Join(floatRanges, ", ")), "")
	}
	dir := filepath.Dir(x.doc.file)
	for _, word := range out.Command {
		if info, err := os.Stat(inFolder(dir, word)); err == nil && info.Mode().IsRegular() && !filepath.IsAbs(word) {
			out.Files = append(out.Files, word)
		}
	}
	slices.Sort(out.Files)
	out.Files = slices.Compact(out.Files)
	if len(out.Files) == 0 && len(out.Command) > 0 {
		x.bad("files", "no word of the command is a file beside the experiment; say which files the program is made of, so that another "+
			"version of it is another cell", "")
	}
	fixed := x.values("settings", false)
	axes := x.axesOf()
	for key := range axes {
		if _, twice := fixed[key]; twice {
			x.bad("sweep", fmt.Sprintf("%s has a value in settings too", key), "")
		}
	}
	if !x.wrong {
		x.expand(out, fixed, axes)
	}
}

func inFolder(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func (x *externalReading) text(key string) string {
	raw, ok := x.table[key]
	s, isText := raw.(string)
	if ok && !isText {
		x.bad(key, fmt.Sprintf("%s is %s; allowed: a string", show(raw), typeName(raw)), "")
	}
	return s
}

func (x *externalReading) flag(key string) bool {
	raw, ok := x.table[key]
	b, isFlag := raw.(bool)
	if ok && !isFlag {
		x.bad(key, fmt.Sprintf("%s is %s; allowed: true or false", show(raw), typeName(raw)), "")
	}
	return b
}

func (x *externalReading) texts(key string) (out []string) {
	raw, ok := x.table[key]
	if !ok {
		return nil
	}
	list, isList := raw.([]any)
	for _, v := range list {
		s, isText := v.(string)
		isList = isList && isText
		out = append(out, s)
	}
	if !isList {
		x.bad(key, fmt.Sprintf("%s is %s; allowed: an array of strings", show(raw), typeName(raw)), "")
	}
	return out
}

// values reads a table of plain values, or of lists of them.
func (x *externalReading) values(key string, lists bool) map[string]any {
	raw, ok := x.table[key]
	if !ok {
		return nil
	}
	table, isTable := raw.(map[string]any)
	if !isTable {
		x.bad(key, fmt.Sprintf("%s is %s; allowed: a table", show(raw), typeName(raw)), "")
		return nil
	}
	out := map[string]any{}
	for _, e := range x.doc.entries(table, append(slices.Clone(x.path), key)...) {
		values, isList := e.value.([]any)
		if !isList {
			values = []any{e.value}
		}
		if isList != lists || len(values) == 0 || slices.ContainsFunc(values, func(v any) bool { return !scalar(v) }) {
			allowed := "a number, a text or true or false"
			if lists {
				allowed = "a list of numbers, texts or true and false"
			}
			x.wrong = true
			x.problems.add(e.at, "external."+key+"."+e.key, fmt.Sprintf("%s is %s; allowed: %s", show(e.value), typeName(e.value), allowed), "")
			continue
		}
		out[strings.Trim(e.key, `"`)] = e.value
	}
	return out
}

func scalar(v any) bool {
	switch v.(type) {
	case int64, float64, string, bool:
		return true
	}
	return false
}

// axesOf are the lists that the program is swept over: its own, and axes of the
// experiment that it takes part in.
func (x *externalReading) axesOf() map[string][]any {
	out := map[string][]any{}
	for key, list := range x.values("sweep", true) {
		out[key] = list.([]any)
	}
	for _, name := range x.texts("axes") {
		a, i := find(x.axes, plainKey(name))
		if a == nil || a.faulty || a.fields[i] == labelField {
			x.bad("axes", fmt.Sprintf("%q is no axis of [sweep]", name), "")
			continue
		}
		for _, v := range a.values[i] {
			if !slices.Contains(out[a.fields[i].Name], v.plain) {
				out[a.fields[i].Name] = append(out[a.fields[i].Name], v.plain)
			}
		}
	}
	return out
}

// mostExternal bounds the points of one program.
const mostExternal = 10_000

// expand adds the program's cells, axes in the order of their names.
func (x *externalReading) expand(of External, fixed map[string]any, axes map[string][]any) {
	points := []map[string]any{{}}
	keys := slices.Sorted(maps.Keys(axes))
	for _, key := range keys {
		var next []map[string]any
		for _, p := range points {
			for _, v := range axes[key] {
				q := maps.Clone(p)
				q[key] = v
				next = append(next, q)
			}
		}
		if points = next; len(points)*x.exp.Repeats > mostExternal {
			x.bad("sweep", fmt.Sprintf("crosses to more than %d cells", mostExternal), "")
			return
		}
	}
	base := x.exp.Cells[0].Settings
	for _, p := range points {
		label := []string{of.Name}
		for _, key := range keys {
			label = append(label, key[strings.LastIndexByte(key, '.')+1:]+"="+textOf(p[key]))
		}
		of.Label = strings.Join(label, " ") + " (outside)"
		of.Settings = maps.Clone(fixed)
		if of.Settings == nil {
			of.Settings = map[string]any{}
		}
		maps.Copy(of.Settings, p)
		of.Point = maps.Clone(p)
		of.Point[where.Outside] = of.Name
		for s := range x.exp.Repeats {
			of.Seed = x.exp.Seed + uint64(s)
			text, err := json.Marshal([]any{of.Name, of.Command, of.Settings, base.Data, base.Sample.Count, of.Seed})
			if err != nil {
				x.bad("settings", err.Error(), "")
				return
			}
			sum := sha256.Sum256(text)
			of.ID = where.External + hex.EncodeToString(sum[:6])
			x.exp.Externals = append(x.exp.Externals, of)
		}
	}
}

// has says whether the cell has a value of a key.
func (e *External) has(f *field, v value) bool {
	switch f {
	case labelField:
		wanted, _ := v.plain.(string)
		return where.SameLabel(e.Label, wanted) || where.SameLabel(e.Name, wanted)
	case seedField:
		return e.Seed == v.plain
	}
	have, ok := e.Point[f.Name]
	return ok && textOf(have) == v.text
}
