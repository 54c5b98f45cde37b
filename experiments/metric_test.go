package experiments

import (
	"fmt"
	"testing"

	"prabench/metrics/quantity"
)

// Every metric that a stage writes can be an axis, a column and what is claimed.
func TestEveryMetricCanBeNamed(t *testing.T) {
	for _, m := range quantity.Metrics() {
		e := read(t, fmt.Sprintf(`
[sweep]
"model.patch" = [4, 7]
[[figure]]
kind = "pareto"
x = %q
[[figure]]
kind = "line"
x = "patch"
y = %q
[[figure]]
kind = "heatmap"
x = "patch"
y = "seed"
value = %q
[[figure]]
kind = "table"
columns = [%q]
[[claim]]
text = "it is lower"
metric = %q
of = { patch = 4 }
over = { patch = 7 }
expect = "lower"
`, m.Name, m.Name, m.Name, m.Name, m.Name), fake())
		f := e.Figures
		if f[0].X != m.Name || f[1].Y != m.Name || f[2].Value != m.Name || f[3].Columns[0] != m.Name || e.Claims[0].Metric != m.Name {
			t.Errorf("%s: %+v, %+v", m.Name, f, e.Claims)
		}
	}
}
