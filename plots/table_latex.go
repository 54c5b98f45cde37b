package plots

import (
	"fmt"
	"strings"
	"unicode"

	"gonum.org/v1/plot/vg"

	"prabench/internal/latex"
	"prabench/plots/layout"
)

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
	fmt.Fprintf(&b, "%s \\\\\n\\midrule\n", strings.Join(t.latexHead(), " & "))
	for i, c := range t.selection.cells {
		line := strings.Join(t.latexRow(i, c), " & ")
		if strings.HasPrefix(line, "[") || strings.HasPrefix(line, "*") { // else the line before takes it for its spacing
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

// latexHead are the titles of all columns, those of metrics in lines.
func (t *table) latexHead() []string {
	esc := latex.Escape
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
	return head
}

// latexRow are a cell's keys and values.
func (t *table) latexRow(i int, c CellData) []string {
	esc := latex.Escape
	var row []string
	for _, k := range t.keys {
		row = append(row, esc(show(t.value(c, k))))
	}
	for _, v := range t.cells[i] {
		text := esc(v.value)
		switch {
		case v.why == notMeasured:
			text = "--"
		case v.why != "":
			text = latex.Italic(esc(v.why))
		case v.standing == Best:
			text = latex.Bold(text)
		case v.standing == Close:
			text = latex.Underline(text)
		}
		if v.interval != "" {
			text += " " + esc(v.interval)
		}
		row = append(row, text)
	}
	return row
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
