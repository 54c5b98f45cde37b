package experiments

import (
	"fmt"
	"slices"
	"strings"
)

// Figure is one [[figure]], checked and with its defaults. Keys of the
// configuration are written in full ("model.patch") also when the file has
// their short name ("patch").
type Figure struct {
	Name  string // file stem; kind and number when absent: "pareto1"
	Kind  string // one of FigureKinds
	Title string

	X, Y   string // metric, key, "seed" or "label"; see FigureKinds
	Value  string // heatmap: the metric in its cells
	Series string // key, "seed" or "label"; "" is one series
	Facet  string // likewise; "" is one panel

	Rows    []string // table: keys that make a row; empty is the swept ones
	Columns []string // table: metrics; empty is all there are

	GridRows, GridColumns int // grid: at most so many rows and columns; 0 is all

	LogX, LogY *bool          // nil: the drawing decides
	Fit        bool           // line: note the exponents of fitted power laws
	Width      float64        // inches in print, with labels of 8 pt; 0 is 6 in with labels of 10 pt
	Where      map[string]any // only cells with these values; []any is any of them

	Source string // file:line:column
}

// figureKind is what a kind of figure may say.
type figureKind struct {
	name     string
	keys     []string          // besides kind, name, title and where
	required []string          // of these
	defaults map[string]string // of the others
	x, y     roles             // what its axes may show
}

// roles is what a name may be.
type roles int

const (
	aMetric roles = 1 << iota
	aKey
	aCurve // a value that training logs
	aStep  // the word step
	aError // an error of AR steps
)

var figureKinds = []figureKind{
	{name: "pareto", keys: []string{"x", "y", "series", "facet", "log_x", "log_y"}, defaults: map[string]string{"x": "throughput", "y": "fid_proxy"}, x: aMetric, y: aMetric},
	{name: "line", keys: []string{"x", "y", "series", "facet", "log_x", "log_y", "fit"}, required: []string{"x"}, defaults: map[string]string{"y": "fid_proxy"}, x: aMetric | aKey, y: aMetric},
	{name: "heatmap", keys: []string{"x", "y", "value", "facet", "log_y"}, required: []string{"x", "y"}, defaults: map[string]string{"value": "fid_proxy"}, x: aKey, y: aKey},
	{name: "bars", keys: []string{"x", "y", "series", "facet", "log_y"}, defaults: map[string]string{"x": labelKey, "y": "fid_proxy"}, x: aKey, y: aMetric},
	{name: "grid", keys: []string{"rows", "columns", "series", "facet"}},
	{name: "curve", keys: []string{"x", "y", "series", "facet", "log_x", "log_y"}, defaults: map[string]string{"x": "step", "y": "train_loss"}, x: aStep, y: aCurve},
	{name: "steps", keys: []string{"y", "series", "facet", "log_y"}, defaults: map[string]string{"y": stepNames[0]}, y: aError},
	{name: "table", keys: []string{"rows", "columns"}},
}

// everyFigure may be said of every kind. width is 3.25 for a column of two, 6.75
// for both; tables have none but take it as their room.
var everyFigure = []string{"kind", "name", "title", "where", "width"}

// FigureKinds lists the kinds of figures: pareto (x, y metrics), line (x metric
// or key, y metric), heatmap (x, y keys, value metric), bars (x key, y metric),
// grid (images), curve (x "step", y one of curveNames), steps (y one of
// stepNames over the AR steps) and table.
func FigureKinds() []string {
	var out []string
	for _, k := range figureKinds {
		out = append(out, k.name)
	}
	return out
}

// readFigures reads every [[figure]].
func (r *reading) readFigures() {
	raw, ok := r.doc.root["figure"]
	if !ok {
		return
	}
	list, ok := tables(raw)
	if !ok {
		r.problems.add(r.doc.at("figure"), "figure", fmt.Sprintf("is %s; allowed: one or more [[figure]]", typeName(raw)), "write two brackets on each side")
		return
	}
	taken := map[string]place{}
	for i, t := range list {
		f := &figureReading{reading: r, table: t, path: []string{"figure", element(i)}}
		f.fig = Figure{Source: r.doc.at(f.path...).String()}
		if !f.read(i) {
			continue
		}
		// File systems that ignore case would mix up names that differ by it only.
		if first, twice := taken[strings.ToLower(f.fig.Name)]; twice {
			r.problems.add(f.at("name"), "figure.name", fmt.Sprintf("%q is taken by the figure at %s; both would write the same file", f.fig.Name, first), "give one of them another name")
		}
		taken[strings.ToLower(f.fig.Name)] = r.doc.at(f.path...)
		r.exp.Figures = append(r.exp.Figures, f.fig)
	}
}

