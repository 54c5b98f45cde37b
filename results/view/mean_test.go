package view

import (
	"errors"
	"math"
	"strings"
	"testing"

	"prabench/metrics/stat"
	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
)

// seedRow is a value of one seed at patch 7.
func seedRow(seed uint64, value float64) Row {
	return Row{Experiment: "t", Cell: "c" + string(rune('0'+seed)), Seed: seed, Metric: "fid_proxy", Unit: "1", Value: value,
		Lo: ptr(value - 1), Hi: ptr(value + 2), Method: stat.Jackknife,
		Protocol: "p", DeviceClass: "cpu Xeon", Code: "abc", Kind: record.Score,
		Patch: new(7), Block: new(0), RolloutDepth: new(0), State: new(0),
		Params: map[string]any{"model.patch": int64(7)}}
}

func TestMeanOverSeeds(t *testing.T) {
	// Student's t with 2 degrees of freedom: 4.302652730 · s/√3, s = 2 for 10, 12, 14.
	half := 4.302652729911275 * 2 / math.Sqrt(3)
	means, err := Aggregate([]Row{seedRow(3, 14), seedRow(1, 10), seedRow(2, 12)})
	if err != nil || len(means) != 1 {
		t.Fatal(means, err)
	}
	m := means[0]
	if m.Value != 12 || math.Abs(*m.Lo-(12-half)) > 1e-9 || math.Abs(*m.Hi-(12+half)) > 1e-9 {
		t.Errorf("%v [%v, %v], want 12 ± %v", m.Value, *m.Lo, *m.Hi, half)
	}
	if m.N != 3 || m.Interval != stat.Seeds || cmp.Diff([]uint64{1, 2, 3}, m.Seeds) != "" || m.Device != "cpu Xeon" {
		t.Errorf("%+v", m)
	}
}

// Seeds whose value is of one stage are one training: the value counts once and keeps its own
// interval. What is computed, such as a number of parameters, is exact all the same.
func TestSeedsOfOneTraining(t *testing.T) {
	var rows []Row
	for seed := range uint64(3) {
		same, exact, apart := seedRow(seed+1, 10), seedRow(seed+1, 7), seedRow(seed+1, 10)
		same.Stage, apart.Stage = "a", "b"+string(rune('0'+seed))
		exact.Stage, exact.Metric, exact.Lo, exact.Hi, exact.Method = "a", "params", nil, nil, stat.None
		apart.Params = map[string]any{"model.patch": int64(4)}
		apart.Patch = new(4)
		rows = append(rows, same, exact, apart)
	}
	means, err := Aggregate(rows)
	if err != nil || len(means) != 3 {
		t.Fatal(means, err)
	}
	same, exact, apart := means[0], means[1], means[2]
	if same.N != 1 || same.Same != 3 || len(same.Values) != 1 || len(same.Seeds) != 1 || same.Interval != stat.Jackknife ||
		len(same.Cells) != 3 {
		t.Errorf("one training: %+v", same)
	}
	if exact.N != 3 || exact.Same != 0 || apart.N != 3 || apart.Same != 0 {
		t.Errorf("%+v\n%+v", exact, apart)
	}
	p := Point{Seeds: 3, Means: map[string]Mean{"fid_proxy": same}}
	if n := p.Fewest([]string{"fid_proxy"}); n != 3 {
		t.Errorf("%d of 3 seeds are there", n)
	}
	if left := Distinct(rows); len(left) != 1+3+3 {
		t.Errorf("%d rows are distinct", len(left))
	}
}

func TestOneSeedKeepsItsOwnInterval(t *testing.T) {
	timed, bare := seedRow(1, 10), seedRow(1, 10)
	timed.Kind, timed.Metric, timed.Method = record.Time, "throughput", stat.Rounds
	bare.Metric, bare.Lo, bare.Hi, bare.Method = "params", nil, nil, stat.None
	means, err := Aggregate([]Row{seedRow(1, 10), timed, bare})
	if err != nil || len(means) != 3 {
		t.Fatal(means, err)
	}
	for i, want := range []stat.Method{stat.Jackknife, stat.Rounds, stat.None} {
		m := means[i]
		if m.Interval != want || m.N != 1 || (want == stat.None) != (m.Lo == nil) || m.Lo != nil && (*m.Lo != 9 || *m.Hi != 12) {
			t.Errorf("%s: %+v, want %s", m.Metric, m, want)
		}
	}
}

