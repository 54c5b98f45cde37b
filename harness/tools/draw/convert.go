package draw

import (
	"strings"

	"prabench/plots"
	"prabench/results/record"
	"prabench/results/view"
)

// cellData gives a point to the drawing.
func cellData(p view.Point) plots.CellData {
	c := plots.CellData{Label: p.Label, Params: p.Params, Metrics: map[string]plots.MetricValue{}, Outcome: p.Outcome, Reason: p.Reason,
		Seeds: p.Seeds, IDs: p.Cells, Code: p.Code, Device: p.Device, Response: p.Response,
		Dropped: p.Outcome == record.Blocked && strings.HasPrefix(p.Reason, record.Dropped)}
	for name, m := range p.Means {
		v := plots.MetricValue{Value: m.Value, Lo: m.Lo, Hi: m.Hi, N: m.N, Unit: m.Unit, Protocol: m.Protocol, Interval: m.Interval.Short(),
			Code: m.Code, Device: m.Device, Attempts: m.Attempts}
		side := m.Side()
		v.Values, v.Seeds, v.Same = side.Values, side.Seeds, side.Same
		c.Metrics[name] = v
	}
	for _, k := range p.Curve {
		c.Curve = append(c.Curve, plots.CurvePoint(k))
	}
	for _, l := range p.Steps {
		line := plots.StepLine{Name: l.Name, Interval: l.Method().Short()}
		for _, q := range l.Points {
			p := plots.Point{X: float64(q.Step), Y: q.Value}
			p.YLo, p.YHi = q.Bounds()
			line.Points = append(line.Points, p)
		}
		c.Steps = append(c.Steps, line)
	}
	c.Grid = (*plots.Grid)(p.Sheet)
	return c
}