// figureReading is one figure on its way.
type figureReading struct {
	*reading
	table map[string]any
	path  []string
	kind  *figureKind
	fig   Figure
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
	k := slices.IndexFunc(figureKinds, func(k figureKind) bool { return k.name == name })
	switch raw, has := f.table["kind"]; {
	case !has:
		f.bad("kind", "the figure has no kind; allowed: "+strings.Join(FigureKinds(), ", "), "")
		return false
	case !given:
		f.bad("kind", fmt.Sprintf("%s is %s; allowed: %s", show(raw), typeName(raw), strings.Join(FigureKinds(), ", ")), "")
		return false
	case k < 0:
		f.bad("kind", fmt.Sprintf("%q is no kind of figure; allowed: %s", name, strings.Join(FigureKinds(), ", ")), didYouMean(name, FigureKinds()))
		return false
	}
	f.kind, f.fig.Kind = &figureKinds[k], name
	f.checkKeys()
	f.fig.Name = fmt.Sprintf("%s%d", name, i+1)
	f.text("name", &f.fig.Name)
	if why := notAName(f.fig.Name); why != "" {
		f.bad("name", fmt.Sprintf("%q %s; allowed: letters, digits, '-', '_' and '.', a letter or digit first", f.fig.Name, why), "")
	}
	f.text("title", &f.fig.Title)
	f.name("x", &f.fig.X, f.kind.x)
	f.name("y", &f.fig.Y, f.kind.y)
	f.name("value", &f.fig.Value, aMetric)
	f.name("series", &f.fig.Series, aKey)
	f.name("facet", &f.fig.Facet, aKey)
	switch name {
	case "table":
		f.fig.Rows = f.names("rows", aKey)
		f.fig.Columns = f.names("columns", aMetric)
	case "grid":
		f.count("rows", &f.fig.GridRows)
		f.count("columns", &f.fig.GridColumns)
	}
	f.flag("log_x", &f.fig.LogX)
	var fit *bool
	f.flag("fit", &fit)
	f.fig.Fit = fit != nil && *fit
	f.flag("log_y", &f.fig.LogY)
	f.width()
	f.where()
	return true
}

// checkKeys reports keys that no figure has, or that this kind does not use,
// and those that it needs.
func (f *figureReading) checkKeys() {
	allowed := append(slices.Clone(everyFigure), f.kind.keys...)
	var all []string
	for _, k := range figureKinds {
		all = append(all, k.keys...)
	}
	for _, e := range f.doc.entries(f.table, f.path...) {
		key, _, _ := strings.Cut(e.key, ".")
		if slices.Contains(allowed, key) {
			continue
		}
		problem := "unknown key of a figure"
		if slices.Contains(all, key) {
			problem = "is not used by a figure of kind " + f.kind.name
		}
		f.problems.add(e.at, "figure."+key, problem+"; allowed: "+strings.Join(allowed, ", "), didYouMean(key, allowed))
	}
	for _, key := range f.kind.required {
		if _, ok := f.table[key]; !ok {
			f.bad(key, fmt.Sprintf("a figure of kind %s needs it", f.kind.name), "")
		}
	}
}

// has says whether the kind uses the key and the file gives it.
func (f *figureReading) has(key string) (any, bool) {
	raw, ok := f.table[key]
	return raw, ok && (slices.Contains(everyFigure, key) || slices.Contains(f.kind.keys, key))
}

func (f *figureReading) wrong(key string, raw any, allowed string) {
	f.bad(key, fmt.Sprintf("%s is %s; allowed: %s", show(raw), typeName(raw), allowed), "")
}

