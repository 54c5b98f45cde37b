package draw

import (
	"context"
	"maps"
	"slices"

	"prabench/experiments"
	"prabench/harness/artifact"
	"prabench/harness/certified"
	"prabench/harness/engine"
	"prabench/metrics/quantity"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/results"
	"prabench/results/view"
)

// Source is where drawings come from.
type Source struct {
	DB    *results.DB
	Store artifact.Store
	// Across names differences that may be averaged, compared and share an axis.
	Across []string
}

// experiment is what figures of one experiment are drawn from.
type experiment struct {
	Source
	exp    *engine.Experiment
	cells  map[string]*engine.Cell // by id
	points []view.Point
	left   view.LeftOut
	behind []results.Behind

	uncertified func(metric, protocol string) string

	invented *rehearsal // in the place of the database and the artifacts; see [Foresee]
}

// read reads the points of an experiment and what they stand on. The points have
// the names that the file has for them now: a run that is not repeated after a
// label was changed left its plan with the old ones.
func (s Source) read(ctx context.Context, exp *engine.Experiment) (*experiment, error) {
	e := &experiment{Source: s, exp: exp, cells: map[string]*engine.Cell{}, uncertified: certified.Beside(s.Store)}
	var err error
	if e.points, e.left, err = s.DB.Points(ctx, results.Filter{Experiment: exp.Ref()}, s.Across); err != nil {
		return nil, err
	}
	for i := range exp.Cells {
		e.cells[exp.Cells[i].ID] = &exp.Cells[i]
	}
	for i := range e.points {
		if c := e.first(&e.points[i]); c != nil && c.Params != nil {
			e.points[i].Rename(c.Label, c.Params)
		}
	}
	e.behind, err = s.DB.Behind(ctx, exp.Ref())
	return e, err
}

// first is the cell of a point's first seed; nil where the experiment has none.
func (e *experiment) first(p *view.Point) *engine.Cell { return e.cells[p.Cells[0]] }

// data gives the data for figures with some need: images and curves are read only
// for those that show them. What cannot be read is named in the warnings.
func (e *experiment) data(needs figure.Need) (plots.Data, []string) {
	return e.from(needs, e.points)
}

// dataOf is data for one figure. What exists once a seed is that of the first, unless
// the figure names seeds.
func (e *experiment) dataOf(fig figure.Figure) (plots.Data, []string) {
	_, chosen := fig.Where[seedKey]
	if !fig.Needs().OneSeed() || !chosen && fig.Band == "" && !slices.Contains(fig.Names(), seedKey) {
		return e.data(fig.Needs())
	}
	var points []view.Point
	for _, p := range e.points {
		for _, id := range p.Cells {
			c := e.cells[id]
			if c == nil {
				continue
			}
			one := p
			one.Cells, one.Seeds, one.Params = []string{id}, 1, maps.Clone(p.Params)
			if one.Params == nil {
				one.Params = map[string]any{}
			}
			one.Params[seedKey] = int64(c.Seed)
			points = append(points, one)
		}
	}
	return e.from(fig.Needs(), points)
}

// seedKey is the key by which a figure names training seeds.
const seedKey = "seed"

func (e *experiment) from(needs figure.Need, points []view.Point) (plots.Data, []string) {
	out := plots.Data{Experiment: e.exp.Ref(), Accept: e.Across, Uncertified: e.uncertified}
	if e.invented == nil {
		out.Images = e.imagePairs()
	}
	origins := e.origins(needs.Stages())
	var warnings []string
	for _, p := range points {
		first := e.first(&p)
		var err error
		switch {
		case first == nil:
		case e.invented != nil:
			e.invented.invent(&p, first, needs)
		case needs == figure.Images:
			p.Sheet, err = e.sheet(first)
			p.Code, p.Device = origins.of(p.Cells[:1])
		case needs == figure.Curves:
			p.Curve, err = e.curve(first)
			p.Code, p.Device = origins.of(p.Cells[:1])
		case needs == figure.Trials:
			p.Response, err = e.response(first)
			p.Code, p.Device = origins.of(p.Cells[:1])
		case needs == figure.StepErrors:
			p.Steps, err = e.steps(&p)
			p.Code, p.Device = origins.of(p.Cells)
		}
		if err != nil {
			warnings = append(warnings, again(err, first))
		}
		out.Cells = append(out.Cells, cellData(p))
	}
	return out, warnings
}

// again tells of an artifact of a cell that cannot be read. A run alone would find that
// nothing waits for it, and do nothing.
func again(err error, c *engine.Cell) string {
	return err.Error() + "; prabench run FILE --force " + c.ID + " makes it again"
}

// checkMetrics refuses names that are no metrics.
func checkMetrics(names []string) error {
	for _, name := range names {
		if quantity.Find(name) == nil {
			return engine.Mistakef("--metric %s: there is no such metric%s; `prabench help metrics` lists them", name,
				experiments.DidYouMean(name, quantity.Names(nil)))
		}
	}
	return nil
}

// CheckAcross refuses names of differences that cannot be accepted.
func CheckAcross(names []string) error {
	if err := view.CheckAcross(names); err != nil {
		return &engine.Mistake{Err: err}
	}
	return nil
}
