package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/plots/figure"
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
	standing             Standing
}

// notMeasured stands for a value that a cell does not have although nothing failed.
const notMeasured = "–"

var _ = register(figure.Table, plotter{write: func(sel *selection) (text, error) { return newTable(sel) }})

// table is a figure of kind table: rows are cells, columns metrics.
type table struct {
	*selection
	keys    []dimension
	columns []column
	cells   [][]tableCell // by row and column
	notes   []string
	marked  map[Standing]bool // which marks there are
}

func newTable(sel *selection) (*table, error) {
	t := &table{selection: sel}
	if err := t.rows(); err != nil {
		return nil, err
	}
	names := sel.fig.Columns
	if len(names) == 0 {
		names = sel.metrics()
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("nothing to write: none of the %d cells has a metric%s", len(sel.cells), sel.outcomes())
	}
	for _, n := range names {
		d, err := sel.column(n)
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

// column resolves a metric of a table. One that no cell has is a column without values:
// the others are worth their table.
func (s *selection) column(name string) (dimension, error) {
	for _, c := range s.cells {
		if _, ok := c.Metrics[name]; ok {
			return s.metric("columns", name)
		}
	}
	if quantity.Find(name) != nil {
		return dimension{name: name, metric: true, numeric: true, q: describe(name)}, nil
	}
	return s.metric("columns", name)
}

// rows resolves what identifies a row: what the figure says, else the labels
// that people gave, else every key that varies.
func (t *table) rows() error {
	names := t.fig.Rows
	if len(names) == 0 {
		names = t.varying()
		for _, c := range t.selection.cells {
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
		d, err := t.category("rows", n)
		if err != nil {
			return err
		}
		t.keys = append(t.keys, *d)
		dims = append(dims, d)
	}
	return t.distinct("table", dims...)
}

func (t *table) fill() {
	missing := map[string]int{}
	seen := map[string]bool{}
	absent := make([]int, len(t.columns))
	for _, c := range t.selection.cells {
		row := make([]tableCell, len(t.columns))
		short := false
		for j := range t.columns {
			row[j] = t.columns[j].cell(c)
			short = short || row[j].why != ""
			if row[j].why == notMeasured {
				absent[j]++
			}
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
	t.absent(absent)
	t.mark()
}

// absent says which columns have cells that were not measured, and how many.
func (t *table) absent(of []int) {
	var parts []string
	for j, n := range of {
		switch {
		case n == 0:
		case n == len(t.selection.cells):
			parts = append(parts, t.columns[j].q.short+" (no row has it)")
		default:
			parts = append(parts, fmt.Sprintf("%s (%d of %d rows)", t.columns[j].q.short, n, len(t.selection.cells)))
		}
	}
	if len(parts) > 0 {
		t.notes = append(t.notes, notMeasured+" not measured: "+strings.Join(parts, ", ")+".")
	}
}

// mark says which values are best, and which others are not separated from them.
func (t *table) mark() {
	t.marked = map[Standing]bool{}
	for j, col := range t.columns {
		for i, s := range t.data.Standings(col.name, t.selection.cells) {
			if s == Close && t.fig.Best {
				s = Apart
			}
			t.cells[i][j].standing = s
			t.marked[s] = true
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
		return tableCell{why: notMeasured}
	case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
		return tableCell{why: "not a number"}
	}
	v := m.Value * c.factor
	if math.IsInf(v, 0) {
		return tableCell{why: "too large"}
	}
	if m.Lo == nil || m.Hi == nil || math.IsNaN(*m.Lo) || math.IsNaN(*m.Hi) {
		if v == math.Trunc(v) && math.Abs(v) < 1e6 {
			return tableCell{value: fmt.Sprintf("%.0f", v)}
		}
		return tableCell{value: numeral.Compact(v, 4)}
	}
	below, above := v-*m.Lo*c.factor, *m.Hi*c.factor-v
	half := math.Max(math.Abs(below), math.Abs(above))
	if half == 0 && c.digits > 0 && c.digits <= 8 && math.Abs(v) < 1e15 {
		return tableCell{value: fmt.Sprintf("%.*f", c.digits, v), interval: "± 0"}
	}
	if half == 0 {
		return tableCell{value: numeral.Compact(v, 4), interval: "± 0"}
	}
	if math.IsInf(half, 0) || math.Abs(v) >= 1e15 || half >= 1e15 { // as many digits say nothing
		return tableCell{value: numeral.Compact(v, 4), interval: "[" + endless(*m.Lo*c.factor) + ", " + endless(*m.Hi*c.factor) + "]"}
	}
	digits := c.digits
	if half < math.Pow10(-digits) { // the column's decimals would round it away
		digits = decimalsFor(half)
	}
	if digits > 8 {
		return tableCell{value: numeral.Compact(v, 4)}
	}
	f := func(x float64) string { return fmt.Sprintf("%.*f", digits, x) }
	if numeral.Uneven(v, v-below, v+above) {
		return tableCell{value: f(v), interval: "[" + f(v-below) + ", " + f(v+above) + "]"}
	}
	return tableCell{value: f(v), interval: "± " + f((below+above)/2)}
}

// endless writes the end of an interval, which may have none.
func endless(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "−∞"
	}
	return numeral.Compact(v, 4)
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
	if text := t.diverged(names); text != "" {
		notes = append(notes, text)
	}
	return append(append(notes, t.marks()...), t.source(names...))
}

// marks explains them.
func (t *table) marks() []string {
	switch {
	case t.marked[Best] && t.fig.Best:
		return []string{"Bold: best of its column, whether separated from the others or not."}
	case t.marked[Close]:
		return []string{"Bold: best of its column. Underlined: not separated from it, the difference inside its 95 % interval (over pairs of " +
			"seeds where both have them), corrected for the number of rows (Holm)."}
	case t.marked[Best]:
		return []string{"Bold: best of its column, and better than every other row, the difference outside its 95 % interval (over pairs of " +
			"seeds where both have them), corrected for the number of rows (Holm)."}
	}
	return nil
}

func (t *table) markdown() string {
	var b strings.Builder
	esc := strings.NewReplacer("|", `\|`, "\n", " ", "*", `\*`, "_", `\_`, "<", "&lt;")
	if title := strings.TrimSpace(t.fig.Title); title != "" { // beside a space, asterisks are no bold text
		fmt.Fprintf(&b, "**%s**\n\n", esc.Replace(title))
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
			case v.why == notMeasured:
				row = append(row, v.why)
			case v.why != "":
				row = append(row, "*"+esc.Replace(v.why)+"*")
			case v.standing == Best:
				row = append(row, strings.TrimSpace("**"+v.value+"** "+v.interval))
			case v.standing == Close:
				row = append(row, strings.TrimSpace("<u>"+v.value+"</u> "+v.interval))
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
