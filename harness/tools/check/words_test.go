package check

import (
	"math"
	"strings"
	"testing"

	"prabench/harness/tools/check/arm"
	"prabench/metrics/stat"
)

// The two sides have names that differ, and one that was built from changed source says
// so, however its revision is cut.
func TestSidesAreNamed(t *testing.T) {
	const rev = "9f93ba326a52c1d2e3f405162738495a6b7c8d9e"
	for _, c := range []struct {
		p    Program
		want string
	}{
		{Program{Name: "this program", Revision: rev}, "this program (9f93ba326a52)"},
		{Program{Name: "this program", Revision: rev + ".0123456789abcdef+dirty"}, "this program (9f93ba326a52 with local changes)"},
		{Program{Name: "HEAD", Revision: rev}, "HEAD (9f93ba326a52)"},
		{Program{Name: "9f93ba3", Revision: rev}, "9f93ba3"},
		{Program{Name: "9f93ba3", Revision: rev + "+dirty"}, "9f93ba3 (with local changes)"},
		{Program{Name: "./old", Revision: ""}, "./old"},
		{Program{Name: "baseline nightly", Revision: rev + "+dirty"}, "baseline nightly (9f93ba326a52 with local changes)"},
	} {
		if got := c.p.title(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
	same := Report{Old: Program{SHA256: "ab"}, New: Program{SHA256: "ab"}}
	if got := same.conditions(); !strings.Contains(got, "both sides are one program") {
		t.Errorf("one program against itself: %q", got)
	}
	for _, old := range []string{"", "cd"} {
		r := Report{Old: Program{SHA256: old}, New: Program{SHA256: "ab"}}
		if got := r.conditions(); strings.Contains(got, "one program") {
			t.Errorf("%q against ab: %q", old, got)
		}
	}
}

// Every reason says which way: an interval may exclude that a program is slower and hold
// that it is much faster.
func TestReasonsSayWhichWay(t *testing.T) {
	m, ok := MetricOf(arm.Latency, Thresholds{Latency: 0.05})
	if !ok {
		t.Fatal("latency is not checked")
	}
	limit := m.limit()
	// of is an estimate of a median change, worse above 0, in units of the limit.
	of := func(value, lo, hi, p float64) estimate {
		return estimate{Estimate: stat.Estimate{Value: value * limit, Lo: lo * limit, Hi: hi * limit, N: 40, Method: stat.Processes},
			x: make([]float64, 40), old: []float64{1}, newer: []float64{math.Exp(value * limit)}, p: p, adjusted: p, level: alpha}
	}
	fresh := func(e estimate) *estimate { return &e }
	for name, c := range map[string]struct {
		first   estimate
		fresh   *estimate
		verdict Verdict
		why     string
	}{
		"much faster at one end":  {of(-0.5, -3, 0.2, 0.5), nil, Pass, "excludes a change for the worse"},
		"slower by little":        {of(0.5, 0.1, 0.9, 1e-6), nil, Pass, "certainly worse, but by less"},
		"slower by how much":      {of(0.9, 0.1, 1.9, 1e-6), nil, Inconclusive, "certainly worse; whether beyond the threshold is open"},
		"anything":                {of(0.1, -3, 3, 0.9), nil, Inconclusive, "reaches a change for the worse"},
		"slower, found twice":     {of(2, 1.5, 2.5, 1e-6), fresh(of(2, 1.5, 2.5, 1e-6)), Regression, "worse: found"},
		"faster, found twice":     {of(-2, -2.5, -1.5, 1e-6), fresh(of(-2, -2.5, -1.5, 1e-6)), Improvement, "better: found"},
		"faster, gone afterwards": {of(-2, -2.5, -1.5, 1e-6), fresh(of(0, -0.5, 0.5, 0.9)), Pass, "flagged as better"},
		"slower, open afterwards": {of(2, 1.5, 2.5, 1e-6), fresh(of(0.5, -2, 2, 0.9)), Inconclusive, "flagged as worse"},
		"slower, no time left":    {of(2, 1.5, 2.5, 1e-6), &estimate{}, Inconclusive, "flagged as worse, and no time"},
	} {
		k := Comparison{Metric: m.Name, metric: m, first: c.first}
		k.decide(c.fresh)
		if k.Verdict != c.verdict || !strings.Contains(k.Why, c.why) {
			t.Errorf("%s: %s, %q; want %s, %q", name, k.Verdict, k.Why, c.verdict, c.why)
		}
	}
}
