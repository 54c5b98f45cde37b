package plots

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"prabench/plots/figure"
)

func readParallel(t *testing.T, fig Figure, data Data) *parallel {
	t.Helper()
	c, _, err := newChart(fig, data)
	if err != nil {
		t.Fatal(err)
	}
	k := &parallel{chart: c}
	if err := k.read(); err != nil {
		t.Fatal(err)
	}
	return k
}

// The better end of a metric is up, a key's values stand at equal distances in
// the order of numbers and then names, and what failed is named.
func TestParallelAxes(t *testing.T) {
	k := readParallel(t, Figure{Kind: figure.Parallel, Axes: []string{"rollout_depth", "throughput", "fid_proxy"}, Value: "fid_proxy"},
		withExact())
	if got := strings.Join(k.axes[0].Names, " "); got != "0 1 exact" {
		t.Errorf("values of the key: %s", got)
	}
	if fast, good := k.axes[1], k.axes[2]; fast.Norm(fast.Max) != 1 || good.Norm(good.Max) != 0 {
		t.Error("the better end of throughput is high and that of fid_proxy low, and both are up")
	}
	if !slices.IsSortedFunc(k.lines, func(a, b polyline) int { return int(1e6 * (b.colour - a.colour)) }) {
		t.Error("the best cell is not drawn last")
	}
	want := "2 of 24 cells are not drawn: oom (block=1, patch=4, rollout depth=exact), timeout (block=4, patch=7, rollout depth=1)."
	if len(k.lines) != 22 || len(k.sheet.Notes) != 1 || k.sheet.Notes[0] != want {
		t.Errorf("%d lines, notes %q", len(k.lines), k.sheet.Notes)
	}
}

// No line hides another where both pass through one value of a key.
func TestParallelLinesStandSideBySide(t *testing.T) {
	k := readParallel(t, Figure{Kind: figure.Parallel, Axes: []string{"patch", "block", "throughput"}}, tradeoff())
	for i, u := range k.axes {
		seen := map[float64]bool{}
		for _, l := range k.heights("", 0, 200) {
			y := float64(l.y[i])
			if u.Categorical() && seen[y] {
				t.Errorf("two lines cross the axis of %s at %g", u.name, y)
			}
			seen[y] = true
		}
	}
}

func TestParallelRefusesWhatItCannotShow(t *testing.T) {
	axes := []string{"patch", "fid_proxy"}
	mixed := tradeoff()
	mixed.Cells[3].Metrics["fid_proxy"] = MetricValue{Value: 1, Protocol: "embedder=other"}
	dead := broken(tradeoff(), 1000)
	dead.Cells = dead.Cells[1:]
	for want, c := range map[string]struct {
		fig  Figure
		data Data
	}{
		"axes: 1 are named":                {Figure{Axes: axes[:1]}, tradeoff()},
		"axes: 14 are named":               {Figure{Axes: slices.Repeat(axes, 7)}, tradeoff()},
		`axes: "speed" is neither`:         {Figure{Axes: []string{"patch", "speed"}}, tradeoff()},
		"value: colour shows the series":   {Figure{Axes: axes, Series: "block", Value: "fid_proxy"}, tradeoff()},
		"value: block is a key":            {Figure{Axes: axes, Value: "block"}, tradeoff()},
		"2 different protocols":            {Figure{Axes: axes}, mixed},
		"none of the 23 cells has a value": {Figure{Axes: axes}, dead},
	} {
		c.fig.Kind = figure.Parallel
		_, err := sheetOf(c.fig, c.data)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if e := (*MixedError)(nil); strings.Contains(want, "protocols") && !errors.As(err, &e) {
			t.Errorf("%v is no MixedError", err)
		}
	}
}
