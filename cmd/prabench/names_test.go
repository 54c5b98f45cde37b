package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/experiments"
	"prabench/harness/tools/live"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results"
	"prabench/results/record"
)

// known are metrics of every scale, with values that are told apart in any unit.
var known = []struct {
	metric *quantity.Metric
	value  float64
	people string // how it begins where people read it
	unit   string
}{
	{quantity.FIDProxy, 7.1234, `7\.1|7\.2`, ""},
	{quantity.ClassAccuracy, 0.4563, `45\.|46\.`, "%"},
	{quantity.Throughput, 1234.5, `12[345]`, "images/s"},
	{quantity.Latency, 0.0021987, `2\.[12]`, "ms"},
	{quantity.MemoryPeak, 34.5 * (1 << 20), `34\.|35\.`, "MiB"},
	{quantity.TrainFLOPs, 8.7654e12, `8\.[789]|9\.2`, "TFLOP"},
}

// measured makes a database of a file's two points with three seeds each, which has the
// known values: those of the second point are a tenth greater.
func measured(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "plain.toml", "repeats = 3\n"+small+`
columns = ["fid_proxy", "class_accuracy", "throughput", "latency", "memory_peak", "train_flops"]
[[figure]]
kind = "line"
name = "line"
x = "train.rollout_depth"
y = "fid_proxy"
`)
	e, err := experiments.Load("plain.toml", experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := results.Open("results.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	p := results.Plan{Experiment: e.Name,
		Kinds: []results.PlanKind{{Name: record.Train}, {Name: record.Score}, {Name: record.Time, Own: true}}}
	var all []record.Attempt
	for i, c := range e.Cells {
		pc := results.PlanCell{ID: c.ID, Seed: c.Seed, Label: c.Label, Patch: new(4), Block: new(1), RolloutDepth: new(i / 3), State: new(4),
			Params: c.Point, Stages: map[string]string{}}
		for _, kind := range []string{record.Train, record.Score, record.Time} {
			key := fmt.Sprintf("%s%d", kind, i)
			pc.Stages[kind] = key
			p.Stages = append(p.Stages, results.PlanStage{Key: key, Kind: kind})
			a := record.Attempt{ID: key, Stage: key, Kind: kind, Outcome: record.OK, Started: at, Finished: at}
			for _, k := range known {
				if k.metric.Stage != kind {
					continue
				}
				x := k.value * (1 + 0.1*float64(i/3)) * (1 + 0.01*float64(i%3))
				v := record.Value{Metric: k.metric.Name, Unit: k.metric.Unit, Value: x, N: 100}
				if k.metric.Interval != "" {
					v.Lo, v.Hi, v.Method = new(0.9*x), new(1.1*x), stat.Method(k.metric.Interval)
				}
				a.Values = append(a.Values, v)
			}
			all = append(all, a)
		}
		p.Cells = append(p.Cells, pc)
	}
	if err := db.RecordPlan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if _, err := db.Ingest(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// Each metric has one name where it is typed, one in headings and one on axes, and one
// unit where people read it; files for programs have what is stored. All are the
// catalogue's.
func TestOneNameAndUnitEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("draws a figure and a report: some seconds")
	}
	measured(t)
	metrics := "--metric fid_proxy,class_accuracy,throughput,latency,memory_peak,train_flops"
	people := map[string]string{
		"results":    must(t, "results plain.toml"),
		"compare":    must(t, "compare rollout_depth=1 rollout_depth=0 "+metrics),
		"noise":      must(t, "noise plain.toml --metric fid_proxy,class_accuracy"),
		"importance": must(t, "importance plain.toml --metric fid_proxy,class_accuracy,train_flops"),
	}
	must(t, "plot plain.toml")
	must(t, "report plain.toml --out report.html")
	for name, path := range map[string]string{"md": "figures/plain/table1.md", "tex": "figures/plain/table1.tex", "report": "report.html"} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		people[name] = string(raw)
	}
	a := &app{args: []string{"serve"}, db: "results.db", artifacts: ".prabench", figures: "figures", stdout: os.Stdout, stderr: os.Stderr}
	src, err := a.liveSource([]string{"plain.toml"})
	if err != nil {
		t.Fatal(err)
	}
	page := httptest.NewServer(live.New(src, live.Hosts{}))
	defer page.Close()
	people["page"] = fetched(t, page.URL)

	for name, text := range people {
		text = plain(text)
		for _, k := range known {
			spelled(t, name, text, k.metric)
			if !mentions(text, k.metric) {
				continue
			}
			if got := numberBehind(text, k.people); !got {
				t.Errorf("%s has no %s of %s:\n%s", name, k.people, k.metric.Name, cut(text))
			}
			if k.unit != "" && !strings.Contains(text, k.unit) {
				t.Errorf("%s does not say %s of %s", name, k.unit, k.metric.Name)
			}
			if k.metric.Scale != quantity.Plain && !strings.Contains(text, "<html") &&
				regexp.MustCompile(`\b0\.460[89]|\b885\d{10}|8\.85\d*e\+?12`).MatchString(text) {
				t.Errorf("%s has %s as it is stored:\n%s", name, k.metric.Name, cut(text))
			}
		}
		for _, need := range []*quantity.Metric{quantity.FIDProxy, quantity.ClassAccuracy} {
			if !mentions(text, need) {
				t.Errorf("%s does not speak of %s:\n%s", name, need.Name, cut(text))
			}
		}
	}

	for name, text := range map[string]string{"csv": must(t, "results plain.toml --format csv"),
		"json":  must(t, "results plain.toml --format json"),
		"means": must(t, "results plain.toml --mean --format csv"), "export": must(t, "export --experiment plain"),
		"importance": must(t, "importance plain.toml --json"), "noise": must(t, "noise plain.toml --json --metric class_accuracy")} {
		spelled(t, name, text, quantity.ClassAccuracy)
		if !regexp.MustCompile(`\b0\.4[56]\d`).MatchString(text) || strings.Contains(text, "%") || !strings.Contains(text, "class_accuracy") {
			t.Errorf("%s has not what is stored:\n%s", name, cut(text))
		}
	}
	files, _ := filepath.Glob("figures/plain/*.svg")
	if len(files) != 1 {
		t.Errorf("figures %v", files)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range known {
			spelled(t, f, string(raw), k.metric)
		}
	}
}

