package paper

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"prabench/plots"
)

func pair(a, b plots.MetricValue) plots.Data {
	cell := func(label string, m plots.MetricValue) plots.CellData {
		return plots.CellData{Label: label, Outcome: "ok", Params: map[string]any{"method": label},
			Metrics: map[string]plots.MetricValue{"fid_proxy": m}}
	}
	return plots.Data{Experiment: "e", Cells: []plots.CellData{cell("A", a), cell("B", b)}}
}

func TestVerdicts(t *testing.T) {
	claim := Claim{Text: "A beats B", Metric: "fid_proxy", Of: map[string]any{"method": "A"}, Over: map[string]any{"method": "B"}, Sign: -1}
	other := seeds("1", 20, 20.5, 21)
	with := func(change func(*plots.MetricValue)) plots.MetricValue {
		m := seeds("1", 10, 10.5, 11)
		change(&m)
		return m
	}
	for name, c := range map[string]struct {
		a, b    plots.MetricValue
		accept  []string
		verdict Verdict
		says    string
	}{
		"holds": {seeds("1", 10, 10.5, 11), other, nil, Holds,
			"difference −10.0 [−11.1, −8.9] over unpaired seeds (Welch), p < 0.0001: the claim holds here"},
		"other way":     {seeds("1", 30, 30.5, 31), other, nil, Contradicted, "goes the other way"},
		"inside":        {seeds("1", 19, 20, 21), other, nil, Inconclusive, "inconclusive, the difference lies inside its interval"},
		"one seed":      {seeds("1", 10), other, nil, Inconclusive, "one training seed has no interval over seeds"},
		"code":          {with(func(m *plots.MetricValue) { m.Code = later }), other, nil, NotTested, "hide a difference in code"},
		"code accepted": {with(func(m *plots.MetricValue) { m.Code = later }), other, []string{"code"}, Holds, "holds here"},
		"device": {with(func(m *plots.MetricValue) { m.Device = "cuda X" }), other, nil, NotTested,
			"hide a difference in device (cuda X | cpu Some Processor)"},
		"protocol": {with(func(m *plots.MetricValue) { m.Protocol = "embedder=f; samples=100" }), other, nil, NotTested,
			"hide a difference in protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			d := pair(c.a, c.b)
			d.Accept = c.accept
			r := claim.test(d)
			if r.Verdict != c.verdict || !strings.Contains(r.Summary, c.says) {
				t.Errorf("%s: %s; want %s and %q", r.Verdict, r.Summary, c.verdict, c.says)
			}
		})
	}
	if r := (Claim{Metric: "fid_proxy", Of: map[string]any{"method": "C"}, Over: claim.Over, Sign: -1}).test(pair(other,
		other)); r.Verdict != NotTested {
		t.Errorf("no such point: %+v", r)
	}
}

// A claim is judged by pairs of seeds where both sides have them, and an inconclusive
// one says how many seeds would decide.
func TestClaimsPairSeeds(t *testing.T) {
	claim := Claim{Metric: "fid_proxy", Of: map[string]any{"method": "A"}, Over: map[string]any{"method": "B"}, Sign: -1}
	paired := func(values ...float64) plots.MetricValue {
		m := seeds("1", values...)
		m.Seeds = []uint64{1, 2, 3}
		return m
	}
	a, b := paired(9.44, 18.80, 25.94), paired(13.10, 24.00, 30.30)
	r := claim.test(pair(a, b))
	if r.Verdict != Holds || !strings.Contains(r.Summary, "over 3 pairs of seeds, r = 1.00") || !strings.Contains(r.Summary, "p = 0.01:") {
		t.Errorf("%s: %s", r.Verdict, r.Summary)
	}
	b.Seeds = nil
	if r := claim.test(pair(a, b)); r.Verdict != Inconclusive || !strings.Contains(r.Summary, "needs about") {
		t.Errorf("without pairs %s: %s", r.Verdict, r.Summary)
	}
	d := pair(a, paired(13, 24, 30))
	d.Cells[1].Metrics["kid"], d.Cells[0].Metrics["kid"] = paired(1, 2, 3.1), paired(1.1, 2, 2.9)
	all := Compare(d, d.Cells[:1], d.Cells[1:], []string{"fid_proxy", "kid"})
	if len(all) != 2 || all[0].Says() != "better" || !strings.HasPrefix(all[1].Says(), "inconclusive; a difference of this size needs") ||
		all[0].P < 2*all[0].Measured().P-1e-12 {
		t.Errorf("%+v", all)
	}
}

