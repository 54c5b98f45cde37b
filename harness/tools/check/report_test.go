package check

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/metrics/stat"

	junit "github.com/joshdk/go-junit"
	"golang.org/x/perf/benchfmt"
)

var update = flag.Bool("update", false, "write the golden files again")

// example is a report with every kind of verdict, and with texts that every
// format has to escape.
func example() *Report {
	o := usual()
	around := func(v, spread float64, n int) (x []float64) {
		for i := range n {
			x = append(x, v*(1+spread*float64(i%5-2)))
		}
		return x
	}
	comparison := func(m Metric, old, newer, spread float64, n int) Comparison {
		k := Comparison{Metric: m.Name, Unit: m.Unit, Threshold: m.Threshold, metric: m}
		var e estimate
		e.old, e.newer = around(old, spread, n), around(newer, spread, n)
		for i := range n {
			e.x = append(e.x, m.worse(e.old[i], e.newer[n-1-i])) // mirrored: the differences lie evenly about the change
		}
		e.Estimate = stat.Median(e.x, stat.Processes)
		e.p = stat.SignTest(e.x)
		e.adjusted, e.level = e.p, levelAt(1)
		k.first, k.P, k.Adjusted, k.Flagged = e, e.p, e.adjusted, e.flags(m) != 0
		if k.Flagged {
			k.decide(&e)
		} else {
			k.decide(nil)
		}
		return k
	}
	rep := &Report{
		Experiment: "small", File: "experiments/small,1.toml", Old: Program{Name: "main", Revision: "0123456789abcdef0123", SHA256: "aa"},
		New:    Program{Name: "this program", Revision: "fedcba9876543210", SHA256: "bb"},
		Device: "cpu Example 9000", Threads: 2, Precision: "fp32", Rounds: 40, Budget: 3 * time.Minute, Took: 95300 * time.Millisecond, Family: 9,
	}
	thr, lat, mem := o.Metrics[0], o.Metrics[1], o.Metrics[2]
	exactly := func(old, newer float64) []Comparison {
		r := round{Exact: [2]map[string]float64{{"params": 35000, "memory_model": old}, {"params": 35000, "memory_model": newer}}}
		return exact([]round{r, r}, nil)
	}
	add := func(c Result) {
		for _, k := range c.Comparisons {
			c.Verdict = graver(c.Verdict, k.Verdict)
		}
		rep.Verdict = graver(rep.Verdict, c.Verdict)
		rep.Cells = append(rep.Cells, c)
	}
	add(Result{ID: "c1", Label: "patch=7 block=1", Rounds: 40, Fresh: 40, Disturbed: 2, Same: []string{"patch=7 block=1 depth=2"},
		Comparisons: append(exactly(140000, 140000), comparison(thr, 1000, 900, 0.004, 40), comparison(lat, 0.002, 0.0018, 0.004, 40),
			comparison(mem, 50<<20, 50<<20, 0.001, 40))})
	add(Result{ID: "c2", Label: "100 % <state> & \"pixels\"", Rounds: 40, Disturbed: 1,
		Comparisons: append(exactly(140000, 150000), comparison(thr, 1000, 990, 0.06, 40), comparison(lat, 0.002, 0.002, 0.002, 4))})
	add(Result{ID: "c3", Label: "patch=2 block=1", Verdict: Regression,
		Why: "the new program could not do it (oom: allocating the cache: out of memory)"})
	rep.Advice = advice(rep, o)
	return rep
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./harness/tools/check -update writes it again):\n%s", path, got)
	}
}

