package experiments

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"prabench/internal/subset"
)

const (
	maxReports = 40  // kinds of invalid points that are listed
	maxInvalid = 500 // invalid points after which no more are looked at
	maxMerged  = 10  // merged points that are named in warnings
)

// expansion walks over the points of a sweep, first axis slowest.
type expansion struct {
	*reading
	axes    []*axis
	family  string            // of the point
	short   map[string]string // swept key → its name in labels
	data    *describing
	id      *identity
	index   []int   // step of each axis
	part    [][]int // the points that are taken, where not all are
	reports []*report
	invalid int
	merged  int
	lacking map[string]int            // family → points that are one with others since it has not all keys that are swept
	untuned map[string][]Grid         // family → grids that its cells ask for and that have none of its keys
	tuned   int                       // points that choose their own sampling
	first   map[string]int            // id of a point's first cell → its number
	shared  map[*axis]map[string]bool // names of several steps of a zip
}

// report is one problem of one set of related values.
type report struct {
	invalid
	values string // the swept values that matter: "patch=7 block=2"; "" when none does
	points int
}

func (r *reading) expand() {
	x := &expansion{reading: r, data: &describing{ask: r.opts.Describe, known: map[Data]described{}}, id: newIdentity(),
		first:   map[string]int{},
		lacking: map[string]int{}, untuned: map[string][]Grid{}}
	for _, a := range r.axes {
		if !a.faulty {
			x.axes = append(x.axes, a)
		}
	}
	var keys []string
	for _, a := range x.axes {
		for _, f := range a.fields {
			keys = append(keys, f.Name)
		}
	}
	x.short = shortKeys(keys)
	x.sharedNames()
	points, ok := x.countPoints()
	if !ok {
		return
	}
	cells := make([]Cell, 0, points*r.exp.Repeats)
	scratch, point := newDraft(), new(Settings)
	x.walk(func() bool {
		scratch.copy(r.base)
		for i, a := range x.axes {
			for k, f := range a.fields {
				scratch.put(f, a.values[k][x.index[i]])
			}
		}
		*point = scratch.settings()
		x.family = point.Model.Family
		if !byName[untilKey].of(x.family) {
			point.Train.Until, point.Train.Evaluate, point.Train.Keep = 0, "", ""
		}
		tune := point.Tune
		if bad := resolve(point, x.data, r.faulty); bad != nil || len(r.faulty) > 0 {
			return x.report(bad)
		}
		x.tunes(tune, point.Tune.on())
		text := x.id.of(point)
		id, swept := x.id.cell(text, r.exp.Seed), x.point(point)
		if n, seen := x.first[id]; seen {
			x.merge(cells, n, swept)
			return true
		}
		x.first[id] = len(cells)
		label := x.label()
		for s := range r.exp.Repeats {
			c := Cell{ID: id, Label: label, Point: swept, Seed: r.exp.Seed + uint64(s), Settings: *point}
			c.Settings.Params = c.Settings.Params.Seeded(c.Seed)
			if s > 0 {
				c.ID = x.id.cell(text, c.Seed)
			}
			cells = append(cells, c)
		}
		return true
	})
	x.finish()
	x.sayLacking()
	x.sayUntuned()
	r.exp.Cells, r.exp.Total = cells, len(cells)
}

