package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// column is one metric of a table.
type column struct {
	dimension
	factor float64
	unit   string
	digits int // decimals of most of its intervals
}

// tableCell is one value: the number, its interval, or why there is none.
type tableCell struct {
	value, interval, why string
	best                 bool
}

// Tables writes a figure of kind table as Markdown and as LaTeX (booktabs).
// Values carry their intervals, are rounded to the interval's second digit, and
// the best of a column is bold. What failed is named in place of its value.
func Tables(fig Figure, data Data) (markdown, latex string, err error) {
	t, err := newTable(fig, data)
	if err != nil {
		return "", "", err
	}
	return t.markdown(), t.latex(), nil
}

type table struct {
	*selection
	keys    []dimension
	columns []column
	cells   [][]tableCell // by row and column
	notes   []string
}

func newTable(fig Figure, data Data) (*table, error) {
	sel, err := choose(fig, data)
	if err != nil {
		return nil, err
	}
	t := &table{selection: sel}
	names := fig.Rows
	if len(names) == 0 {
		for _, n := range []string{fig.Facet, fig.Series} {
			if n != "" {
				names = append(names, n)
			}
		}
	}
	if len(names) == 0 {
		names = sel.varying()
		for _, c := range sel.cells {
			if c.Label != "" { // people have named the rows
				names = []string{"label"}
			}
		}
	}
	if len(names) == 0 {
		names = []string{"label"}
	}
	var dims []*dimension
	for _, n := range names {
		d, err := sel.category("rows", n)
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, *d)
		dims = append(dims, d)
	}
	if err := sel.distinct("table", dims...); err != nil {
		return nil, err
	}
	names = fig.Columns
	if len(names) == 0 && fig.Y != "" {
		names = []string{fig.Y}
	}
	if len(names) == 0 {
		names = sel.metrics()
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("nothing to write: none of the %d cells has a metric%s", len(sel.cells), sel.outcomes())
	}
	for _, n := range names {
		d, err := sel.metric("columns", n)
		if err != nil {
			return nil, err
		}
		c := column{dimension: d}
		c.factor, c.unit = sel.unit(d)
		c.digits = c.decimals(sel.cells)
		t.columns = append(t.columns, c)
	}
	t.fill()
	return t, nil
}

func (t *table) fill() {
	missing := map[string]int{}
	seen := map[string]bool{}
	for _, c := range t.selection.cells {
		row := make([]tableCell, len(t.columns))
		short := false
		for j := range t.columns {
			row[j] = t.columns[j].cell(c)
			short = short || row[j].why != ""
		}
		t.cells = append(t.cells, row)
		if failed(c) && short {
			missing[c.Outcome]++
			if c.Reason != "" && !seen[c.Outcome+c.Reason] {
				seen[c.Outcome+c.Reason] = true
				t.notes = append(t.notes, c.Outcome+": "+strings.Join(strings.Fields(c.Reason), " "))
			}
		}
	}
	if len(missing) > 0 {
		n := 0
		for _, k := range missing {
			n += k
		}
		t.notes = append([]string{fmt.Sprintf("%d of %d cells failed: %s.", n, len(t.selection.cells), counted(missing))}, t.notes...)
	}
	for j, col := range t.columns {
		best := math.NaN()
		for _, c := range t.selection.cells {
			m, ok := c.Metrics[col.name]
			if v := m.Value * float64(col.q.better); ok && col.q.better != 0 && !math.IsInf(v, 0) && !math.IsNaN(v) && !(v <= best) {
				best = v
			}
		}
		same := true
		for i, c := range t.selection.cells {
			m, ok := c.Metrics[col.name]
			t.cells[i][j].best = ok && m.Value*float64(col.q.better) == best
			same = same && (!ok || t.cells[i][j].best)
		}
		for i := range t.cells { // a best among equals says nothing
			t.cells[i][j].best = t.cells[i][j].best && !same
		}
	}
}

// decimals shows the two leading digits of the column's median interval, so that
// a column has the same decimals throughout.
func (c column) decimals(cells []CellData) int {
	var halves []float64
	for _, cell := range cells {
		m, ok := cell.Metrics[c.name]
		if !ok || m.Lo == nil || m.Hi == nil {
			continue
		}
		if h := math.Max(math.Abs(m.Value-*m.Lo), math.Abs(*m.Hi-m.Value)) * c.factor; h > 0 && !math.IsInf(h, 0) {
			halves = append(halves, h)
		}
	}
	if len(halves) == 0 {
		return 0
	}
	slices.Sort(halves)
	return decimalsFor(halves[len(halves)/2])
}

func decimalsFor(half float64) int {
	return max(0, 1-int(math.Floor(math.Log10(half)+1e-12)))
}