// The floor of a distance is the same for every seed: its spread over seeds is
// no interval, its own over images is one. A count has neither.
func TestWhatDoesNotDependOnTheSeedKeepsItsOwnInterval(t *testing.T) {
	var rows []Row
	for seed := range uint64(3) {
		floor, count := seedRow(seed+1, 0.8313), seedRow(seed+1, 12345)
		floor.Metric, floor.Lo, floor.Hi = "fid_proxy_floor", ptr(0.627), ptr(1.036)
		count.Metric, count.Lo, count.Hi, count.Method = "params", nil, nil, stat.None
		rows = append(rows, floor, count)
	}
	means, err := Aggregate(rows)
	if err != nil || len(means) != 2 {
		t.Fatal(means, err)
	}
	if m := means[0]; m.Value != 0.8313 || m.Interval != stat.Jackknife || m.Lo == nil || *m.Lo != 0.627 || *m.Hi != 1.036 || m.N != 3 ||
		len(m.Values) != 3 {
		t.Errorf("%+v", m)
	}
	if m := means[1]; m.Value != 12345 || m.Interval != stat.None || m.Lo != nil || m.Hi != nil || m.N != 3 {
		t.Errorf("%+v", m)
	}
}

func TestRefusesHiddenDifferences(t *testing.T) {
	for _, c := range []struct {
		field, values string
		change        func(*Row)
		by            []string
	}{
		{"device", "cpu EPYC | cpu Xeon", func(r *Row) { r.DeviceClass = "cpu EPYC" }, nil},
		{"code", "abc | abc+dirty", func(r *Row) { r.Code = "abc+dirty" }, nil},
		{"protocol", "p | q", func(r *Row) { r.Protocol = "q" }, nil},
		{"unit", "1 | s", func(r *Row) { r.Unit = "s" }, nil},
		{"cell", "c1 | other", func(r *Row) { r.Seed, r.Cell = 1, "other" }, nil},
		{"train.lr", "0.1 | not set", func(r *Row) { r.Params = map[string]any{"model.patch": int64(7), "train.lr": 0.1} },
			[]string{"model.patch"}},
		{"model.block", "0 | 2", func(r *Row) { r.Block = new(2) }, []string{"model.patch"}},
	} {
		other := seedRow(2, 11)
		c.change(&other)
		_, err := Aggregate([]Row{seedRow(1, 10), other}, c.by...)
		var mixed *MixedError
		if !errors.As(err, &mixed) {
			t.Errorf("%s: %v, want a MixedError", c.field, err)
			continue
		}
		if mixed.Field != c.field || strings.Join(mixed.Values, " | ") != c.values || mixed.Metric != "fid_proxy" {
			t.Errorf("%+v, want %s of %s", mixed, c.values, c.field)
		}
		for _, w := range []string{"fid_proxy", "model.patch=7", c.field, c.values} {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
		if c.field == "unit" {
			continue // no way to accept this
		}
		// Kept apart by the field, or accepted by name, it is no longer hidden.
		if means, err := Aggregate([]Row{seedRow(1, 10), other}, "model.patch", c.field); err != nil || len(means) != 2 {
			t.Errorf("apart by %s: %v, %v", c.field, means, err)
		}
		if means, err := (Averaging{By: []string{"model.patch"}, Across: []string{c.field}}).Mean([]Row{seedRow(1, 10), other}); err != nil ||
			len(means) != 1 || means[0].N != 2 {
			t.Errorf("across %s: %v, %v", c.field, means, err)
		}
	}
}

// Points are groups of their own when nothing is said.
func TestPointsStayApart(t *testing.T) {
	far := seedRow(1, 20)
	far.Patch, far.Params = new(14), map[string]any{"model.patch": int64(14)}
	block := seedRow(1, 30) // not swept, but another cell all the same
	block.Block = new(2)
	means, err := Aggregate([]Row{seedRow(1, 10), far, seedRow(2, 12), block})
	if err != nil || len(means) != 3 || means[0].N != 2 || means[1].Value != 20 || means[2].Value != 30 {
		t.Errorf("%+v %v", means, err)
	}
	if means, err := Aggregate(nil); len(means) != 0 || err != nil {
		t.Error(means, err)
	}
}

func ptr(x float64) *float64 { return &x }
