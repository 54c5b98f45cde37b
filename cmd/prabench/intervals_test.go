package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results"
	"prabench/results/record"
)

// over lists by hand what the interval of each metric is over, independently of
// the catalogue, of the migration and of the workers. A metric that is listed
// nowhere, because it is newer than this test, is what the catalogue says.
var over = map[stat.Method]string{
	stat.Jackknife: `fid_proxy kid precision recall fid_proxy_floor kid_floor precision_floor recall_floor
		fid_prefix_0 fid_prefix_25 fid_prefix_50 fid_prefix_75 fid_prefix_100 fid_mosaic
		seam_index nearest_distance nearest_distance_real nearest_ratio near_share`,
	stat.Wilson: "class_accuracy probe_accuracy probe_accuracy_untrained",
	stat.Rounds: `throughput latency first_block_latency train_throughput mfu memory_peak memory_model memory_cache memory_activations
		params ar_steps nfe flops_image peak_flops cpu_frequency foreign_load foreign_load_worst stolen_load
		device_clock device_clock_share device_temperature device_power device_others joules_image`,
	stat.None: `train_seconds train_loss flow_loss rec_loss train_memory_peak disturbed_rounds
		block_error_free block_error_given block_error_real exposure_gap error_growth`,
}

// What a figure's foot and a report call an interval.
var (
	inFigure = map[stat.Method]string{stat.Jackknife: "95 % jackknife", stat.Wilson: "95 % Wilson", stat.Rounds: "95 % over rounds"}
	inReport = map[stat.Method]string{stat.Jackknife: "95 % over images (jackknife)", stat.Wilson: "95 % over images (Wilson)",
		stat.Rounds: "95 % over rounds of timing"}
)

func methodOf(m *quantity.Metric) stat.Method {
	for method, names := range over {
		if slices.Contains(strings.Fields(names), m.Name) {
			return method
		}
	}
	return m.Interval
}

// newer says that a metric is newer than this test: no program wrote it while
// values did not say what their interval is over.
func newer(m *quantity.Metric) bool {
	for _, names := range over {
		if slices.Contains(strings.Fields(names), m.Name) {
			return false
		}
	}
	return true
}

// TestEveryIntervalIsLabelledRight takes a value of every metric, with an
// interval where it has one, through the database and out of every place that
// says what the interval is over: as a worker of this program leaves it, and as
// one of before did, which did not say.
func TestEveryIntervalIsLabelledRight(t *testing.T) {
	for _, older := range []bool{false, true} {
		t.Run(map[bool]string{false: "now", true: "older"}[older], func(t *testing.T) { labelledRight(t, older) })
	}
}

func labelledRight(t *testing.T, older bool) {
	here(t)
	tiny, err := os.ReadFile("tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	var measured []*quantity.Metric
	var names []string
	for _, m := range quantity.Metrics() {
		if methodOf(m) != m.Interval {
			t.Errorf("%s: the catalogue says %s, this test %s", m.Name, m.Interval, methodOf(m))
		}
		if older && newer(m) {
			continue
		}
		measured, names = append(measured, m), append(names, fmt.Sprintf("%q", m.Name))
	}
	head, _, _ := strings.Cut(string(tiny), "[[figure]]")
	write(t, "tiny.toml", head+"\n[[figure]]\nkind = \"table\"\ncolumns = ["+strings.Join(names, ", ")+"]\n")
	fill(t, measured, older)

	means := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(must(t, "results --mean --format json")), "\n") {
		var m struct{ Metric, Interval string }
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(line, err)
		}
		means[m.Metric] = m.Interval
	}
	foot := footer(t)
	origin := origins(t)
	for _, m := range measured {
		want := methodOf(m)
		if got := means[m.Name]; got != want.String() {
			t.Errorf("results --mean: %s is over %q, want %s", m.Name, got, want)
		}
		if got := foot[m.Name]; got != inFigure[want] {
			t.Errorf("the foot of a figure: %s is %q, want %q", m.Name, got, inFigure[want])
		}
		if got, ok := origin[m.Name]; !ok || got != inReport[want] {
			t.Errorf("the report: %s is %q, want %q", m.Name, got, inReport[want])
		}
	}
}

