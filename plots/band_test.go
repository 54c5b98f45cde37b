package plots

import (
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
		{figure.BandRange, "Shaded: from the least to the greatest of 4 training seeds; the line is their mean."},
	} {
		fig := Figure{Kind: figure.Curve, Y: "train_loss", Series: "model.state", Look: figure.Look{Band: c.band}}
		s, err := sheetOf(fig, data)
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(s.Notes, "\n")
		if !strings.Contains(notes, c.note) || !strings.Contains(notes, "× 1 logged values not drawn") ||
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
		figure.BandRange: "from the least to the greatest of 4", figure.BandInterval: "mean of 4 training",
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
