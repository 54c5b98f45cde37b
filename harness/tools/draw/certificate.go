package draw

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"prabench/harness/certified"
	"prabench/metrics/certificate"
	"prabench/metrics/quantity"
	drawn "prabench/plots/certificate"
	"prabench/results/view"
)

// valuesOf are the values of points, as far as features are behind them; floors stand
// beside theirs.
func valuesOf(points []view.Point) (all []certified.Of) {
	for i := range points {
		for _, name := range slices.Sorted(maps.Keys(points[i].Means)) {
			if !strings.HasSuffix(name, "_floor") {
				all = append(all, certified.Of{Metric: name, Protocol: points[i].Means[name].Protocol})
			}
		}
	}
	return all
}

// Certificate draws how the distances of a certificate answer to damage, as a PNG.
func Certificate(c *certificate.Certificate) ([]byte, error) {
	f := drawn.Figure{Title: c.Extractor + " on " + c.Data}
	unit := [2]float64{1, 1} // the mean image
	for _, k := range c.Controls {
		for i, s := range k.Scores {
			if k.Kind == certificate.MeanImage && s.Value > 0 {
				unit[i] = s.Value
			}
		}
	}
	mark := func(i int, s certificate.Score) drawn.Mark {
		m := drawn.Mark{Value: s.Value / unit[i], Lo: math.NaN(), Hi: s.Value / unit[i]}
		if s.Lo != nil {
			m.Lo, m.Hi = *s.Lo/unit[i], *s.Hi/unit[i]
		}
		return m
	}
	for i, m := range certificate.Metrics {
		f.Metrics = append(f.Metrics, m.Called())
		f.Floors = append(f.Floors, mark(i, c.Baseline[i]))
	}
	for _, r := range c.Responses {
		if len(r.Severities) == 0 {
			continue
		}
		p := drawn.Panel{Kind: r.Kind}
		for _, s := range r.Severities {
			p.Severities = append(p.Severities, strconv.FormatFloat(s, 'g', -1, 64))
		}
		for i, curve := range r.Curves {
			var marks []drawn.Mark
			for _, s := range curve.Scores {
				marks = append(marks, mark(i, s))
			}
			p.Marks, p.First = append(p.Marks, marks), append(p.First, curve.First)
		}
		f.Panels = append(f.Panels, p)
	}
	const most = 4 // findings that have room
	findings := append(slices.Clone(c.Failed), c.Untested...)
	for i, why := range findings {
		if i == most {
			f.Notes = append(f.Notes, fmt.Sprintf("And %d more, see the page.", len(findings)-most))
			break
		}
		what := "Fails"
		if i >= len(c.Failed) {
			what = "Not tested"
		}
		if m := quantity.Find(why.Metric); m != nil {
			what += " (" + m.Called() + ")"
		}
		f.Notes = append(f.Notes, what+": "+why.Text+".")
	}
	f.Source = fmt.Sprintf("%d images on each side · intervals: 95 %% jackknife · extractor %.8s · data %.8s", c.Images,
		c.ExtractorHash, c.DataHash)
	return drawn.Draw(f, "png")
}
