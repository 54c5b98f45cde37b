package draw

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/models"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/results/record"
	"prabench/results/view"
)

// Undrawable is a figure of a file that no run of it could draw.
type Undrawable struct {
	At      string // of the key where there is one, else of the figure
	Figure  string
	Problem string // begins with the key, where one is at fault
}

func (u Undrawable) Error() string {
	return fmt.Sprintf("%s: figure %q cannot be drawn: %s", u.At, u.Figure, u.Problem)
}

// Foresee says which figures of files could not be drawn whatever a run measures. A
// figure that its file rules out is an error, and nothing should start. One that only
// --set or --only took away is a warning. With a plan of the files, cells that are left
// out have the values that they have already; without one, all.
func Foresee(files []string, ls []engine.Loaded, o engine.LoadOptions, p *engine.Plan, warn func(text string)) error {
	var lost []Undrawable
	for _, l := range ls {
		lost = append(lost, undrawable(l, p)...)
	}
	if len(lost) == 0 {
		return nil
	}
	whole := map[string]bool{} // also without what narrows
	if len(o.Set) > 0 || o.Only != "" {
		plain, err := engine.Load(files, engine.LoadOptions{Read: o.Read})
		if err != nil { // the file needs its --set
			plain = nil
		}
		for _, l := range plain {
			for _, u := range undrawable(l, nil) {
				whole[u.At+u.Figure] = true
			}
		}
	} else {
		for _, u := range lost {
			whole[u.At+u.Figure] = true
		}
	}
	var errs []error
	for _, u := range lost {
		if whole[u.At+u.Figure] {
			errs = append(errs, u)
		} else {
			warn(u.Error() + "; it can be drawn of the whole file, without --set and --only")
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return &engine.Mistake{Err: fmt.Errorf("%w\nNothing was started", errors.Join(errs...))}
}

// mostRehearsed is how many points figures are rehearsed with: of more, the time would
// be felt, and no figure shows so many.
const mostRehearsed = 20000

// undrawable draws the figures of a file with invented values in place of those that
// its cells are going to have, so that planning and drawing cannot disagree.
func undrawable(l engine.Loaded, p *engine.Plan) (out []Undrawable) {
	if len(l.File.Figures) == 0 {
		return nil
	}
	e := rehearsed(l, p)
	if len(e.points) > mostRehearsed {
		return nil
	}
	for _, fig := range l.File.Figures {
		data, _ := e.dataOf(fig)
		err := plots.Foresee(fig, data)
		if err == nil {
			continue
		}
		u := Undrawable{At: fig.Source, Figure: fig.Name, Problem: err.Error()}
		if key, _, named := strings.Cut(u.Problem, ":"); named {
			if at := l.File.FigureAt(fig.Name, key); at != "" {
				u.At = at
			}
		}
		out = append(out, u)
	}
	return out
}

// rehearsal is what stands in the place of the database and the artifacts.
type rehearsal struct {
	chains map[*stage.Settings]stage.Chain // of points whose cells were not identified
	plan   *engine.Plan
}

// rehearsed is an experiment as it will be once everything is done.
func rehearsed(l engine.Loaded, p *engine.Plan) *experiment {
	e := &experiment{exp: l.Exp, cells: map[string]*engine.Cell{}, invented: &rehearsal{map[*stage.Settings]stage.Chain{}, p}}
	cells := make([]view.Cell, len(l.Exp.Cells))
	for i := range l.Exp.Cells {
		c := &l.Exp.Cells[i]
		e.cells[c.ID] = c
		column := c.Columns()
		cells[i] = view.Cell{Experiment: l.Exp.Name, Cell: c.ID, Seed: c.Seed, Label: c.Label, Params: c.Params, Outcome: record.OK,
			Patch: column("model.patch"), Block: column("model.block"), RolloutDepth: column("train.rollout_depth"), State: column("model.state")}
	}
	e.points, _ = view.Points(cells, nil, nil)
	names := shownBy(l.File.Figures)
	for i := range e.points {
		for _, m := range names {
			if mean, ok := e.mean(i, m); ok {
				e.points[i].Means[m] = mean
			}
		}
	}
	return e
}

// shownBy are the metrics that figures show. A table without columns has what there is.
func shownBy(figures []figure.Figure) (names []string) {
	add := func(more ...string) {
		for _, n := range more {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	for _, fig := range figures {
		add(fig.Metrics()...)
		if fig.Text() && len(fig.Columns) == 0 {
			add(quantity.Names(func(m *quantity.Metric) bool { return m.Front })...)
			add(quantity.TrainLoss.Name, quantity.Params.Name)
		}
	}
	return names
}

// mean is an invented value of each seed, no two of them alike: what is the same
// everywhere cannot be split into components.
func (e *experiment) mean(point int, metric string) (view.Mean, bool) {
	row := quantity.Find(metric)
	if row == nil {
		return view.Mean{}, false
	}
	m := view.Mean{Experiment: e.exp.Name, Metric: metric, Unit: row.Unit, Label: e.points[point].Label, Params: e.points[point].Params}
	for s, id := range e.points[point].Cells {
		c := e.cells[id]
		if !e.invented.measures(c, row) {
			continue
		}
		m.Protocol = protocolOf(c.Settings, row)
		m.Values = append(m.Values, 1+part(float64(point+1)*math.Phi)/2+part(float64((point+1)*(s+1))*math.Sqrt2)/50)
		m.Seeds, m.Cells = append(m.Seeds, c.Seed), append(m.Cells, id)
	}
	if m.N = len(m.Values); m.N == 0 {
		return m, false
	}
	over := stat.Student(m.Values, stat.Seeds)
	m.Value, m.Interval = over.Value, over.Method
	m.Lo, m.Hi = over.Bounds()
	return m, true
}

func part(v float64) float64 { return v - math.Floor(v) }

// has says whether a cell has a stage, or is going to.
func (r *rehearsal) has(c *engine.Cell, kind *stage.Kind) bool {
	chain := c.Chain
	if len(chain) == 0 {
		var known bool
		if chain, known = r.chains[c.Settings]; !known {
			chain, _ = stage.Of(*c.Settings) // what cannot be is refused elsewhere
			r.chains[c.Settings] = chain
		}
	}
	key := chain.Key(kind)
	if key == "" || !c.Skip || r.plan == nil {
		return key != ""
	}
	it := r.plan.Item(key)
	return it != nil && (it.State == engine.Done || it.State == engine.Stored || !it.Skip)
}

// measures says whether a cell's stages write a metric. Of a metric that depends on more
// than is known here it says so.
func (r *rehearsal) measures(c *engine.Cell, m *quantity.Metric) bool {
	kind := stage.Named(m.Stage)
	switch {
	case kind == nil:
		return true
	case !r.has(c, kind):
		return false
	case m.Name == quantity.TrainThroughput.Name:
		return c.Settings.Measure.TrainSteps > 0
	case m.Name == quantity.ClassAccuracy.Name:
		return c.Settings.Embedder == "auto" || c.Settings.Embedder == "classifier"
	}
	return true
}

// protocolOf is the part of a value's protocol that is known before it is measured: what
// differs in it will differ.
func protocolOf(s *stage.Settings, m *quantity.Metric) string {
	text := map[string]string{}
	switch {
	case m.Stage == record.Time:
		for name, v := range map[string]any{"device": s.Measure.Device, "precision": s.Measure.Precision, "threads": s.Measure.Threads,
			"batch": s.Measure.Batch, "warmup": s.Measure.Warmup, "rounds": s.Measure.Rounds} {
			text[name] = fmt.Sprint(v)
		}
	case m.Group == quantity.Quality:
		text["data"], text["size"], text["channels"] = s.Data.Set, fmt.Sprint(s.Data.Size), fmt.Sprint(s.Data.Channels)
		text["split"], text["samples"] = s.Reference, fmt.Sprint(s.Count)
		if text["embedder"] = s.Embedder; s.Embedder == "classifier" { // "auto" may choose it
			text["embedder"] = "auto"
		}
	}
	return record.ProtocolText(text)
}

// invent gives a point what a figure needs besides means.
func (r *rehearsal) invent(p *view.Point, first *engine.Cell, needs figure.Need) {
	for _, name := range needs.Stages() {
		if kind := stage.Named(name); kind != nil && !r.has(first, kind) {
			return
		}
	}
	switch needs {
	case figure.Images:
		p.Sheet = &view.Sheet{Images: make([]uint8, 1), Rows: 1, Cols: 1, Size: 1, Channels: 1}
	case figure.Curves:
		for step := 1; step <= 3; step++ {
			values := map[string]float64{}
			for _, name := range logged() {
				values[name] = 1 + 1/float64(step)
			}
			p.Curve = append(p.Curve, view.CurvePoint{Step: step, Values: values})
		}
	case figure.StepErrors:
		for _, name := range []string{"block_error_free", "block_error_given", "block_error_real", "block_error_ratio"} {
			p.Steps = append(p.Steps, view.StepLine{Name: name, Points: []view.StepPoint{{Step: 1, Estimate: stat.Point(1, 1)}}})
		}
	case figure.Trials:
		if grid, err := first.Settings.Tune.Grid.Points(first.Settings.Params); err == nil && len(grid) > 0 {
			p.Response = trialsOf(first.Settings.Tune.Metric, grid)
		}
	}
}

func trialsOf(metric string, grid []models.GridPoint) *view.Response {
	r := &view.Response{Metric: metric}
	for _, g := range grid {
		r.Trials = append(r.Trials, view.Trial{Settings: g.Settings, Score: stat.Point(1, 1)})
	}
	return r
}

// logged are the names of what trainings log, as a curve may show it.
func logged() []string {
	kind, _ := figure.Of(figure.Curve)
	y, _ := kind.Field("y")
	return y.Words
}