// A key counts once under both of its names, and one that only the other cell has counts too.
func TestTheNearestCells(t *testing.T) {
	cell := func(patch, width int, lr float64) plots.CellData {
		return plots.CellData{Label: fmt.Sprint(patch, width, lr), Params: map[string]any{"model.patch": patch, "patch": patch,
			"model.width": width, "train.lr": lr}}
	}
	more := cell(4, 64, 1e-3)
	more.Label, more.Params["sample.guidance"], more.Params["train.batch"] = "more", 1., 8
	got := nearest(cell(4, 64, 1e-3), []plots.CellData{cell(4, 96, 3e-4), more, cell(7, 64, 1e-3), cell(7, 96, 1e-3)})
	if len(got) != 1 || got[0].Params["model.patch"] != 7 || got[0].Params["model.width"] != 64 {
		t.Errorf("%+v", got)
	}
}

// Where nothing differs, a claim of several comparisons is called decided in at
// most about 5 % of cases, and a reading names no winner more often than that.
func TestNothingIsFoundInNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	const trials = 2000
	decided, won := 0, 0
	for range trials {
		d := plots.Data{Experiment: "noise"}
		for i := range 6 {
			d.Cells = append(d.Cells, plots.CellData{Label: fmt.Sprint("m", i), Outcome: "ok", Params: map[string]any{"method": fmt.Sprint("m", i)},
				Metrics: map[string]plots.MetricValue{"fid_proxy": seeds("1", 20+r.NormFloat64(), 20+r.NormFloat64(), 20+r.NormFloat64())}})
		}
		c := Claim{Metric: "fid_proxy", Of: map[string]any{"method": "m0"}, Over: map[string]any{"method": []any{"m1", "m2", "m3", "m4", "m5"}},
			Sign: -1}
		for _, k := range c.test(d).Comparisons {
			if k.Verdict == Holds || k.Verdict == Contradicted {
				decided++
				break
			}
		}
		for _, s := range readMetric("fid_proxy", d, d.Cells, true).Sentences {
			if strings.Contains(s, "is better than") {
				won++
			}
		}
	}
	if share := float64(decided) / trials; share > 0.06 {
		t.Errorf("a difference was found in %.3f of noise", share)
	}
	// the best is chosen after the fact, so some more than 5 % is the price
	if share := float64(won) / trials; share > 0.2 {
		t.Errorf("a winner was found in %.3f of noise", share)
	}
	t.Logf("decided %.3f, a winner %.3f", float64(decided)/trials, float64(won)/trials)
}

// The verdict of a claim over all its comparisons.
func TestVerdictOfSeveral(t *testing.T) {
	for want, list := range map[Verdict][]Verdict{
		Holds: {Holds, Holds}, InPart: {Holds, Inconclusive}, Mixed: {Holds, Contradicted, Inconclusive},
		Contradicted: {Contradicted, Contradicted}, Inconclusive: {Inconclusive, NotTested}, NotTested: {NotTested, NotTested},
	} {
		r := Result{Claim: Claim{Metric: "fid_proxy", Sign: -1}}
		for _, v := range list {
			r.Comparisons = append(r.Comparisons, Comparison{Verdict: v})
		}
		if r.conclude(); r.Verdict != want {
			t.Errorf("%v make %q, want %q", list, r.Verdict, want)
		}
	}
}