// fill stores the plan of tiny.toml and one attempt at each of its stages, as if
// every kind of stage were asked for.
func fill(t *testing.T, measured []*quantity.Metric, older bool) {
	t.Helper()
	var planned struct {
		Experiments []struct {
			Cells []struct {
				Cell, Label string
				Seed        uint64
				Point       map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(must(t, "plan tiny.toml --json")), &planned); err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	plan := results.Plan{Experiment: "tiny", FileHash: "f00d", Created: noon}
	var attempts []record.Attempt
	for i, c := range planned.Experiments[0].Cells {
		cell := results.PlanCell{ID: c.Cell, Seed: c.Seed, Label: c.Label, Patch: new(4), Block: new(1), RolloutDepth: &i, State: new(0),
			Params: c.Point,
			Stages: map[string]string{}}
		at := map[string]int{}
		for j, m := range measured {
			n, ok := at[m.Stage]
			if !ok {
				n, at[m.Stage] = len(attempts), len(attempts)
				key := fmt.Sprintf("%064x", 1000*i+j+1)
				cell.Stages[m.Stage] = key
				plan.Stages = append(plan.Stages, results.PlanStage{Key: key, Kind: m.Stage, Config: json.RawMessage(`{}`)})
				attempts = append(attempts, record.Attempt{ID: fmt.Sprintf("a%d-%s", i, m.Stage), Stage: key, Kind: m.Stage, Outcome: record.OK,
					Device:  "cpu",
					Started: noon, Finished: noon, Environment: record.Environment{CPU: "Example 9000", GitRevision: "abcdef0123456789"}})
			}
			e := stat.Point(0.5, 10)
			if method := methodOf(m); method != stat.None {
				lo, hi := 0.4, 0.6
				e = stat.FromBounds(0.5, &lo, &hi, 10, method)
			}
			v := record.Estimated(m.Name, m.Unit, e)
			if older {
				v.Method = stat.None
			}
			attempts[n].Values = append(attempts[n].Values, v)
		}
		plan.Cells = append(plan.Cells, cell)
	}
	db, err := results.Open("results.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.RecordPlan(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	for _, a := range attempts {
		if _, err := db.Ingest(context.Background(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// footer gives what the foot of the table says of each metric: "intervals: A (a,
// b), B (c)".
func footer(t *testing.T) map[string]string {
	t.Helper()
	must(t, "plot tiny.toml --format md")
	raw, err := os.ReadFile(first(t, "figures/tiny/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, line, ok := strings.Cut(string(raw), "intervals: ")
	if !ok {
		t.Fatalf("no foot in\n%s", raw)
	}
	line, _, _ = strings.Cut(line, " · ")
	said := map[string]string{}
	for _, part := range regexp.MustCompile(`(95 % [^(]+) \(([^)]*)\)`).FindAllStringSubmatch(strings.ReplaceAll(line, `\_`, "_"), -1) {
		for _, name := range strings.Split(part[2], ", ") {
			said[name] = part[1]
		}
	}
	return said
}

// origins gives what the report says of each metric's interval when one asks
// for the origin of a number.
func origins(t *testing.T) map[string]string {
	t.Helper()
	must(t, "report tiny.toml -o report.html")
	raw, err := os.ReadFile("report.html")
	if err != nil {
		t.Fatal(err)
	}
	_, data, _ := strings.Cut(string(raw), `<script type="application/json" id="provenance">`)
	data, _, _ = strings.Cut(data, "</script>")
	var all struct {
		Metrics [][3]string        `json:"metrics"`
		Texts   []string           `json:"texts"`
		Rows    map[string][][]any `json:"rows"`
	}
	if err := json.Unmarshal([]byte(data), &all); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, values := range all.Rows {
		for _, v := range values {
			said[all.Metrics[int(v[0].(float64))][0]] = all.Texts[int(v[5].(float64))]
		}
	}
	return said
}

// first is the one file that a pattern names.
func first(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v %v", pattern, found, err)
	}
	return found[0]
}
