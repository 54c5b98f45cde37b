package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/sheet"
	"prabench/harness/work"
	"prabench/models"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/results"
)

// drawAll draws the figures of experiments from what is in the database and
// the store. A figure that cannot be drawn is told and counted; the others are
// drawn.
func (a *app) drawAll(ctx context.Context, ls []loaded, across, formats []string) (failed int, err error) {
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	for _, l := range ls {
		if err := asPlanned(ctx, db, l); err != nil {
			return failed, err
		}
		d, notes, err := a.figureData(ctx, db, l, across)
		if err != nil {
			return failed, err
		}
		for _, n := range notes {
			fmt.Fprintf(a.stderr, "warning: %s: %s; --across NAME accepts a difference\n", l.exp.Name, n)
		}
		for _, fig := range l.file.Figures {
			data := d.of(fig.Needs())
			for _, w := range data.warnings {
				fmt.Fprintln(a.stderr, "warning: "+w)
			}
			files, err := plots.Draw(fig, data.Data, filepath.Join(a.figures, l.exp.Name), formats)
			if err != nil {
				fmt.Fprintf(a.stderr, "warning: %s: %v\n", fig.Source, err)
				failed++
				continue
			}
			for _, f := range files {
				if !a.json {
					fmt.Fprintln(a.stdout, f)
				}
			}
		}
	}
	return failed, nil
}

// figureData collects what figures of an experiment are drawn from.
type figureData struct {
	store  artifact.Store
	exp    *engine.Experiment
	points []*point
	behind map[string][]results.Behind // by cell
	accept []string
}

// figureData reads what the figures of an experiment are drawn from; the notes
// are of means that would hide a difference.
func (a *app) figureData(ctx context.Context, db *results.DB, l loaded, across []string) (figureData, []string, error) {
	d := figureData{store: a.places().Store(), exp: l.exp, behind: map[string][]results.Behind{}, accept: across}
	var notes []string
	var err error
	if d.points, notes, err = readPoints(ctx, db, results.Filter{Experiment: l.exp.Name}, across); err != nil {
		return d, nil, err
	}
	d.rename()
	behind, err := db.Behind(ctx, l.exp.Name)
	for _, b := range behind {
		d.behind[b.Cell] = append(d.behind[b.Cell], b)
	}
	return d, notes, err
}

// rename gives the points the names that the file has for them now: a run that
// is not repeated after a label was changed left its plan with the old ones.
func (d figureData) rename() {
	cells := map[string]*engine.Cell{}
	for i := range d.exp.Cells {
		cells[d.exp.Cells[i].ID] = &d.exp.Cells[i]
	}
	for _, p := range d.points {
		c := cells[p.cells[0].Cell]
		if c == nil || c.Params == nil {
			continue
		}
		p.params = c.Params
		if c.Label != "" {
			p.label = c.Label
		}
	}
}

// drawn is data with what could not be read.
type drawn struct {
	plots.Data
	warnings []string
}

// of gives the data for figures with some need: images and curves are read only
// for those that show them.
func (d figureData) of(needs figure.Need) drawn {
	out := drawn{Data: plots.Data{Experiment: d.exp.Name, Accept: d.accept}}
	chains := map[string]engine.Cell{}
	for _, c := range d.exp.Cells {
		chains[c.ID] = c
	}
	for _, p := range d.points {
		c := plots.CellData{Label: p.label, Params: params(p), Metrics: map[string]plots.MetricValue{}, Outcome: p.outcome, Reason: p.reason, Seeds: p.seeds}
		for name, m := range p.means {
			v := plots.MetricValue{Value: m.Value, Lo: m.Lo, Hi: m.Hi, N: m.N, Unit: m.Unit, Protocol: m.Protocol, Interval: m.Interval.Short(),
				Code: m.Code, Device: m.DeviceClass, Attempts: m.Attempts}
			if len(m.Values) > 1 {
				v.Values = m.Values
			}
			c.Metrics[name] = v
		}
		for _, cell := range p.cells {
			c.IDs = append(c.IDs, cell.Cell)
		}
		first, ok := chains[p.cells[0].Cell]
		var err error
		switch {
		case !ok:
		case needs == figure.Images:
			c.Grid, err = d.grid(first)
			c.Code, c.Device = d.origin(c.IDs[:1], needs.Stages())
		case needs == figure.Curves:
			c.Curve, err = d.curve(first)
			c.Code, c.Device = d.origin(c.IDs[:1], needs.Stages())
		case needs == figure.StepErrors:
			c.Steps, err = d.steps(p, chains)
			c.Code, c.Device = d.origin(c.IDs, needs.Stages())
		}
		if err != nil {
			out.warnings = append(out.warnings, err.Error()+"; prabench run makes it again")
		}
		out.Cells = append(out.Cells, c)
	}
	return out
}

// params are a point's keys and the four short names.
func params(p *point) map[string]any {
	out := map[string]any{}
	for k, v := range p.params {
		out[k] = v
	}
	c := p.cells[0]
	out["patch"], out["block"], out["rollout_depth"], out["state"] = c.Patch, c.Block, c.RolloutDepth, c.State
	return out
}

// gridColumns is how many images of a class a grid can show.
const gridColumns = 16

func (d figureData) grid(c engine.Cell) (*plots.Grid, error) {
	key := c.Chain.Key(work.Sample)
	if _, err := d.store.Stat(work.Sample.Ref(key)); err != nil {
		return nil, nil // not drawn yet: the figure says so
	}
	about, pixels, err := work.ReadDrawn(d.store, key)
	if err != nil {
		return nil, err
	}
	s := sheet.ByClass(pixels, about.Labels, about.Size, about.Channels, about.Classes, min(gridColumns, max(1, about.Count/about.Classes)))
	return &plots.Grid{Images: s.Images, Rows: s.Rows, Cols: s.Cols, Size: s.Size, Channels: s.Channels, RowLabels: rowLabels(about, s.Rows)}, nil
}

func rowLabels(d work.Drawn, rows int) []string {
	if len(d.ClassNames) != d.Classes {
		return nil
	}
	return d.ClassNames[:rows]
}

func (d figureData) curve(c engine.Cell) ([]plots.CurvePoint, error) {
	ref := work.Train.Ref(c.Chain.Key(work.Train))
	if _, err := d.store.Stat(ref); err != nil {
		return nil, nil
	}
	raw, err := d.store.Read(ref, work.CurveFile)
	if err != nil {
		return nil, err
	}
	curve, err := work.ReadCurve(raw)
	if err != nil {
		return nil, err
	}
	var out []plots.CurvePoint
	for _, l := range curve {
		out = append(out, plots.CurvePoint{Step: l.Step, Values: curveValues(l)})
	}
	return out, nil
}

// curveValues are named as a figure of kind curve names them.
func curveValues(l models.Losses) map[string]float64 {
	return map[string]float64{"train_loss": l.Total, "flow_loss": l.Flow, "rec_loss": l.Rec, "grad_norm": l.GradNorm, "lr": l.LR}
}

// origin names the code and the hardware of some stages of cells.
func (d figureData) origin(cells, kinds []string) (code, device string) {
	var codes, devices []string
	for _, cell := range cells {
		for _, b := range d.behind[cell] {
			if slices.Contains(kinds, b.Kind) {
				codes, devices = append(codes, b.Code), append(devices, b.DeviceClass)
			}
		}
	}
	text := func(list []string) string {
		slices.Sort(list)
		return strings.Join(slices.Compact(list), " + ")
	}
	return text(codes), text(devices)
}
