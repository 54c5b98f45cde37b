package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"prabench/results/record"
)

func text(t testing.TB, c Content) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSameContentSameBytes(t *testing.T) {
	first := text(t, Content{Database: "results.db", Experiments: []Experiment{made("a", 5, 3), made("b", 3, 1)}})
	for range 5 {
		if again := text(t, Content{Database: "results.db", Experiments: []Experiment{made("a", 5, 3), made("b", 3, 1)}}); again != first {
			t.Fatal("the same content gave other bytes")
		}
	}
}

// What makes numbers doubtful is said before them.
func TestWarnings(t *testing.T) {
	e := made("a", 4, 1)
	for i := range e.Rows {
		if e.Rows[i].Seed == 1 && *e.Rows[i].Patch == 7 {
			e.Rows[i].Code = "def456"
			if e.Rows[i].Metric == "fid_proxy" {
				e.Rows[i].Protocol = "kind=other"
			}
		}
	}
	e.Cells[1].Outcome, e.Cells[1].Reason = record.Pending, ""
	x, err := newExperiment(e, 0)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, w := range x.Warnings {
		said = append(said, w.Text+" "+strings.Join(w.Items, "; "))
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{
		"1 of 4 cells failed or wait for one that did (1 oom)", "patch=28, seed 1: oom in train, needs 9 GiB of 8",
		"1 of 4 cells are not finished", "while 1 of 3 cells were timed", "patch=14, seed 1: 1 of 5 rounds",
		"2 states of the program", "def456: values of 1 cells", "FD (proxy) was measured under 2 protocols", "one training seed",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the warnings do not say %q:\n%s", want, all)
		}
	}
	if !x.Warnings[0].Grave || !strings.Contains(x.Warnings[0].Text, "failed") {
		t.Errorf("first comes %+v", x.Warnings[0])
	}
	several, err := newExperiment(made("a", 3, 3), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range several.Warnings {
		if strings.Contains(w.Text, "one training seed") || strings.Contains(w.Text, "states of the program") {
			t.Errorf("three seeds of one revision: %s", w.Text)
		}
	}
}

// Values of two protocols come into two charts.
func TestProtocolsShareNoAxis(t *testing.T) {
	e := made("a", 5, 2)
	m := e.Data.Cells[0].Metrics["fid_proxy"]
	m.Protocol = "another"
	e.Data.Cells[0].Metrics["fid_proxy"] = m
	m = e.Data.Cells[1].Metrics["throughput"]
	m.Device = "cpu Opteron"
	e.Data.Cells[1].Metrics["throughput"] = m
	x, err := newExperiment(e, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Charts) != 3 || len(x.Charts[0].Marks) != 1 || len(x.Charts[1].Marks) != 1 || len(x.Charts[2].Marks) != 2 ||
		len(x.Charts[0].Missing) != 1 || x.Charts[1].Missing != nil {
		t.Fatalf("%d charts: %+v", len(x.Charts), x.Charts)
	}
	for i, want := range []string{"FD (proxy) under protocol another", "throughput on cpu Opteron", "FD (proxy) under protocol kind=score"} {
		if said := strings.Join(x.Charts[i].Caption, " "); !strings.Contains(said, want) {
			t.Errorf("chart %d does not say %q: %s", i+1, want, said)
		}
	}
}

// Every number of the tables has its attempts, and those are known.
func TestEveryNumberHasItsOrigin(t *testing.T) {
	page := text(t, Content{Experiments: []Experiment{made("a", 4, 2)}})
	_, data, _ := strings.Cut(page, `id="provenance">`)
	data, _, _ = strings.Cut(data, "</script>")
	var p struct {
		Metrics  [][3]string
		Texts    []string
		Attempts [][]any
		Rows     map[string][][]any
	}
	if err := json.Unmarshal([]byte(data), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Rows) != 4+8 {
		t.Errorf("%d rows have origins", len(p.Rows))
	}
	values := 0
	for id, row := range p.Rows {
		for _, v := range row {
			values++
			at := v[9].([]any)
			if len(at) == 0 || strings.HasPrefix(id, "e0-p") && len(at) != 2 {
				t.Errorf("%s of %s comes from %v", p.Metrics[int(v[0].(float64))][0], id, at)
			}
			for _, i := range at {
				if a := p.Attempts[int(i.(float64))]; len(a) != 8 {
					t.Errorf("attempt %v is not known", a)
				}
			}
		}
	}
	if shown := strings.Count(page, "data-v="); shown != values {
		t.Errorf("%d numbers are shown, %d have an origin", shown, values)
	}
}

// nasty are names that a page must show, and never obey.
var nasty = []string{
	`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`,
	`</style><svg onload=alert(1)>`,
	`<!--`, `-->`, `]]>`, `&lt;b&gt;`, "{{.}}", "javascript:alert(1)", "日本語 ±µ → 🦊", "\u202Eright to left\u2066", "line\nbreak\ttab",
	"\\u003cscript\\u003e", "`${alert(1)}`", "a\u2028b", "%3Cscript%3E",
	strings.Repeat("W", 3000),
}

// elements are the elements and attributes of a page, without their texts.
func elements(t testing.TB, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("a comment: %q", n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		b.WriteString(n.Data)
		for _, a := range n.Attr {
			b.WriteString(" " + a.Key)
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
			}
			if (a.Key == "src" || a.Key == "href") && !strings.HasPrefix(a.Val, "data:image/") && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("<%s> refers to %q", n.Data, a.Val)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// A name changes texts and values of attributes, nothing else.
func TestNamesAreOnlyText(t *testing.T) {
	plain := elements(t, text(t, Content{Database: "plain", Experiments: []Experiment{renamed(made("a", 3, 2), "plain")}}))
	for _, name := range nasty {
		page := text(t, Content{Database: name, Experiments: []Experiment{renamed(made("a", 3, 2), name)}})
		if got := elements(t, page); got != plain {
			t.Errorf("%q changes the page's elements", name)
		}
	}
}

func FuzzNamesAreOnlyText(f *testing.F) {
	for _, name := range nasty {
		f.Add(name)
	}
	plain := elements(f, text(f, Content{Database: "plain", Experiments: []Experiment{renamed(made("a", 2, 2), "plain")}}))
	f.Fuzz(func(t *testing.T, name string) {
		if strings.TrimSpace(name) == "" || !utf8.ValidString(name) {
			t.Skip() // elements that hold an empty text are left out, as they should be
		}
		if got := elements(t, text(t, Content{Database: name, Experiments: []Experiment{renamed(made("a", 2, 2), name)}})); got != plain {
			t.Errorf("%q changes the page's elements", name)
		}
	})
}

func TestNothingToReport(t *testing.T) {
	if page := text(t, Content{Database: "results.db"}); !strings.Contains(page, "There is no experiment in results.db") {
		t.Error(page)
	}
	e := made("a", 2, 1)
	e.Rows, e.Attempts = nil, nil
	for i := range e.Data.Cells {
		e.Data.Cells[i].Metrics, e.Data.Cells[i].Curve, e.Data.Cells[i].Grid, e.Means[i] = nil, nil, nil, nil
	}
	if page := text(t, Content{Experiments: []Experiment{e}}); !strings.Contains(page, "oom") {
		t.Error("the failed cell is not told")
	}
}

// Intervals are whole: the axes reach to their ends in both directions, and what a log axis
// has no place for is said.
func TestErrorBarsAreWhole(t *testing.T) {
	for name, c := range map[string]struct {
		lo, hi float64 // of both metrics, as factors of the value
		logX   bool
		says   bool
	}{
		"narrow":             {0.95, 1.05, false, false},
		"three times as far": {0.1, 3, false, false},
		"below zero":         {-2, 4, false, false},
		"on a log axis":      {0.2, 5, true, false},
		"below zero, log":    {-0.5, 2.5, true, true},
	} {
		e := made("a", 4, 2)
		for i := range e.Data.Cells {
			for metric, m := range e.Data.Cells[i].Metrics {
				if metric == "fid_proxy" && c.logX { // a log axis of x alone
					continue
				}
				m.Lo, m.Hi = ptr(m.Value*c.lo), ptr(m.Value*c.hi)
				e.Data.Cells[i].Metrics[metric] = m
			}
		}
		off := false
		e.Pareto.LogX, e.Pareto.LogY = &c.logX, &off
		x, err := newExperiment(e, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(x.Charts) == 0 || len(x.Charts[0].Marks) == 0 {
			t.Fatalf("%s: no chart", name)
		}
		for _, m := range x.Charts[0].Marks {
			left, right := min(m.XLo, m.XHi), max(m.XLo, m.XHi)
			if !m.HasX || right >= chartWidth-chartRight || left <= chartLeft && !c.says {
				t.Errorf("%s: the interval of x from %g to %g is cut by the frame", name, left, right)
			}
			top, bottom := min(m.YLo, m.YHi), max(m.YLo, m.YHi)
			if !m.HasY || top <= chartTop || bottom >= chartHeight-chartBottom {
				t.Errorf("%s: the interval of y from %g to %g is cut by the frame", name, top, bottom)
			}
		}
		if said := strings.Contains(strings.Join(x.Charts[0].Caption, " "), "cut at the frame"); said != c.says {
			t.Errorf("%s: that intervals are cut is said: %v", name, said)
		}
	}
}

// A training that diverged is the first thing that is said of the numbers.
func TestDivergedTrainingsAreWarnedOf(t *testing.T) {
	e := made("a", 4, 2)
	for i, cell := range []struct {
		id   string
		rise float64
	}{{"c0-1", 1}, {"c0-2", 1.9}, {"c1-1", 2.1}, {"c2-2", 812.4}} {
		r := e.Rows[0]
		r.Cell, r.Metric, r.Value, r.Label, r.Seed = cell.id, "loss_rise", cell.rise, "point "+cell.id, uint64(i)
		e.Rows = append(e.Rows, r)
	}
	x, err := newExperiment(e, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range x.Warnings {
		if !strings.Contains(w.Text, "diverged") {
			continue
		}
		items := strings.Join(w.Items, "; ")
		if !w.Grave || !strings.HasPrefix(w.Text, "2 trainings") || !strings.Contains(items, "point c1-1, seed 2: its loss ended at 2.1 times") ||
			!strings.Contains(items, "812 times") || strings.Contains(items, "c0") {
			t.Errorf("%+v", w)
		}
		return
	}
	t.Error("nothing is said")
}

// One state of the program is a reason to warn where nobody can build it again: the hash
// of a program of unknown source is no revision.
func TestUnknownRevisionsAreWarnedOf(t *testing.T) {
	commit := strings.Repeat("0123456789", 4)
	for code, warned := range map[string]bool{commit: false, commit + ".1f2e3d4c+dirty": true, commit + "+dirty": true, "1f2e3d4c": true,
		"unknown": true} {
		e := made("a", 2, 1)
		for i := range e.Rows {
			e.Rows[i].Code = code
		}
		x, err := newExperiment(e, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.ContainsFunc(x.Warnings, func(w warning) bool { return strings.Contains(w.Text, "no known revision: "+code) })
		if got != warned {
			t.Errorf("%s: warned %v: %+v", code, got, x.Warnings)
		}
	}
}
