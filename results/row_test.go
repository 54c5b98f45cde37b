package results

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"prabench/metrics/stat"
	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
)

// filled has scores for 2 patches × 2 seeds and a time for one cell.
func filled(t testing.TB) *DB {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{4, 7}, 2))
	mustPlan(t, db, testPlan("u", []int{7}, 1)) // shares its stages with t
	for i, cell := range []string{"p4s1", "p4s2", "p7s1", "p7s2"} {
		mustIngest(t, db,
			okAttempt("t"+cell, "train-"+cell, record.Train, i),
			okAttempt("s"+cell, "score-"+cell, record.Score, i,
				record.Value{Metric: "fid_proxy", Unit: "1", Value: 10 + float64(i), Lo: ptr(9 + float64(i)), Hi: ptr(12 + float64(i)), N: 2000},
				record.Value{Metric: "kid", Unit: "1", Value: 0.1 * float64(i), N: 2000}))
	}
	mustIngest(t, db, okAttempt("time", "time-p7s1", record.Time, 9, record.Value{Metric: "throughput", Unit: "images/s", Value: 100,
		Lo: ptr(99), Hi: ptr(101), N: 3}))
	return db
}

func TestResultsFilter(t *testing.T) {
	db := filled(t)
	for _, c := range []struct {
		name string
		f    Filter
		want string // cell/metric
	}{
		{"experiment", Filter{Experiment: "u"}, "p7s1/fid_proxy p7s1/kid p7s1/throughput"},
		{"order of the plan", Filter{Experiment: "t", Metrics: []string{"kid"}}, "p4s1/kid p4s2/kid p7s1/kid p7s2/kid"},
		{"two metrics", Filter{Experiment: "t", Metrics: []string{"throughput", "kid"}, Cells: []string{"p7s1"}}, "p7s1/kid p7s1/throughput"},
		{"all experiments", Filter{Metrics: []string{"throughput"}}, "p7s1/throughput p7s1/throughput"},
		{"whole number", Filter{Experiment: "t", Metrics: []string{"kid"}, Params: map[string]any{"model.patch": 7}}, "p7s1/kid p7s2/kid"},
		{"float", Filter{Experiment: "t", Metrics: []string{"kid"}, Params: map[string]any{"model.patch": 4.0, "train.lr": 1e-3}},
			"p4s1/kid p4s2/kid"},
		{"text of a number", Filter{Experiment: "t", Metrics: []string{"kid"}, Params: map[string]any{"model.patch": "4", "train.lr": "1e-3"}},
			"p4s1/kid p4s2/kid"},
		{"the first cells", Filter{Experiment: "t", First: 3, Metrics: []string{"kid"}}, "p4s1/kid p4s2/kid p7s1/kid"},
		{"the first of each plan", Filter{First: 1, Metrics: []string{"kid"}}, "p4s1/kid p7s1/kid"},
		{"seed", Filter{Experiment: "t", Metrics: []string{"kid"}, Params: map[string]any{"seed": 2}}, "p4s2/kid p7s2/kid"},
		{"label", Filter{Experiment: "t", Metrics: []string{"kid"}, Params: map[string]any{"label": "p=4", "seed": "1"}}, "p4s1/kid"},
		{"any of two", Filter{Experiment: "t", Metrics: []string{"kid"}, Params: map[string]any{"model.patch": []any{"4", 7.0},
			"seed": []any{1, 9}}}, "p4s1/kid p7s1/kid"},
		{"not swept", Filter{Experiment: "u", Metrics: []string{"kid"},
			Params: map[string]any{"train.rollout_depth": 1, "model.state": json.Number("12")}}, "p7s1/kid"},
		{"no such value", Filter{Experiment: "t", Params: map[string]any{"model.patch": 9}}, ""},
		{"no such key", Filter{Experiment: "t", Params: map[string]any{"model.colour": 9}}, ""},
		{"no such experiment", Filter{Experiment: "nobody"}, ""},
	} {
		rows, err := db.Results(background, c.f)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.Cell+"/"+r.Metric)
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	rows, err := db.Results(background, Filter{Experiment: "t", Cells: []string{"p7s2"}, Metrics: []string{"fid_proxy"}})
	want := []Row{{Experiment: "t", Cell: "p7s2", Seed: 2, Metric: "fid_proxy", Unit: "1", Value: 13, Lo: ptr(12), Hi: ptr(15),
		Method: stat.Jackknife, N: 2000,
		Protocol: "precision=fp32", Attempt: "sp7s2", Outcome: record.OK, CreatedAt: noon.Add(3 * 60e9), Label: "p=7",
		Patch: new(7), Block: new(1), RolloutDepth: new(1), State: new(12),
		Params: map[string]any{"model.patch": int64(7), "train.lr": 0.001, "model.target": "x"}, Stage: "score-p7s2", Kind: record.Score,
		Device: "cpu", DeviceClass: "cpu Xeon", Code: "abc123"}}
	if d := cmp.Diff(want, rows); d != "" || err != nil {
		t.Error(d, err)
	}
}

