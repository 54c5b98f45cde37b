package plots

import (
	"slices"
	"strings"
	"testing"

	"prabench/plots/figure"
)

// What cells without a key have comes after all values of the key, on every axis, in
// legends and panels, so that no line between two values passes it; numbers stand in
// order, then names as the plan has them. A value that a file calls none is one of these.
func TestNoneIsTheLastValue(t *testing.T) {
	data := func(key string, values ...any) Data {
		d := Data{Experiment: "families"}
		for i, v := range values {
			for _, patch := range []int64{4, 7} {
				c := CellData{Params: map[string]any{"model.patch": patch}, Outcome: "ok", Seeds: 1,
					Metrics: map[string]MetricValue{"fid_proxy": fid(float64(i)+float64(patch), 0.5)}}
				if v != nil {
					c.Params[key] = v
				}
				d.Cells = append(d.Cells, c)
			}
		}
		return d
	}
	const depth, norm = "train.rollout_depth", "model.qk_norm"
	depths := data(depth, int64(1), nil, "exact", int64(0))
	line := Figure{Kind: figure.Line, X: depth, Y: "fid_proxy", Series: "model.patch"}
	ordered := line
	ordered.Order = []string{"none", "exact"}
	named := line
	named.X = norm
	for name, c := range map[string]struct {
		fig  Figure
		data Data
		of   func(c *chart) []string
		want string
	}{
		"line":  {line, depths, func(c *chart) []string { return c.sheet.X.Names }, "0 1 exact none"},
		"order": {ordered, depths, func(c *chart) []string { return c.sheet.X.Names }, "none exact 0 1"},
		"bars": {Figure{Kind: figure.Bars, X: depth, Y: "fid_proxy", Series: "model.patch"}, depths,
			func(c *chart) []string { return c.sheet.X.Names }, "0 1 exact none"},
		"heatmap, x": {Figure{Kind: figure.Heatmap, X: depth, Y: "model.patch", Value: "fid_proxy"}, depths,
			func(c *chart) []string { return c.sheet.X.Names }, "0 1 exact none"},
		"heatmap, y": {Figure{Kind: figure.Heatmap, X: "model.patch", Y: depth, Value: "fid_proxy"}, depths,
			func(c *chart) []string { return c.sheet.Y.Names }, "0 1 exact none"},
		"series": {Figure{Kind: figure.Line, X: "model.patch", Y: "fid_proxy", Series: depth}, depths,
			func(c *chart) []string { return c.groups() }, "0 1 exact none"},
		"facet": {Figure{Kind: figure.Line, X: "model.patch", Y: "fid_proxy", Facet: depth}, depths,
			func(c *chart) []string { return c.facets() }, "0 1 exact none"},
		"numbers alone": {line, data(depth, nil, int64(16), int64(2)), func(c *chart) []string { return c.sheet.X.Names }, "2 16 none"},
		"a value that is called none": {named, data(norm, "none", "rmsnorm"),
			func(c *chart) []string { return c.sheet.X.Names }, "none rmsnorm"},
	} {
		t.Run(name, func(t *testing.T) {
			chart, k, err := newChart(c.fig, c.data)
			if err == nil {
				err = k.plot(chart)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(c.of(chart), " "); got != c.want {
				t.Errorf("values %s, want %s", got, c.want)
			}
		})
	}
	k := readParallel(t, Figure{Kind: figure.Parallel, Axes: []string{depth, "fid_proxy"}}, depths)
	if !slices.Equal(k.axes[0].Names, []string{"0", "1", "exact", "none"}) {
		t.Errorf("an axis of a parallel figure: %v", k.axes[0].Names)
	}
}