// take takes a part of the points, where [search] says so, with all stops of each.
func (x *expansion) take() bool {
	s := x.base.settings().Search
	if !s.Part() || len(x.axes) == 0 {
		return true
	}
	at := x.axes[0].head
	if s.Count > x.opts.maxCells {
		x.problems.add(at, "search.count", fmt.Sprintf("%d points are more cells than allowed: at most %d", s.Count, x.opts.maxCells), "")
		return false
	}
	var steps, axes []int
	stops, all := -1, 1.
	for i, a := range x.axes {
		if slices.Contains(a.fields, byName[untilKey]) {
			stops = i
			continue
		}
		steps, axes, all = append(steps, a.steps()), append(axes, i), all*float64(a.steps())
	}
	out := x.excluder()
	// whole is a point with all its stops, but for those that are excluded.
	whole := func(p []int) (list [][]int) {
		n := 1
		if stops >= 0 {
			n = x.axes[stops].steps()
		}
		for stop := range n {
			v := make([]int, len(x.axes))
			for k, i := range axes {
				v[i] = p[k]
			}
			if stops >= 0 {
				v[stops] = stop
			}
			if !out(v) {
				list = append(list, v)
			}
		}
		return list
	}
	next, err := subset.New(s.Points, steps, s.Seed)
	if err != nil {
		x.problems.add(at, "search.points", err.Error(), "take random points")
		return false
	}
	taken, seen := 0, map[string]bool{}
	for tries := 0; taken < s.Count && float64(len(seen)) < all && tries < 1000*s.Count+1_000_000; tries++ {
		p := next()
		name := fmt.Sprint(p)
		if seen[name] {
			continue
		}
		seen[name] = true
		if list := whole(p); len(list) > 0 {
			x.part = append(x.part, list...)
			taken++
		}
	}
	slices.SortFunc(x.part, slices.Compare) // as all points would come
	x.exp.Part = fmt.Sprintf("%d of %.0f points of the sweep: %s, seed %d", taken, all, s.Points, s.Seed)
	switch {
	case taken < s.Count && float64(len(seen)) < all:
		x.problems.add(at, "search.count", fmt.Sprintf("the excludes leave %d of %d points that were looked at", taken, len(seen)),
			"take fewer points, or narrow the axes")
		return false
	case taken < s.Count:
		x.exp.Part = fmt.Sprintf("all %d points of the sweep: search.count is %d", taken, s.Count)
	}
	return true
}

// countPoints counts what the excludes leave and refuses what is too much.
func (x *expansion) countPoints() (int, bool) {
	limit := x.opts.maxCells
	if !x.take() {
		return 0, false
	}
	all := 1
	for _, a := range x.axes {
		if all *= a.steps(); len(x.part) > 0 {
			break
		}
		if all > 10*limit {
			x.problems.add(a.head, "sweep", fmt.Sprintf("the axes cross to more than %d points; allowed: at most %d cells", 10*limit, limit),
				`take some of them: [search] with points = "sobol" and count = 100`)
			return 0, false
		}
	}
	points := 0
	x.walk(func() bool { points++; return true })
	at := place{file: x.doc.file}
	if len(x.axes) > 0 {
		at = x.axes[0].head
	}
	switch {
	case points == 0:
		x.problems.add(at, "sweep", "the excludes leave no point; nothing would run", "")
		return 0, false
	case points*x.exp.Repeats > limit:
		x.problems.add(at, "sweep", fmt.Sprintf("%d points × %d seeds are %d cells; allowed: at most %d", points, x.exp.Repeats,
			points*x.exp.Repeats, limit), "")
		return 0, false
	}
	return points, true
}

