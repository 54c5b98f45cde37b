package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"prabench/metrics/stat"
	"prabench/plots/figure"
)

// A band is the interval of the mean or the range, over all seeds that have the step; the
// line is their mean, and without a band there is the first seed alone.
func TestBandsOverSeeds(t *testing.T) {
	data := seeded()
	data.Cells[1].Curve = slices.Delete(slices.Clone(data.Cells[1].Curve), 4, 5) // a step that one seed has not
	data.Cells[6].Curve[2].Values = map[string]float64{"train_loss": math.NaN()}
	for _, c := range []struct{ band, note string }{
		{figure.BandInterval, "Shaded: the 95 % interval of the mean of 4 training seeds (Student t)."},
		{figure.BandRange, "Shaded: range of 4 training seeds; the line is their mean."},
	} {
		fig := Figure{Kind: figure.Curve, Y: "train_loss", Series: "model.state", Look: figure.Look{Band: c.band}}
		s, err := sheetOf(fig, data)
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(s.Notes, "\n")
		if !strings.Contains(notes, c.note) || !strings.Contains(notes, "× Not drawn: 1 logged values") ||
			!strings.Contains(s.Source, "4 seeds") ||
			strings.Contains(s.Source, "first of") {
			t.Errorf("%s: notes %q, source %q", c.band, notes, s.Source)
		}
		whole(t, s)
		ch, _, err := newChart(fig, data)
		if err != nil {
			t.Fatal(err)
		}
		k := curves{chart: ch, seeds: ch.bySeed()}
		k.read("train_loss")
		if len(k.list) != 2 || len(k.list[0].points) != 59 || len(k.list[1].points) != 60 {
			t.Fatalf("%d lines", len(k.list))
		}
		var values []float64
		for _, cell := range data.Cells[:4] {
			values = append(values, cell.Curve[0].Values["train_loss"])
		}
		want := stat.Student(values, stat.Seeds)
		lo, hi := want.Lo, want.Hi
		if c.band == figure.BandRange {
			lo, hi = slices.Min(values), slices.Max(values)
		}
		if p := k.list[0].points[0]; math.Abs(p.Y-want.Value) > 1e-12 || *p.YLo != lo || *p.YHi != hi {
			t.Errorf("%s: %g [%g, %g], want %g [%g, %g]", c.band, p.Y, *p.YLo, *p.YHi, want.Value, lo, hi)
		}
	}
	// Of a metric, beside points without whiskers.
	for band, want := range map[string]string{
		figure.BandRange: "range of 4", figure.BandInterval: "mean of 4 training",
	} {
		fig := Figure{Kind: figure.Line, X: "train.until", Y: "fid_proxy", Series: "state", Look: figure.Look{Band: band}}
		c, _, err := newChart(fig, overtaking())
		if err == nil {
			err = plotLine(c)
		}
		if err != nil {
			t.Fatal(err)
		}
		q := c.drawn[0]
		m := overtaking().Cells[0].Metrics["fid_proxy"]
		lo, hi := *m.Lo, *m.Hi
		if band == figure.BandRange {
			lo, hi = slices.Min(m.Values), slices.Max(m.Values)
		}
		if *q.YLo != lo || *q.YHi != hi || !strings.Contains(strings.Join(c.sheet.Notes, " "), want) {
			t.Errorf("%s: [%g, %g], want [%g, %g]; %q", band, *q.YLo, *q.YHi, lo, hi, c.sheet.Notes)
		}
	}
}

