package plots

import (
	"strings"
	"testing"

	"prabench/metrics/quantity"
	"prabench/plots/figure"
)

// Every metric of the catalogue can be drawn, on either axis and in a table, and
// is called there as the catalogue calls it.
func TestEveryMetricCanBeDrawn(t *testing.T) {
	var data Data
	for i := range 3 {
		c := CellData{Params: map[string]any{"model.patch": int64(i + 1)}, Metrics: map[string]MetricValue{}, Outcome: "ok", Seeds: 1}
		for _, m := range quantity.Metrics() {
			v := MetricValue{Value: 0.1 * float64(i+1), Unit: m.Unit, N: 10}
			if m.Interval != "" {
				v.Lo, v.Hi, v.Interval = ptr(0.09*float64(i+1)), ptr(0.12*float64(i+1)), m.Interval.Short()
			}
			c.Metrics[m.Name] = v
		}
		data.Cells = append(data.Cells, c)
	}
	for _, m := range quantity.Metrics() {
		other := quantity.Throughput.Name
		if m == quantity.Throughput {
			other = quantity.Latency.Name
		}
		for _, fig := range []Figure{
			{Kind: figure.Pareto, X: m.Name, Y: other},
			{Kind: figure.Line, X: "model.patch", Y: m.Name},
		} {
			s, err := sheetOf(fig, data)
			if err != nil {
				t.Errorf("%s as axis of a figure of kind %s: %v", m.Name, fig.Kind, err)
				continue
			}
			label := s.X.Label
			if fig.Kind == figure.Line {
				label = s.Y.Label
			}
			if !strings.HasPrefix(label, m.Label) {
				t.Errorf("%s is called %q, not %q", m.Name, label, m.Label)
			}
		}
	}
	md, _, err := Tables(Figure{Kind: figure.Table, Rows: []string{"model.patch"}}, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range quantity.Metrics() {
		if !strings.Contains(md, m.Called()) {
			t.Errorf("a table of all metrics lacks %s (%s)", m.Name, m.Called())
		}
	}
}