// cell rounds a value to its interval.
func (c column) cell(cell CellData) tableCell {
	m, ok := cell.Metrics[c.name]
	switch {
	case !ok && failed(cell):
		return tableCell{why: cell.Outcome}
	case !ok:
		return tableCell{why: "–"}
	case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
		return tableCell{why: "not a number"}
	}
	v := m.Value * c.factor
	if m.Lo == nil || m.Hi == nil || math.IsNaN(*m.Lo) || math.IsNaN(*m.Hi) {
		if v == math.Trunc(v) && math.Abs(v) < 1e6 {
			return tableCell{value: fmt.Sprintf("%.0f", v)}
		}
		return tableCell{value: digitsOf(v, 4)}
	}
	below, above := v-*m.Lo*c.factor, *m.Hi*c.factor-v
	half := math.Max(math.Abs(below), math.Abs(above))
	if half == 0 || math.IsInf(half, 0) {
		return tableCell{value: digitsOf(v, 4), interval: "± 0"}
	}
	digits := c.digits
	if half < math.Pow10(-digits) { // the column's decimals would round it away
		digits = decimalsFor(half)
	}
	if digits > 8 {
		return tableCell{value: digitsOf(v, 4)}
	}
	f := func(x float64) string { return fmt.Sprintf("%.*f", digits, x) }
	if below < 0 || above < 0 || math.Abs(below-above) > 0.15*half {
		return tableCell{value: f(v), interval: "[" + f(v-below) + ", " + f(v+above) + "]"}
	}
	return tableCell{value: f(v), interval: "± " + f((below+above)/2)}
}

// head is a column's title; up and down are how higher and lower is better
// are written.
func (c column) head(up, down string) string {
	s := c.q.short
	if c.unit != "" {
		s += " (" + c.unit + ")"
	}
	switch c.q.better {
	case +1:
		s += " " + up
	case -1:
		s += " " + down
	}
	return s
}

func (t *table) foot() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return append(t.notes, t.source(names...))
}

func (t *table) markdown() string {
	var b strings.Builder
	esc := strings.NewReplacer("|", `\|`, "\n", " ", "*", `\*`, "_", `\_`, "<", "&lt;")
	if t.fig.Title != "" {
		fmt.Fprintf(&b, "**%s**\n\n", esc.Replace(t.fig.Title))
	}
	var head, rule []string
	for _, k := range t.keys {
		head = append(head, esc.Replace(k.q.short))
		rule = append(rule, ":--")
	}
	for _, c := range t.columns {
		head = append(head, esc.Replace(c.head("↑", "↓")))
		rule = append(rule, "--:")
	}
	fmt.Fprintf(&b, "| %s |\n| %s |\n", strings.Join(head, " | "), strings.Join(rule, " | "))
	for i, c := range t.selection.cells {
		var row []string
		for _, k := range t.keys {
			row = append(row, esc.Replace(show(t.value(c, k))))
		}
		for _, v := range t.cells[i] {
			switch {
			case v.why == "–":
				row = append(row, v.why)
			case v.why != "":
				row = append(row, "*"+esc.Replace(v.why)+"*")
			case v.best:
				row = append(row, strings.TrimSpace("**"+v.value+"** "+v.interval))
			default:
				row = append(row, strings.TrimSpace(v.value+" "+v.interval))
			}
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	b.WriteByte('\n')
	for i, n := range t.foot() {
		if i > 0 {
			b.WriteString("<br>\n")
		}
		fmt.Fprintf(&b, "<sub>%s</sub>", esc.Replace(n))
	}
	b.WriteByte('\n')
	return b.String()
}

var latexEscapes = strings.NewReplacer(
	`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`, "{", `\{`, "}", `\}`,
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "<", `\textless{}`, ">", `\textgreater{}`,
	"±", `$\pm$`, "×", `$\times$`, "·", `$\cdot$`, "µ", `\textmu{}`, "–", "--", "…", `\dots{}`,
	"é", `\'e`, "\n", " ",
)

func (t *table) latex() string {
	var b strings.Builder
	esc := latexEscapes.Replace
	b.WriteString("% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n")
	if t.fig.Title != "" {
		fmt.Fprintf(&b, "\\caption{%s}\n", esc(t.fig.Title))
	}
	fmt.Fprintf(&b, "\\begin{tabular}{%s%s}\n\\toprule\n", strings.Repeat("l", len(t.keys)), strings.Repeat("r", len(t.columns)))
	var head []string
	for _, k := range t.keys {
		head = append(head, esc(k.q.short))
	}
	for _, c := range t.columns { // arrows after escaping: they are commands
		head = append(head, strings.NewReplacer("!up!", `$\uparrow$`, "!down!", `$\downarrow$`).Replace(esc(c.head("!up!", "!down!"))))
	}
	fmt.Fprintf(&b, "%s \\\\\n\\midrule\n", strings.Join(head, " & "))
	for i, c := range t.selection.cells {
		var row []string
		for _, k := range t.keys {
			row = append(row, esc(show(t.value(c, k))))
		}
		for _, v := range t.cells[i] {
			text := esc(v.value)
			switch {
			case v.why == "–":
				text = "--"
			case v.why != "":
				text = `\textit{` + esc(v.why) + "}"
			case v.best:
				text = `\textbf{` + text + "}"
			}
			if v.interval != "" {
				text += " " + strings.NewReplacer("±", `$\pm$`).Replace(v.interval)
			}
			row = append(row, text)
		}
		line := strings.Join(row, " & ")
		if strings.HasPrefix(line, "[") { // else the line before takes it for its spacing
			line = "{}" + line
		}
		fmt.Fprintf(&b, "%s \\\\\n", line)
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n\n\\smallskip\n{\\scriptsize\n")
	for _, f := range t.foot() {
		fmt.Fprintf(&b, "%s\\par\n", esc(f))
	}
	b.WriteString("}\n\\end{table}\n")
	return b.String()
}
