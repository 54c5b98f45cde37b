package plots

import (
	"math"
	"strings"
	"testing"

	"prabench/internal/latex"
	"prabench/plots/figure"
)

// TestTablesCompile sets tables with whatever stands in names, reasons and labels.
func TestTablesCompile(t *testing.T) {
	nasty := tradeoff()
	for i, s := range []string{`50 % \input{x} & {y} ~^_#$`, "σ ≥ 0.5 → λ", "[b] é “quoted” 世", "-- --- x|y <z>"} {
		nasty.Cells[i].Params["model.target"], nasty.Cells[i].Label = s, s
		nasty.Cells[i+8].Outcome, nasty.Cells[i+8].Reason, nasty.Cells[i+8].Metrics = "crash", s, nil
	}
	nasty.Experiment = `e_x%p\&`
	var body strings.Builder
	for _, c := range []struct {
		fig  Figure
		data Data
	}{
		{Figure{Kind: figure.Table, Title: `Title with 50 % & more_`, Columns: []string{"fid_proxy", "throughput", "memory_peak"}}, nasty},
		{Figure{Kind: figure.Table, Name: "a_b.c", Title: "t", Rows: []string{"label"}}, methods()},
		{Figure{Kind: figure.Table, Columns: []string{"fid_proxy"}, Rows: []string{"model.target", "model.patch", "model.block",
			"train.rollout_depth"}}, nasty},
	} {
		_, tex, err := Tables(c.fig, c.data)
		if err != nil {
			t.Fatal(err)
		}
		structure(t, tex)
		body.WriteString(tex + "\n")
	}
	if ok, why := latex.Available(); !ok {
		t.Skip("checked by structure only, not compiled: " + why)
	}
	if testing.Short() {
		t.Skip("checked by structure only: LaTeX takes a second")
	}
	if log, err := latex.Compile(t.TempDir(), body.String()); err != nil || strings.Contains(log, "Missing character") {
		t.Errorf("%v\n%s", err, log)
	}
}

// structure holds that environments are closed and that every row has as many
// entries as the table has columns.
func structure(t *testing.T, tex string) {
	t.Helper()
	var open []string
	columns := 0
	for _, line := range strings.Split(tex, "\n") {
		if rest, ok := strings.CutPrefix(line, `\begin{`); ok {
			name, spec, _ := strings.Cut(rest, "}")
			open = append(open, name)
			if name == "tabular" {
				columns = strings.Count(spec, "l") + strings.Count(spec, "r")
			}
		}
		if rest, ok := strings.CutPrefix(line, `\end{`); ok {
			name, _, _ := strings.Cut(rest, "}")
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("%s closes %v", line, open)
			}
			open = open[:len(open)-1]
		}
		if strings.HasSuffix(line, ` \\`) {
			if n := strings.Count(strings.ReplaceAll(line, `\&`, ""), "&") + 1; n != columns {
				t.Errorf("%d entries in %q, want %d", n, line, columns)
			}
		}
	}
	if len(open) > 0 {
		t.Errorf("%v is left open", open)
	}
}

