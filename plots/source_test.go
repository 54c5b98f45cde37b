package plots

import (
	"strings"
	"testing"

	"prabench/plots/figure"
)

func TestAFootTellsOfTimingsUnderOtherLoad(t *testing.T) {
	cell := func(rounds float64) CellData {
		return CellData{Metrics: map[string]MetricValue{"throughput": {Value: 1}, "disturbed_rounds": {Value: rounds}}}
	}
	s := &selection{cells: []CellData{cell(0), cell(2), cell(1)}}
	if got, want := s.disturbed([]string{"fid_proxy", "throughput"}), "under other load: rounds of 2 of 3 cells"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := s.disturbed([]string{"fid_proxy"}); got != "" {
		t.Errorf("a figure without a timing says %q", got)
	}
	s.cells = s.cells[:1]
	if got := s.disturbed([]string{"throughput"}); got != "" {
		t.Errorf("quiet timings: %q", got)
	}
}

func TestShortCode(t *testing.T) {
	const rev = "0396716d6b66aae568125fb3a6a2b846c9ef4484"
	for in, want := range map[string]string{
		"": "", rev: "0396716d", rev + "+dirty": "0396716d+dirty", rev + ".77c7d5d1+dirty": "0396716d.77c7d5d1+dirty",
		rev + " + " + rev + ".77c7d5d1+dirty": "0396716d + 0396716d.77c7d5d1+dirty", "unknown": "unknown", "v1.2": "v1.2",
	} {
		if got := ShortCode(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// The foot counts the seeds behind the values that are shown, also of cells that
// are not finished.
func TestSeedsBehindValues(t *testing.T) {
	two := MetricValue{Value: 2, Values: []float64{1, 3}}
	three := MetricValue{Value: 2, Values: []float64{1, 2, 3}}
	cell := func(m MetricValue, outcome string, planned int) CellData {
		return CellData{Metrics: map[string]MetricValue{"kid": m}, Outcome: outcome, Seeds: planned, IDs: []string{"a"}}
	}
	for want, cells := range map[string][]CellData{
		"3 seeds":              {cell(three, "ok", 3), cell(three, "pending", 3)},
		"2 to 3 seeds a point": {cell(three, "ok", 3), cell(two, "oom", 3)},
		"1 seed":               {cell(MetricValue{Value: 1}, "pending", 3)},
		"":                     {{Outcome: "oom", Seeds: 3}},
	} {
		s := &selection{cells: cells}
		if got := s.seeds([]string{"kid"}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Features without a certificate are named under figures and tables of metrics in them,
// once, and of no others.
func TestUncertifiedFeaturesAreNamed(t *testing.T) {
	data := tradeoff()
	data.Uncertified = func(metric, protocol string) string {
		if metric == "throughput" {
			return ""
		}
		return "random on stripes: uncertified"
	}
	for _, c := range []struct {
		fig  Figure
		want string
	}{
		{Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy"}, "features: random on stripes: uncertified (fid_proxy)"},
		{Figure{Kind: figure.Line, X: "train.rollout_depth", Y: "fid_proxy", Series: "model.block", Facet: "model.patch"},
			"features: random on stripes: uncertified ·"},
		{Figure{Kind: figure.Heatmap, X: "model.patch", Y: "model.block", Value: "throughput", Facet: "train.rollout_depth"}, ""},
	} {
		s, err := sheetOf(c.fig, data)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(s.Source, "features:"); !strings.Contains(s.Source+" ·", c.want) || n > 1 || n == 1 && c.want == "" {
			t.Errorf("%s: %q", c.fig.Kind, s.Source)
		}
	}
	markdown, _, err := Tables(Figure{Kind: figure.Table, Columns: []string{"fid_proxy", "throughput"}}, data)
	if err != nil || !strings.Contains(markdown, "features: random on stripes: uncertified (fid\\_proxy)") {
		t.Errorf("%v\n%s", err, markdown)
	}
	data.Uncertified = nil
	s, err := sheetOf(Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy"}, data)
	if err != nil || strings.Contains(s.Source, "features") {
		t.Errorf("%v, %q", err, s.Source)
	}
}
