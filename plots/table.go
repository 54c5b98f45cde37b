package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"gonum.org/v1/plot/vg"

	"prabench/internal/latex"
	"prabench/plots/layout"
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
// Values carry their intervals and are rounded to the interval's second digit.
// The best of a column is bold when it is separated from every other value. What
// failed is named in place of its value.
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
	bold    bool // a value is
}

func newTable(fig Figure, data Data) (*table, error) {
	sel, err := choose(fig, data)
	if err != nil {
		return nil, err
	}
	t := &table{selection: sel}
	names := fig.Rows
	if len(names) == 0 {
		names = sel.varying()
		for _, c := range sel.cells {
			if c.Label != "" { // people have named the rows
				names = []string{cellLabel}
			}
		}
	}
	if len(names) == 0 {
		names = []string{cellLabel}
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
		t.notes = append([]string{fmt.Sprintf("%d of %d cells lack values: %s.", n, len(t.selection.cells), counted(missing))}, t.notes...)
	}
	for j, col := range t.columns {
		if i := col.winner(t.selection.cells); i >= 0 {
			t.cells[i][j].best = true
			t.bold = true
		}
	}
}

// winner is the cell that is better than every other by more than their noise,
// −1 where there is none.
func (c column) winner(cells []CellData) int {
	best, others := -1, 0
	value := func(i int) (MetricValue, bool) {
		m, ok := cells[i].Metrics[c.name]
		return m, ok && !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0)
	}
	for i := range cells {
		if m, ok := value(i); ok {
			others++
			if b, _ := value(max(best, 0)); best < 0 || (m.Value-b.Value)*float64(c.q.better) > 0 {
				best = i
			}
		}
	}
	if best < 0 || others < 2 || c.q.better == 0 {
		return -1
	}
	b, _ := value(best)
	for i := range cells {
		if m, ok := value(i); ok && i != best && !apart(c.name, b, m) {
			return -1
		}
	}
	return best
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
	if half == 0 && c.digits > 0 && c.digits <= 8 {
		return tableCell{value: fmt.Sprintf("%.*f", c.digits, v), interval: "± 0"}
	}
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
	notes := t.notes
	if t.bold {
		notes = append(notes, "Bold: better than every other row, the difference outside its 95 % interval.")
	}
	return append(notes, t.source(names...))
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

// latex writes a float of its own: over both columns of a page when it is wide.
func (t *table) latex() string {
	var b strings.Builder
	esc := latex.Escape
	env, size := "table", ""
	width := t.width()
	if width > singleColumn {
		env = "table*"
	}
	for _, s := range latexSizes {
		if width*s.scale > bothColumns {
			size = s.smaller
		}
	}
	fmt.Fprintf(&b, "%% needs \\usepackage{booktabs}\n\\begin{%s}\n\\centering\n%s", env, size)
	if t.fig.Title != "" {
		fmt.Fprintf(&b, "\\caption{%s}\n", esc(t.fig.Title))
		if stem, err := t.fig.Stem(); err == nil { // a label is no text, it takes names of files
			fmt.Fprintf(&b, "\\label{tab:%s}\n", strings.Map(labelRune, t.data.Experiment+":"+stem))
		}
	}
	fmt.Fprintf(&b, "\\begin{tabular}{%s%s}\n\\toprule\n", strings.Repeat("l", len(t.keys)), strings.Repeat("r", len(t.columns)))
	var head []string
	for _, k := range t.keys {
		head = append(head, esc(k.q.short))
	}
	for j := range t.columns {
		var lines []string
		for _, l := range t.headLines(j) {
			lines = append(lines, esc(l))
		}
		if len(lines) == 1 {
			head = append(head, lines[0])
		} else {
			head = append(head, `\begin{tabular}[b]{@{}r@{}}`+strings.Join(lines, `\\`)+`\end{tabular}`)
		}
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
				text = latex.Italic(esc(v.why))
			case v.best:
				text = latex.Bold(text)
			}
			if v.interval != "" {
				text += " " + esc(v.interval)
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
	fmt.Fprintf(&b, "}\n\\end{%s}\n", env)
	return b.String()
}

// Widths of a column of two and of both, in points.
const (
	singleColumn = 240
	bothColumns  = 500
)

// latexSizes are what a table is set in that would be wider than both columns at
// the size before.
var latexSizes = []struct {
	scale   vg.Length // of the size before
	smaller string
}{{1, "\\small\n"}, {0.9, "\\footnotesize\n"}, {0.8, "\\scriptsize\n\\setlength{\\tabcolsep}{3pt}\n"}}

// headLines breaks a column's title into lines about as wide as its values.
func (t *table) headLines(column int) []string {
	pn, head, w := layout.Pen{Size: 10}, t.columns[column].head("↑", "↓"), max(t.valuesWidth(column), 48)
	for _, word := range layout.Words(head) {
		w = max(w, pn.Width(word)) // no word is broken
	}
	lines := pn.Wrap(head, w)
	if n := len(lines); n > 1 && (lines[n-1] == "↑" || lines[n-1] == "↓") { // an arrow does not stand alone
		lines[n-2] += " " + lines[n-1]
		lines = lines[:n-1]
	}
	return lines
}

// valuesWidth is about that of a column without its title.
func (t *table) valuesWidth(column int) vg.Length {
	pn, w := layout.Pen{Size: 10}, vg.Length(0)
	for i := range t.cells {
		v := t.cells[i][column]
		w = max(w, pn.Width(strings.TrimSpace(v.value+v.why+" "+v.interval)))
	}
	return w
}

// width is about that of the table with text of 10 pt, in points.
func (t *table) width() vg.Length {
	pn := layout.Pen{Size: 10}
	widths := make([]vg.Length, len(t.keys)+len(t.columns))
	for j, k := range t.keys {
		widths[j] = pn.Width(k.q.short)
		for _, c := range t.selection.cells {
			widths[j] = max(widths[j], pn.Width(show(t.value(c, k))))
		}
	}
	for j := range t.columns {
		at := len(t.keys) + j
		widths[at] = t.valuesWidth(j)
		for _, l := range t.headLines(j) {
			widths[at] = max(widths[at], pn.Width(l))
		}
	}
	sum := vg.Length(0)
	for _, w := range widths {
		sum += w + 12 // \tabcolsep on both sides
	}
	return sum
}

func labelRune(r rune) rune {
	if r == ':' || r == '-' || r == '.' || r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return r
	}
	return '-'
}