// The best of a column is bold, and what is not separated from it underlined, in every
// format; with best = true there is the bold one alone.
func TestMarks(t *testing.T) {
	seeds := func(v ...float64) MetricValue {
		m := MetricValue{Value: mean(v), Values: v, Unit: "1", Interval: "95 % over seeds"}
		d := Compare(m, MetricValue{Values: []float64{0, 0}})
		m.Lo, m.Hi = ptr(d.Lo), ptr(d.Hi)
		return m
	}
	data := func(best MetricValue) Data {
		return Data{Experiment: "e", Cells: []CellData{
			{Label: "a", Metrics: map[string]MetricValue{"fid_proxy": best}, Seeds: 3},
			{Label: "b", Metrics: map[string]MetricValue{"fid_proxy": seeds(20, 20.5, 21)}, Seeds: 3},
			{Label: "c", Metrics: map[string]MetricValue{"fid_proxy": seeds(30, 30.5, 31)}, Seeds: 3},
		}}
	}
	fig := Figure{Kind: figure.Table, Rows: []string{"label"}}
	for _, c := range []struct {
		best        MetricValue
		alone       bool
		bold, under int
	}{
		{seeds(10, 10.5, 11), false, 1, 0}, {seeds(18, 20, 22), false, 1, 1}, {seeds(18, 20, 22), true, 1, 0},
		{MetricValue{Value: 1, Unit: "1"}, false, 0, 0},
	} {
		fig.Best = c.alone
		md, tex, err := Tables(fig, data(c.best))
		if err != nil {
			t.Fatal(err)
		}
		page, err := TableHTML(fig, data(c.best))
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string][2]int{
			"md":   {strings.Count(md, "**") / 2, strings.Count(md, "<u>")},
			"tex":  {strings.Count(tex, `\textbf{`), strings.Count(tex, `\underline{`)},
			"html": {strings.Count(page, "<b>"), strings.Count(page, "<u>")},
		} {
			if got != [2]int{c.bold, c.under} {
				t.Errorf("%s of %v (best: %v): %d bold and %d underlined, want %d and %d", name, c.best.Values, c.alone, got[0], got[1], c.bold,
					c.under)
			}
		}
	}
}

// A value that is missing, or a whole column, leaves the rest of a table in its place: in
// each format the cell is marked, and a note says what is missing and why.
func TestTablesAreNeverRefusedForWhatIsMissing(t *testing.T) {
	holes := methods()
	delete(holes.Cells[2].Metrics, "precision")
	holes.Cells[3].Metrics["fid_proxy"] = MetricValue{Value: math.NaN(), Protocol: protocol}
	holes.Cells[4].Metrics, holes.Cells[4].Outcome, holes.Cells[4].Reason = nil, "oom", "the worker passed its limit of 8 GiB"
	empty := methods()
	for i := range empty.Cells {
		empty.Cells[i].Metrics = map[string]MetricValue{"params": {Value: 3, Unit: "1"}}
	}
	for name, c := range map[string]struct {
		data    Data
		columns []string
		want    []string
	}{
		"one value": {holes, []string{"fid_proxy", "precision", "params"}, []string{"– not measured: precision (1 of 8 rows).", "not a number",
			"1 of 8 cells lack values: oom (1).", "oom: the worker passed its limit of 8 GiB"}},
		"a column": {holes, []string{"fid_proxy", "seam_index"}, []string{"blockiness (7 of 8 rows)", "oom"}},
		"every column but one": {empty, []string{"kid", "params", "vendi", "throughput"},
			[]string{"– not measured: KD (proxy) (no row has it), Vendi score (no row has it), throughput (no row has it)."}},
		"every column": {empty, []string{"kid"}, []string{"KD (proxy) (no row has it)"}},
	} {
		fig := Figure{Kind: figure.Table, Columns: c.columns}
		md, tex, err := Tables(fig, c.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		page, err := TableHTML(fig, c.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		structure(t, tex)
		if got := strings.Count(md, "\n| "); got != 1+len(c.data.Cells) {
			t.Errorf("%s: %d rows of Markdown", name, got)
		}
		for _, want := range c.want {
			for format, text := range map[string]string{"Markdown": md, "HTML": page} {
				if text = strings.ReplaceAll(text, `\_`, "_"); !strings.Contains(text, want) {
					t.Errorf("%s: %s does not say %q:\n%s", name, format, want, text)
				}
			}
		}
	}
	// A name that is no metric is a slip of the pen.
	if _, _, err := Tables(Figure{Kind: figure.Table, Columns: []string{"speed"}}, holes); err == nil {
		t.Error("a column that is no metric is written")
	}
}

// A title is bold in Markdown, whatever spaces stand around it.
func TestTitleIsBold(t *testing.T) {
	for title, want := range map[string]string{
		"a title": "**a title**\n\n| ", " ends in a line\n": "**ends in a line**\n\n| ", " ": "| ", "": "| ",
	} {
		md, _, err := Tables(Figure{Kind: figure.Table, Title: title}, methods())
		if err != nil || !strings.HasPrefix(md, want) {
			t.Errorf("%q: %v\n%s", title, err, md)
		}
	}
}