func (f *figureReading) text(key string, to *string) {
	raw, ok := f.has(key)
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
	raw, ok := f.has(key)
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
	raw, ok := f.has(key)
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

// width reads inches, as an integer or a float.
func (f *figureReading) width() {
	raw, ok := f.has("width")
	if !ok {
		return
	}
	var inches float64
	switch v := raw.(type) {
	case int64:
		inches = float64(v)
	case float64:
		inches = v
	}
	if !(inches >= 2 && inches <= 20) {
		f.wrong("width", raw, "inches from 2 to 20; 3.25 is one column of two, 6.75 both")
		return
	}
	f.fig.Width = inches
}

// name reads the name of a metric or key, or takes the kind's default.
func (f *figureReading) name(key string, to *string, may roles) {
	raw, ok := f.has(key)
	if !ok {
		*to = f.kind.defaults[key]
		return
	}
	s, ok := raw.(string)
	if !ok {
		f.wrong(key, raw, "a string")
		return
	}
	*to = f.resolve(f.at(key), key, s, may)
}

// names reads a name or a list of names.
func (f *figureReading) names(key string, may roles) []string {
	raw, ok := f.has(key)
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
		name := f.resolve(at, key, s, may)
		if slices.Contains(out, name) {
			f.problems.add(at, "figure."+key, name+" is named twice", "")
			continue
		}
		out = append(out, name)
	}
	return out
}

// resolve gives the full name, or reports that there is none.
func (f *figureReading) resolve(at place, key, name string, may roles) string {
	full := name
	if k, ok := shortKeys[name]; ok && may&aKey != 0 {
		full = k
	}
	var allowed []string
	var words []string
	if may&aStep != 0 {
		allowed, words = append(allowed, "step"), append(words, "step")
	}
	if may&aCurve != 0 {
		allowed, words = append(allowed, curveNames...), append(words, strings.Join(curveNames, ", "))
	}
	if may&aError != 0 {
		allowed, words = append(allowed, stepNames...), append(words, strings.Join(stepNames, ", "))
	}
	if may&aMetric != 0 {
		allowed, words = append(allowed, metricNames...), append(words, "a metric ("+strings.Join(metricNames, ", ")+")")
	}
	if may&aKey != 0 {
		allowed = append(allowed, "seed", labelKey)
		for short := range shortKeys {
			allowed = append(allowed, short)
		}
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
	f.problems.add(at, "figure."+key, problem, didYouMean(name, allowed))
	return full
}

// where reads the filter: key = value, or key = [values].
func (f *figureReading) where() {
	raw, ok := f.has("where")
	if !ok {
		return
	}
	table, ok := raw.(map[string]any)
	if !ok {
		f.wrong("where", raw, `a table such as { "model.block" = 1 }`)
		return
	}
	f.fig.Where = map[string]any{}
	for _, e := range f.doc.entries(table, append(slices.Clone(f.path), "where")...) {
		k := chosenField(e.key)
		if k == nil {
			f.problems.add(e.at, "figure.where."+e.key, "unknown key; allowed: any key of a setting, seed or label", didYouMean(e.key, append(slices.Clone(allNames), "seed", labelKey)))
			continue
		}
		wanted, ok := f.wanted(k, entry{key: "figure.where." + e.key, value: e.value, at: e.at})
		if !ok {
			continue
		}
		if len(wanted) == 1 {
			f.fig.Where[k.Name] = wanted[0].plain
		} else {
			var list []any
			for _, w := range wanted {
				list = append(list, w.plain)
			}
			f.fig.Where[k.Name] = list
		}
		none := !slices.ContainsFunc(f.exp.Cells, func(c Cell) bool {
			return slices.ContainsFunc(wanted, func(w value) bool { return c.has(k, w) })
		})
		if none && len(f.exp.Cells) > 0 {
			f.exp.Warnings = append(f.exp.Warnings, Warning{File: e.at.file, Line: e.at.line, Column: e.at.column,
				Key: "figure.where." + e.key, Text: fmt.Sprintf("no cell has this value, so the figure stays empty; there is %s", f.present(k))})
		}
	}
}