// A score stands on the training behind it, a time only on its own machine.
func TestWhatAValueStandsOn(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7}, 1))
	train := okAttempt("a", "train-p7s1", record.Train, 1, record.Value{Metric: "train_loss", Unit: "1", Value: 1})
	train.Device = "cuda:1"
	train.Environment = record.Environment{CPU: "EPYC", GPU: "H200", GitRevision: "fff", GitDirty: true}
	mustIngest(t, db, train, okAttempt("b", "sample-p7s1", record.Draw, 2),
		okAttempt("c", "score-p7s1", record.Score, 3, record.Value{Metric: "kid", Unit: "1", Value: 1}),
		okAttempt("d", "time-p7s1", record.Time, 3, record.Value{Metric: "latency", Unit: "s", Value: 1}))
	rows, err := db.Results(background, Filter{Experiment: "t"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range rows {
		got[r.Metric] = r.Device + ", " + r.DeviceClass + ", " + r.Code
	}
	want := map[string]string{
		"train_loss": "cuda:1, cuda H200, fff+dirty",
		"kid":        "cpu, cpu Xeon + cuda H200, abc123 + fff+dirty",
		"latency":    "cpu, cpu Xeon, abc123",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// The latest plan of an experiment defines its cells; nothing else is lost.
func TestPlansFollowEachOther(t *testing.T) {
	db := openTemp(t)
	whole, part := testPlan("t", []int{4, 7}, 1), testPlan("t", []int{7}, 1)
	mustPlan(t, db, whole)
	mustIngest(t, db, okAttempt("a", "score-p4s1", record.Score, 1, record.Value{Metric: "kid", Unit: "1", Value: 1}))
	count := func() (cells, rows int) {
		c, err := db.Cells(background, "t")
		if err != nil {
			t.Fatal(err)
		}
		r, err := db.Results(background, Filter{Experiment: "t"})
		if err != nil {
			t.Fatal(err)
		}
		return len(c), len(r)
	}
	for _, step := range []struct {
		plan        Plan
		cells, rows int
	}{{whole, 2, 1}, {part, 1, 0}, {part, 1, 0}, {whole, 2, 1}} {
		mustPlan(t, db, step.plan)
		if c, r := count(); c != step.cells || r != step.rows {
			t.Errorf("%d cells and %d rows, want %d and %d", c, r, step.cells, step.rows)
		}
	}
	if _, lines := query(t, db, "SELECT count(*), sum(current) FROM plan"); lines[0][0] != "2" || lines[0][1] != "1" {
		t.Errorf("%v plans and current ones, want 2 and 1", lines[0])
	}
	all, err := db.Experiments(background)
	if err != nil || len(all) != 1 || all[0].Name != "t" || all[0].Description != "a test" || all[0].FileHash != "f00d" ||
		!all[0].Created.Equal(noon) || all[0].Cells != 2 || all[0].Kept != 2 || all[0].Number != 1 {
		t.Errorf("%+v %v", all, err)
	}
	stages, err := db.Stages(background, "t")
	if err != nil || len(stages) != 9 || stages[0].Key != "ref" || stages[0].Cells != 2 || stages[0].Outcome != record.Pending {
		t.Errorf("%+v %v", stages, err)
	}
	for _, s := range stages {
		if s.Key == "score-p4s1" && (s.Outcome != record.OK || s.Done != "a" || s.Latest != "a" || s.Tries != 1 || s.Took != 60e9) {
			t.Errorf("%+v", s)
		}
	}
}

// An attempt may arrive before the plan that needs it.
func TestAttemptBeforePlan(t *testing.T) {
	db := openTemp(t)
	mustIngest(t, db, okAttempt("a", "score-p7s1", record.Score, 1, record.Value{Metric: "kid", Unit: "1", Value: 1}))
	mustPlan(t, db, testPlan("t", []int{7}, 1))
	rows, err := db.Results(background, Filter{Experiment: "t"})
	if err != nil || len(rows) != 1 {
		t.Error(rows, err)
	}
	for key, want := range map[string]string{"score-p7s1": "{}", "ref": `{"set":"mnist"}`, "nobody": ""} {
		if config, err := db.StageConfig(background, key); string(config) != want || err != nil {
			t.Errorf("configuration of %s: %s %v, want %s", key, config, err, want)
		}
	}
}

func TestPlanCheck(t *testing.T) {
	db := openTemp(t)
	for want, breakIt := range map[string]func(*Plan){
		"has no name":                 func(p *Plan) { p.Experiment = "" },
		"cell \"p7s1\" has no id or":  func(p *Plan) { p.Cells = append(p.Cells, p.Cells[0]) },
		"stage ref is listed twice":   func(p *Plan) { p.Stages = append(p.Stages, p.Stages[0]) },
		"needs lost":                  func(p *Plan) { p.Stages[1].Inputs = []string{"lost"} },
		"as its train stage":          func(p *Plan) { p.Cells[0].Stages[record.Train] = "ref" },
		"is not JSON":                 func(p *Plan) { p.Stages[0].Config = []byte("{") },
		"not below 2^63":              func(p *Plan) { p.Cells[0].Seed = 1 << 63 },
		"cannot be written as JSON":   func(p *Plan) { p.Cells[0].Params["x"] = func() {} },
		"ref is a reference stage in": func(p *Plan) { p.Stages, p.Cells = []PlanStage{{Key: "ref", Kind: record.Train}}, nil },
	} {
		mustPlan(t, db, testPlan("first", []int{7}, 1))
		before := dump(t, db)
		p := testPlan("t", []int{7}, 1)
		breakIt(&p)
		if err := db.RecordPlan(background, p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if dump(t, db) != before {
			t.Errorf("%s: a refused plan left something", want)
		}
	}
	var kind *KindError
	if err := db.RecordPlan(background, Plan{Experiment: "t", Stages: []PlanStage{{Key: "ref", Kind: record.Train}}}); !errors.As(err, &kind) {
		t.Errorf("%v, want a KindError", err)
	}
}
