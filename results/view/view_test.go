package view_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"prabench/metrics/stat"
	"prabench/results"
	"prabench/results/record"
	"prabench/results/resultstest"
	"prabench/results/view"
)

// three is an experiment of three points and two seeds: the second point lacks a
// score, the third crashed in one seed.
func three(t *testing.T) *results.DB {
	return resultstest.Small(t, "t", 2,
		resultstest.Point{Label: "patch=7", Params: map[string]any{"model.patch": 7}, Values: map[string]map[string][]record.Value{
			record.Score: {"fid_proxy": {resultstest.Between("1", 10, 9, 11), resultstest.Between("1", 14, 13, 15)}},
			record.Time:  {"throughput": resultstest.Of("images/s", 100, 110), "disturbed_rounds": resultstest.Of("1", 0, 2)},
		}},
		resultstest.Point{Label: "patch=14", Params: map[string]any{"model.patch": 14}, Values: map[string]map[string][]record.Value{
			record.Score: {"fid_proxy": {resultstest.Between("1", 20, 19, 22)}},
		}},
		resultstest.Point{Label: "patch=2", Params: map[string]any{"model.patch": 2},
			Failed: map[string][]string{record.Train: {record.OutOfMemory}}},
	)
}

func TestPoints(t *testing.T) {
	db := three(t)
	points, left, err := db.Points(t.Context(), results.Filter{Experiment: "t"}, nil)
	if err != nil || len(points) != 3 || len(left) != 0 {
		t.Fatal(points, left, err)
	}
	p := points[0]
	if p.Label != "patch=7" || p.Seeds != 2 || cmp.Diff(p.Cells, []string{"p0-s1", "p0-s2"}) != "" || p.Params["patch"] != 7 ||
		p.Params["model.patch"] != int64(7) {
		t.Errorf("%+v", p)
	}
	m := p.Means["fid_proxy"]
	half := 12.706204736174694 * math.Sqrt(8) / math.Sqrt(2) // Student's t with one degree of freedom
	if m.Value != 12 || m.N != 2 || m.Interval != stat.Seeds || math.Abs(*m.Hi-*m.Lo-2*half) > 1e-9 {
		t.Errorf("%+v", m)
	}
	if m := points[1].Means["fid_proxy"]; m.N != 1 || m.Interval != stat.Jackknife || *m.Lo != 19 || *m.Hi != 22 ||
		points[1].Fewest([]string{"fid_proxy", "kid"}) != 1 {
		t.Errorf("one of two seeds: %+v", m)
	}
	if p := points[2]; p.Outcome != record.OutOfMemory || p.Reason != "as the test wants it" || len(p.Means) != 0 {
		t.Errorf("a failed point: %+v", p)
	}
}

