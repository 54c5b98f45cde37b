package draw

import (
	"slices"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/sheet"
	"prabench/harness/work"
	"prabench/metrics/stat"
	"prabench/results"
	"prabench/results/view"
)

// sheetColumns is how many images of a class a sheet can show.
const sheetColumns = 16

// sheet is the images that a cell's model drew; nil when there are none yet.
func (e *experiment) sheet(c *engine.Cell) (*view.Sheet, error) {
	key := c.Chain.Key(work.Sample)
	if _, err := e.Store.Stat(work.Sample.Ref(key)); err != nil {
		return nil, nil // not drawn yet: the figure says so
	}
	about, pixels, err := work.ReadDrawn(e.Store, key)
	if err != nil {
		return nil, err
	}
	columns := min(sheetColumns, max(1, about.Count/about.Classes))
	s := sheet.ByClass(pixels, about.Labels, about.Size, about.Channels, about.Classes, columns)
	return &view.Sheet{Images: s.Images, Rows: s.Rows, Cols: s.Cols, Size: s.Size, Channels: s.Channels,
		RowLabels: rowLabels(about, s.Rows)}, nil
}

func rowLabels(d work.Drawn, rows int) []string {
	if len(d.ClassNames) != d.Classes {
		return nil
	}
	return d.ClassNames[:rows]
}

// curve is what a cell's training logged, named as a figure of kind curve names
// it; nil when it has not been trained yet.
func (e *experiment) curve(c *engine.Cell) ([]view.CurvePoint, error) {
	ref := work.Train.Ref(c.Chain.Key(work.Train))
	if _, err := e.Store.Stat(ref); err != nil {
		return nil, nil
	}
	raw, err := e.Store.Read(ref, work.CurveFile)
	if err != nil {
		return nil, err
	}
	curve, err := work.ReadCurve(raw)
	if err != nil {
		return nil, err
	}
	var out []view.CurvePoint
	for _, l := range curve {
		p := view.CurvePoint{Step: l.Step, Values: map[string]float64{}}
		for _, v := range l.Values {
			p.Values[work.LossName(v.Name)] = v.Value
		}
		out = append(out, p)
	}
	return out, nil
}

// response is how a cell's score responded to what its sampling was chosen from; nil
// where it chose nothing, or has not yet.
func (e *experiment) response(c *engine.Cell) (*view.Response, error) {
	key := c.Chain.Key(work.Tune)
	if key == "" {
		return nil, nil
	}
	if _, err := e.Store.Stat(work.Tune.Ref(key)); err != nil {
		return nil, nil
	}
	r, err := work.ReadResponse(e.Store, key)
	if err != nil {
		return nil, err
	}
	out := &view.Response{Metric: r.Metric, Chosen: r.Chosen, Ends: r.Ends}
	for _, t := range r.Trials {
		out.Trials = append(out.Trials, view.Trial{Settings: t.Settings, Score: t.Score.Estimate()})
	}
	return out, nil
}

// steps are the errors of a point's AR steps, averaged over its seeds; nil when
// none has been measured yet.
func (e *experiment) steps(p *view.Point) ([]view.StepLine, error) {
	var seeds []work.Steps
	for _, id := range p.Cells {
		c := e.cells[id]
		if c == nil || c.Chain.Key(work.Exposure) == "" {
			continue
		}
		key := c.Chain.Key(work.Exposure)
		if _, err := e.Store.Stat(work.Exposure.Ref(key)); err != nil {
			continue
		}
		steps, err := work.ReadSteps(e.Store, key)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, steps)
	}
	if len(seeds) == 0 {
		return nil, nil
	}
	return stepLines(seeds), nil
}

func stepLines(seeds []work.Steps) []view.StepLine {
	line := func(name string, seeds []work.Steps, of func(work.StepError) stat.Estimate) view.StepLine {
		points := make([][]view.StepPoint, len(seeds))
		for i, steps := range seeds {
			for _, s := range steps {
				points[i] = append(points[i], view.StepPoint{Step: s.Step, Estimate: of(s)})
			}
		}
		return view.OverSeeds(name, points)
	}
	return []view.StepLine{
		line("block_error_free", seeds, func(s work.StepError) stat.Estimate { return s.Free.Estimate() }),
		line("block_error_given", seeds, func(s work.StepError) stat.Estimate { return s.Given.Estimate() }),
		// The control is the same for all seeds, so it keeps its own interval.
		line("block_error_real", seeds[:1], func(s work.StepError) stat.Estimate { return s.Real.Estimate() }),
		// Images on both sides are the same: no interval of its own.
		line("block_error_ratio", seeds, func(s work.StepError) stat.Estimate { return stat.Point(s.Free.Value/s.Given.Value, 0) }),
	}
}

// origins are the code and the hardware of stages, by cell.
type origins map[string][]results.Behind

// origins keeps those of some kinds of stages.
func (e *experiment) origins(kinds []string) origins {
	out := origins{}
	for _, b := range e.behind {
		if slices.Contains(kinds, b.Kind) {
			out[b.Cell] = append(out[b.Cell], b)
		}
	}
	return out
}

// of names the code and the hardware of some cells.
func (o origins) of(cells []string) (code, device string) {
	var codes, devices []string
	for _, cell := range cells {
		for _, b := range o[cell] {
			codes, devices = append(codes, b.Code), append(devices, b.DeviceClass)
		}
	}
	join := func(list []string) string {
		slices.Sort(list)
		return strings.Join(slices.Compact(list), " + ")
	}
	return join(codes), join(devices)
}