// plain is the text of a table or page with its marks undone.
func plain(text string) string {
	text = regexp.MustCompile(`(?s)<(style|script)[ >].*?</(style|script)>`).ReplaceAllString(text, "")
	text = strings.NewReplacer(`\_`, "_", `\%`, "%", "&#43;", "+", `\\`, " ",
		"\\begin{tabular}[b]{@{}r@{}}", "", `\end{tabular}`, "").Replace(text)
	return text
}

// mentions says whether a text speaks of a metric.
func mentions(text string, m *quantity.Metric) bool {
	return slices.ContainsFunc([]string{m.Name, m.Called(), m.Label}, func(name string) bool { return strings.Contains(text, name) })
}

// numberBehind says whether a number of the text begins so.
func numberBehind(text, begin string) bool {
	return regexp.MustCompile(`(^|[^\d.])(` + begin + `)`).MatchString(text)
}

// spelled refuses names of a metric that are nearly the catalogue's.
func spelled(t *testing.T, where, text string, m *quantity.Metric) {
	t.Helper()
	near := regexp.MustCompile(`(?i)\b` + strings.ReplaceAll(m.Name, "_", `[ _-]*`) + `\b`)
	if m == quantity.FIDProxy {
		near = regexp.MustCompile(`(?i)\b(fid|fd|fr[eé]chet)[ _-]*(inception)?[ _-]*(distance)?,? *\(?proxy( features)?\)?`)
	}
	allowed := []string{m.Name, m.Called(), m.Label}
	for _, found := range near.FindAllString(text, -1) {
		ok := slices.ContainsFunc(allowed, func(a string) bool {
			return found == a || strings.Contains(a, found) && strings.Contains(text, a) || strings.EqualFold(found, a) && found[1:] == a[1:]
		})
		if !ok && !strings.HasSuffix(found, "fid_proxy") {
			t.Errorf("%s calls %s %q; the catalogue has %q", where, m.Name, found, allowed)
		}
	}
}

func cut(text string) string { return text[:min(len(text), 3000)] }

// fetched is a page with its values, which it reads after it was opened for the first
// time.
func fetched(t *testing.T, url string) (text string) {
	t.Helper()
	for range 100 {
		reply, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if text = string(raw); strings.Contains(text, quantity.ClassAccuracy.Name) {
			return text
		}
		time.Sleep(50 * time.Millisecond)
	}
	return text
}