// A mean that would hide a difference is left out and told of, unless the
// difference is accepted; the other means of the point stay.
func TestPointsLeaveOutMixedMeans(t *testing.T) {
	values := map[string]map[string][]record.Value{
		record.Score: {"kid": {{Unit: "1", Value: 1, N: 1, Protocol: "embedder=a"}, {Unit: "1", Value: 3, N: 1, Protocol: "embedder=b"}},
			"recall": resultstest.Of("1", 1, 2)},
	}
	db := resultstest.Small(t, "t", 2, resultstest.Point{Label: "a", Values: values},
		resultstest.Point{Label: "b", Params: map[string]any{"model.patch": 2}, Values: values})
	points, left, err := db.Points(t.Context(), results.Filter{Experiment: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := points[0].Means["kid"]; there || points[0].Means["recall"].Value != 1.5 {
		t.Errorf("%+v", points[0].Means)
	}
	if len(left) != 2 || left[0].Field != "protocol" || !strings.Contains(left.Notes()[0], "left out: the mean of kid over seeds") {
		t.Errorf("%v", left)
	}
	points, left, err = db.Points(t.Context(), results.Filter{Experiment: "t"}, []string{"protocol"})
	if err != nil || len(left) != 0 || points[0].Means["kid"].Value != 2 {
		t.Errorf("accepted: %+v, %v, %v", points[0].Means, left, err)
	}
}

func TestNotesAreFew(t *testing.T) {
	var left view.LeftOut
	for _, m := range []string{"a", "b", "c", "d", "e"} {
		left = append(left, &view.MixedError{Metric: m, Field: "code", Values: []string{"x", "y"}})
	}
	if notes := left.Notes(); len(notes) != 4 || notes[3] != "… and 2 more means left out for the like" {
		t.Errorf("%q", notes)
	}
	if notes := left[:3].Notes(); len(notes) != 3 || !strings.Contains(notes[2], "mean of c") {
		t.Errorf("%q", notes)
	}
}

func TestRename(t *testing.T) {
	points, _, err := three(t).Points(t.Context(), results.Filter{Experiment: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := points[0]
	p.Rename("new", map[string]any{"label": "new"})
	want := map[string]any{"label": "new", "patch": 7, "block": 1, "rollout_depth": 0, "state": 0}
	if d := cmp.Diff(want, p.Params); p.Label != "new" || d != "" {
		t.Errorf("%s: %s", p.Label, d)
	}
	p.Rename("", nil)
	if p.Label != "new" {
		t.Errorf("an empty label took the place of %q", p.Label)
	}
}

func TestSummary(t *testing.T) {
	db := three(t)
	s, err := db.Summary(t.Context(), "t", 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"fid_proxy", "throughput"}, s.Metrics); d != "" || unitOf(s, "throughput") != "images/s" || len(s.Points) != 3 {
		t.Errorf("%+v: %s", s, d)
	}
	notes := strings.Join(s.Notes(), "\n")
	if !strings.Contains(notes, "timings of 1 of 3 points had rounds") || !strings.Contains(notes, "± half of the 95 % interval, [") ||
		strings.Contains(notes, "the first") {
		t.Error(notes)
	}
	if !s.Has(func(o string) bool { return o == record.OutOfMemory }) || s.Has(func(o string) bool { return o == record.Timeout }) {
		t.Error("outcomes")
	}
	// Of more cells than are wanted, whole points from the beginning.
	s, err = db.Summary(t.Context(), "t", 3, nil)
	if err != nil || len(s.Points) != 1 || s.Points[0].Seeds != 2 ||
		s.Notes()[0] != "the first 2 of 6 cells; --only chooses others, --format csv has all" {
		t.Errorf("%+v %q %v", s.Points, s.Notes(), err)
	}
	if s, err := db.Summary(t.Context(), "nobody", 3, nil); err != nil || len(s.Points) != 0 || len(s.Notes()) != 0 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestStepsOverSeeds(t *testing.T) {
	own := stat.Estimate{Value: 2, Lo: 1, Hi: 3, N: 9, Method: stat.Jackknife}
	one := []view.StepPoint{{Step: 1, Estimate: own}, {Step: 2, Estimate: stat.Point(4, 9)}}
	if l := view.OverSeeds("e", [][]view.StepPoint{one}); l.Method() != stat.Jackknife || cmp.Diff(one, l.Points) != "" {
		t.Errorf("one seed keeps its own interval: %+v", l)
	}
	l := view.OverSeeds("e", [][]view.StepPoint{one, {{Step: 1, Estimate: stat.Point(4, 9)}, {Step: 2, Estimate: stat.Point(4, 9)}}})
	if l.Method() != stat.Seeds || l.Points[0].Value != 3 || l.Points[0].Hi-l.Points[0].Lo < 20 || l.Points[0].Step != 1 {
		t.Errorf("two seeds: %+v", l)
	}
	if p := l.Points[1]; p.Value != 4 || p.HasInterval() {
		t.Errorf("without any spread there is no interval: %+v", p)
	}
	if m := view.OverSeeds("e", [][]view.StepPoint{one[1:]}).Method(); m != stat.None {
		t.Errorf("a line without intervals has them %v", m)
	}
}

func unitOf(s view.Summary, metric string) string {
	_, unit := s.Shown(metric)
	return unit
}