// Series that change places along training are named, with the step at which each seed's
// do: against a value that was computed by hand.
func TestCrossingsAreNamed(t *testing.T) {
	// Differences of the four seeds at the stops, second recipe less the first: by hand, the
	// step at which a straight line between the stops is zero.
	var steps []float64
	d := overtaking()
	for seed := range 4 {
		var last float64
		stops := []float64{100, 200, 400, 800}
		for k := range stops {
			diff := d.Cells[4+k].Metrics["fid_proxy"].Values[seed] - d.Cells[k].Metrics["fid_proxy"].Values[seed]
			if k > 0 && last > 0 && diff < 0 {
				steps = append(steps, stops[k-1]+(stops[k]-stops[k-1])*last/(last-diff))
			}
			last = diff
		}
	}
	want := stat.Student(steps, stat.Seeds)
	fig := Figure{Kind: figure.Line, X: "train.until", Y: "fid_proxy", Series: "state",
		Look: figure.Look{Called: map[string]string{"12": "PRA"}}}
	notes := func(fig Figure, d Data) string {
		s, err := sheetOf(fig, d)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(s.Notes, "\n")
	}
	text := fmt.Sprintf("PRA is better than 0 from step %.0f [%.0f, %.0f] on (4 of 4 seeds, by pairs).", want.Value, want.Lo, want.Hi)
	if got := notes(fig, d); len(steps) != 4 || !strings.Contains(got, text) {
		t.Errorf("%q, want %q", got, text)
	}
	// One seed has no interval; of a metric without a better end one lies below.
	one := overtaking()
	for i := range one.Cells {
		m := one.Cells[i].Metrics["fid_proxy"]
		one.Cells[i].Metrics = map[string]MetricValue{"other": {Value: m.Values[0], Values: m.Values[:1], Seeds: m.Seeds[:1]}}
	}
	fig.Y = "other"
	if got := notes(fig, one); !strings.Contains(got, fmt.Sprintf("PRA lies below 0 from step %.0f on (1 seed).", steps[0])) {
		t.Errorf("one seed: %q", got)
	}
	// Series that end as they began, other axes, and seeds that nobody knows say nothing.
	fig.Y = "fid_proxy"
	apart := overtaking()
	for i := range apart.Cells[4:] {
		m := apart.Cells[4+i].Metrics["fid_proxy"]
		for j := range m.Values {
			m.Values[j] += 30
		}
	}
	unknown := overtaking()
	for i := range unknown.Cells {
		m := unknown.Cells[i].Metrics["fid_proxy"]
		m.Seeds = nil
		unknown.Cells[i].Metrics["fid_proxy"] = m
	}
	for name, d := range map[string]Data{"apart": apart, "unknown seeds": unknown} {
		if got := notes(fig, d); strings.Contains(got, "from step") {
			t.Errorf("%s: %q", name, got)
		}
	}
	// Two of four seeds are no majority; three are.
	for n, told := range map[int]bool{2: false, 3: true} {
		some := overtaking()
		for i := range some.Cells[4:] {
			m := some.Cells[4+i].Metrics["fid_proxy"]
			for j := n; j < 4; j++ {
				m.Values[j] += 30
			}
		}
		if got := notes(fig, some); strings.Contains(got, fmt.Sprintf("(%d of 4 seeds, by pairs)", n)) != told {
			t.Errorf("%d seeds cross: %q", n, got)
		}
	}
}

// A goal is marked where each series reaches it, seed by seed; seeds that do not are
// censored: an open mark at their end, and ≥.
func TestGoalsAreMarked(t *testing.T) {
	d := overtaking()
	at := func(series, seed int, goal float64) (float64, bool) { // by hand
		stops := []float64{100, 200, 400, 800}
		var before float64
		for k, x := range stops {
			v := d.Cells[4*series+k].Metrics["fid_proxy"].Values[seed]
			if v <= goal {
				if k == 0 {
					return x, true
				}
				return stops[k-1] + (x-stops[k-1])*(before-goal)/(before-v), true
			}
			before = v
		}
		return 800, false
	}
	for _, goal := range []float64{15, 9.5, 7, 4, 1} {
		fig := Figure{Kind: figure.Line, X: "train.until", Y: "fid_proxy", Series: "state", Goal: goal}
		c, _, err := newChart(fig, d)
		if err == nil {
			err = c.axes(false)
		}
		if err != nil {
			t.Fatal(err)
		}
		g, err := c.goals()
		if err != nil || len(g.list) != 2 {
			t.Fatal(err, g)
		}
		for s, r := range g.list {
			var got []float64
			for seed := range 4 {
				if x, ok := at(s, seed, goal); ok {
					got = append(got, x)
				}
			}
			if r.of != 4 || r.seeds != len(got) || (r.seeds < 4) != (r.beyond == 800) {
				t.Errorf("goal %g, series %d: %d of %d seeds, want %d; followed to %g", goal, s, r.seeds, r.of, len(got), r.beyond)
			}
			if want := stat.Student(got, stat.Seeds); len(got) > 0 && math.Abs(r.Value-want.Value) > 1e-9 {
				t.Errorf("goal %g, series %d: %g, want %g", goal, s, r.Value, want.Value)
			}
			if text := r.text(); strings.Contains(text, "≥ 800") != (r.seeds < 4) ||
				strings.Contains(text, "[") != (r.seeds == 4 && r.HasInterval()) {
				t.Errorf("goal %g, series %d: %s", goal, s, text)
			}
		}
		s, err := sheetOf(fig, d)
		if err != nil {
			t.Fatal(err)
		}
		whole(t, s)
		said := "FD (proxy) reaches " + brief(goal) + " at (steps trained) 0: "
		if notes := strings.Join(s.Notes, " "); !strings.Contains(notes, said) {
			t.Errorf("goal %g: %q", goal, notes)
		}
		if s.Y.Min > goal || s.Y.Max < goal {
			t.Errorf("the axis from %g to %g does not reach %g", s.Y.Min, s.Y.Max, goal)
		}
	}
	for want, fig := range map[string]Figure{
		"goal: other is no metric with a better end": {Kind: figure.Line, X: "train.until", Y: "other", Goal: 2},
		"or label no number":                         {Kind: figure.Line, X: "label", Y: "fid_proxy", Goal: 2},
	} {
		data := overtaking()
		for i := range data.Cells {
			data.Cells[i].Metrics["other"] = data.Cells[i].Metrics["fid_proxy"]
		}
		fig.Where = map[string]any{"state": 0}
		if err := Foresee(fig, data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