func written(t *testing.T, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Writers[format](example(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFormats(t *testing.T) {
	for _, format := range Formats() {
		golden(t, "report."+format, written(t, format))
	}
}

// What a reader of JUnit's format finds is what the report says.
func TestJUnitIsRead(t *testing.T) {
	raw := written(t, "junit")
	suites, err := junit.Ingest(raw)
	if err != nil {
		t.Fatal(err)
	}
	rep := example()
	if len(suites) != len(rep.Cells) {
		t.Fatalf("%d suites of %d cells", len(suites), len(rep.Cells))
	}
	var totals junit.Totals
	for i, s := range suites {
		if s.Name != rep.Cells[i].Label {
			t.Errorf("suite %q of cell %q", s.Name, rep.Cells[i].Label)
		}
		s.Aggregate()
		totals.Tests, totals.Passed, totals.Skipped = totals.Tests+s.Totals.Tests, totals.Passed+s.Totals.Passed, totals.Skipped+s.Totals.Skipped
		totals.Failed, totals.Error = totals.Failed+s.Totals.Failed, totals.Error+s.Totals.Error
		for j, c := range s.Tests {
			if k := rep.Cells[i].Comparisons; len(k) > 0 && (c.Name != k[j].Metric || k[j].Verdict == Regression &&
				!strings.Contains(c.Error.Error(), k[j].sentence())) {
				t.Errorf("case %q of comparison %q: %v", c.Name, k[j].Metric, c.Error)
			}
		}
	}
	want := junit.Totals{Tests: 10, Passed: rep.Count(Pass) + rep.Count(Improvement), Skipped: rep.Count(Inconclusive),
		Failed: rep.Count(Regression), Error: 1}
	if totals != want {
		t.Errorf("%+v, want %+v", totals, want)
	}
	// The counts in the file are its own.
	var attrs struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
	}
	if err := xml.Unmarshal(raw, &attrs); err != nil || attrs.Tests != want.Tests || attrs.Failures != want.Failed || attrs.Errors != 1 {
		t.Errorf("%+v, %v", attrs, err)
	}
}

var workflowCommand = regexp.MustCompile(`^::(error|warning|notice) ([a-zA-Z]+=[^,:]*(?:,[a-zA-Z]+=[^,:]*)*)::(.*)$`)

// Every line is a workflow command whose parts, read as GitHub's runner reads
// them, are what was meant.
func TestGitHubCommandsAreRead(t *testing.T) {
	var titles, texts []string
	for line := range strings.Lines(string(written(t, "github"))) {
		m := workflowCommand.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Fatalf("no workflow command: %q", line)
		}
		fields := map[string]string{}
		for p := range strings.SplitSeq(m[2], ",") {
			key, value, _ := strings.Cut(p, "=")
			fields[key] = unescape(value, "%2C", ",", "%3A", ":")
		}
		if fields["file"] != "experiments/small,1.toml" {
			t.Errorf("file %q", fields["file"])
		}
		titles, texts = append(titles, m[1]+" "+fields["title"]), append(texts, unescape(m[3]))
	}
	want := []string{
		"error regression: throughput of patch=7 block=1", "notice improvement: latency of patch=7 block=1",
		"error regression: memory_model of 100 % <state> & \"pixels\"", "warning inconclusive: throughput of 100 % <state> & \"pixels\"",
		"warning inconclusive: latency of 100 % <state> & \"pixels\"", "error regression: patch=2 block=1", "notice prabench check",
	}
	if !slices.Equal(titles, want) {
		t.Errorf("%q", titles)
	}
	rep := example()
	if texts[0] != rep.Cells[0].Comparisons[2].sentence() {
		t.Errorf("%q", texts[0])
	}
	if last := texts[len(texts)-1]; !strings.Contains(last, "\n"+rep.Advice[0]) {
		t.Errorf("%q", last)
	}
}

// unescape reads as GitHub's runner does: %25 last.
func unescape(s string, more ...string) string {
	for i := 0; i+1 < len(more); i += 2 {
		s = strings.ReplaceAll(s, more[i], more[i+1])
	}
	for _, p := range [][2]string{{"%0D", "\r"}, {"%0A", "\n"}, {"%25", "%"}} {
		s = strings.ReplaceAll(s, p[0], p[1])
	}
	return s
}

// The reader of the Go benchmark format finds every round.
func TestGoFormatIsRead(t *testing.T) {
	r := benchfmt.NewReader(bytes.NewReader(written(t, "go")), "go")
	got := map[string]int{}
	for r.Scan() {
		switch x := r.Result().(type) {
		case *benchfmt.Result:
			for _, v := range x.Values {
				got[x.GetConfig("arm")+" "+string(x.Name)+" "+v.Unit]++
			}
		case *benchfmt.UnitMetadata:
		default:
			t.Fatalf("%v", x)
		}
	}
	want := map[string]int{}
	for _, arm := range []string{"old", "new"} {
		for _, unit := range []string{"images/s", "sec/op", "memory-peak-B"} {
			want[arm+" Cell/patch=7/block=1-2 "+unit] = 40
		}
		want[arm+` Cell/label=100_%_<state>_&_"pixels"-2 images/s`] = 40
		want[arm+` Cell/label=100_%_<state>_&_"pixels"-2 sec/op`] = 4
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

// Benchstat sets the new program beside the old.
func TestBenchstatReads(t *testing.T) {
	if testing.Short() {
		t.Skip("builds benchstat: some seconds")
	}
	file := filepath.Join(t.TempDir(), "check.txt")
	if err := os.WriteFile(file, written(t, "go"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "golang.org/x/perf/cmd/benchstat", "-col", "arm", "-ignore", "program", file) // of the version in go.mod
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`(?m)^ +│ +old +│ +new +│$`, `Cell/patch=7/block=1-2 +1000\.0 ± 0% +900\.0 ± 0% +-10\.00% \(p=0\.000 n=40\)`,
		`sec/op`} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

func TestJSONIsReadBack(t *testing.T) {
	var back Report
	if err := json.Unmarshal(written(t, "json"), &back); err != nil {
		t.Fatal(err)
	}
	rep := example()
	if back.Verdict != rep.Verdict || len(back.Cells) != len(rep.Cells) || back.Took != rep.Took {
		t.Errorf("%+v", back)
	}
	for i, c := range rep.Cells {
		for j, k := range c.Comparisons {
			b := back.Cells[i].Comparisons[j]
			if b.Metric != k.Metric || b.Verdict != k.Verdict || math.Abs(b.Ratio-k.Ratio) > 1e-12 || (b.Lo == nil) != (k.Lo == nil) {
				t.Errorf("%s of %s: %+v", k.Metric, c.Label, b)
			}
		}
	}
}

func TestVerdictsHaveExitCodes(t *testing.T) {
	for v, want := range map[Verdict]int{Pass: 0, Improvement: 0, Regression: 1, Inconclusive: 3} {
		if got := v.ExitCode(); got != want {
			t.Errorf("%s: exit code %d, want %d", v, got, want)
		}
	}
	if fmt.Sprint(New, Old) != "new old" {
		t.Error("the sides have other names")
	}
}