// walk visits every point that is not excluded until visit returns false.
func (x *expansion) walk(visit func() bool) {
	for _, x.index = range x.part {
		if !visit() {
			return
		}
	}
	if len(x.part) > 0 {
		return
	}
	x.index = make([]int, len(x.axes))
	out := x.excluder()
	for {
		if !out(x.index) && !visit() {
			return
		}
		i := len(x.axes) - 1
		for ; i >= 0; i-- {
			if x.index[i]++; x.index[i] < x.axes[i].steps() {
				break
			}
			x.index[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

// excluder says of a point whether it is excluded.
func (x *expansion) excluder() func(point []int) bool {
	number := make(map[*axis]int, len(x.axes))
	for i, a := range x.axes {
		number[a] = i
	}
	type mask struct {
		axis  int
		steps []bool
	}
	excludes := make([][]mask, len(x.excludes))
	for i, e := range x.excludes {
		for a, steps := range e.steps {
			excludes[i] = append(excludes[i], mask{number[a], steps})
		}
	}
	return func(point []int) bool {
		for _, masks := range excludes {
			all := true
			for _, m := range masks {
				all = all && m.steps[point[m.axis]]
			}
			if all {
				return true
			}
		}
		return false
	}
}

// values writes the swept values of this point, all or those of some keys.
func (x *expansion) values(of func(key string) bool) string {
	var parts []string
	for i, a := range x.axes {
		for k, f := range a.fields {
			if f.of(x.family) && (of == nil || of(f.Name)) {
				parts = append(parts, x.short[f.Name]+"="+a.values[k][x.index[i]].text)
			}
		}
	}
	return strings.Join(parts, " ")
}

// sharedNames finds the names that several steps of one zip have, and warns of them:
// labels have the swept values beside such a name, figures over "label" cannot.
func (x *expansion) sharedNames() {
	x.shared = map[*axis]map[string]bool{}
	for _, a := range x.axes {
		k := slices.Index(a.fields, labelField)
		if k < 0 {
			continue
		}
		seen, shared := map[string]bool{}, map[string]bool{}
		for _, v := range a.values[k] {
			if seen[v.text] && !shared[v.text] {
				shared[v.text] = true
				x.exp.Warnings = append(x.exp.Warnings, Warning{File: a.at[k].file, Line: a.at[k].line, Column: a.at[k].column, Key: labelKey,
					Text: fmt.Sprintf("several steps are called %q: labels of their cells have the values beside it, and a figure over label "+
						"cannot tell them apart; give each a name of its own", v.text)})
			}
			seen[v.text] = true
		}
		x.shared[a] = shared
	}
}

// label names the point for people: the steps' own names where a zip has them,
// else the swept values, and both where several steps have one name.
func (x *expansion) label() string {
	var parts []string
	for i, a := range x.axes {
		step := x.index[i]
		if k := slices.Index(a.fields, labelField); k >= 0 {
			parts = append(parts, a.values[k][step].text)
			if !x.shared[a][a.values[k][step].text] {
				continue
			}
		}
		for k, f := range a.fields {
			if f != labelField && f.of(x.family) {
				parts = append(parts, x.short[f.Name]+"="+a.values[k][step].text)
			}
		}
	}
	if len(parts) == 0 {
		return x.exp.Name
	}
	return strings.Join(parts, " ")
}

// point is what is swept of the settings. All steps, train.until = 0, are as many as they are.
func (x *expansion) point(of *Settings) map[string]any {
	m := make(map[string]any, len(x.axes))
	for i, a := range x.axes {
		for k, f := range a.fields {
			if f.of(x.family) {
				m[f.Name] = a.values[k][x.index[i]].plain
			}
		}
	}
	if m[untilKey] == 0 {
		m[untilKey] = of.Params.Training().Steps
	}
	return m
}

// labelNames are the words in labels for two depths that would be mistaken for
// train.rollout_depth.
var labelNames = map[string]string{"model.depth": "layers", "sample.rollout_depth": "sweeps"}

// olderNames are words that labels had before, and that filters know still.
var olderNames = map[string]string{"train.rollout_depth": "depth"}

// shortKeys gives each swept key a name for labels: its last part, a word of its own
// where there is one, and the whole key where that is not unique.
func shortKeys(keys []string) map[string]string {
	short, count := map[string]string{}, map[string]int{}
	for _, key := range keys {
		if short[key] != "" {
			continue
		}
		s := labelNames[key]
		if s == "" {
			s = key[strings.LastIndexByte(key, '.')+1:]
		}
		short[key] = s
		count[s]++
	}
	for key, s := range short {
		if count[s] > 1 {
			short[key] = key
		}
	}
	return short
}

// report notes what is wrong with this point; false ends the walk.
func (x *expansion) report(bad []invalid) bool {
	if len(bad) == 0 {
		return true
	}
	for _, b := range bad {
		values := x.values(func(key string) bool { return key == b.key || slices.Contains(related[b.key], key) })
		i := slices.IndexFunc(x.reports, func(r *report) bool {
			return r.key == b.key && r.problem == b.problem && r.values == values
		})
		if i < 0 {
			i = len(x.reports)
			x.reports = append(x.reports, &report{invalid: b, values: values})
		}
		x.reports[i].points++
	}
	x.invalid++
	return x.invalid < maxInvalid && len(x.reports) <= maxReports
}

// finish turns the reports into errors, each at the axis that it depends on.
func (x *expansion) finish() {
	for n, rep := range x.reports {
		if n == maxReports {
			x.problems.add(place{file: x.doc.file}, "sweep", fmt.Sprintf("more than %d different values are invalid; the rest is not listed",
				maxReports), "")
			break
		}
		at, swept := x.locate(rep.key)
		problem, hint := rep.problem, ""
		if rep.values != "" {
			problem += "; invalid at " + rep.values
			if rep.points > 1 {
				problem += fmt.Sprintf(" (%d points)", rep.points)
			}
		}
		if swept && rep.values != "" {
			hint = "correct the axis or leave the point out with [[sweep.exclude]]"
		}
		e := fault(at, rep.key, problem, hint)
		e.cause = rep.cause
		x.problems.list = append(x.problems.list, e)
	}
}

// locate finds where a key's value comes from: its axis, else the axis of a key
// that it depends on, else the file or the flag that gave it.
func (x *expansion) locate(key string) (at place, swept bool) {
	keys := append([]string{key}, related[key]...)
	for _, k := range keys {
		if a, i := find(x.axes, k); a != nil {
			return a.at[i], true
		}
	}
	for _, k := range keys {
		if at, ok := x.sources[k]; ok {
			return at, false
		}
	}
	return place{file: x.doc.file}, false
}

// merge notes that this point is the same cell as an earlier one. Where they differ
// in nothing that the family has, that is reported once for the family.
func (x *expansion) merge(cells []Cell, n int, swept map[string]any) {
	twice := maps.Equal(swept, cells[n].Point)
	if twice && len(x.lacks(x.family)) > 0 {
		x.lacking[x.family]++
		return
	}
	x.merged++
	at := x.axes[len(x.axes)-1].head
	w := Warning{File: at.file, Line: at.line, Column: at.column, Key: "sweep"}
	switch {
	case x.merged <= maxMerged && twice:
		w.Text = fmt.Sprintf("%s is there twice, and is one cell", x.values(nil))
	case x.merged <= maxMerged:
		w.Text = fmt.Sprintf("%q has the same settings as %q and is the same cell", x.values(nil), x.pointText(cells[n].Point))
	case x.merged == maxMerged+1:
		w.Text = "more points have the settings of earlier ones and are the same cells"
	default:
		return
	}
	x.exp.Warnings = append(x.exp.Warnings, w)
}

// lacks are the keys that are swept and none of a family's.
func (x *expansion) lacks(family string) (keys []string) {
	for _, a := range x.axes {
		for _, f := range a.fields {
			if !f.of(family) {
				keys = append(keys, f.Name)
			}
		}
	}
	return keys
}

// sayLacking says for each family which axes are none of its.
func (x *expansion) sayLacking() {
	for _, family := range slices.Sorted(maps.Keys(x.lacking)) {
		keys := x.lacks(family)
		at := x.axes[len(x.axes)-1].head
		x.exp.Warnings = append(x.exp.Warnings, Warning{File: at.file, Line: at.line, Column: at.column, Key: "sweep",
			Text: fmt.Sprintf("the family %s has no %s: %d points differ from others in nothing else, and are their cells", family,
				strings.Join(keys, " and no "), x.lacking[family])})
	}
}

func (x *expansion) pointText(point map[string]any) string {
	var parts []string
	for _, a := range x.axes {
		for _, f := range a.fields {
			if v, has := point[f.Name]; has {
				parts = append(parts, x.short[f.Name]+"="+textOf(v))
			}
		}
	}
	return strings.Join(parts, " ")
}
