package table

import (
	"bufio"
	"io"
	"strings"

	"prabench/internal/latex"
)

// WriteLaTeX writes a table as a tabular of booktabs, columns of numbers to the
// right. Captions and places are the paper's.
func WriteLaTeX(w io.Writer, t Table) error {
	out := bufio.NewWriter(w)
	out.WriteString("% needs \\usepackage{booktabs}\n\\begin{tabular}{")
	for i := range t.Columns {
		if t.numeric(i) {
			out.WriteByte('r')
		} else {
			out.WriteByte('l')
		}
	}
	out.WriteString("}\n\\toprule\n")
	line := func(words []string) {
		text := strings.Join(words, " & ")
		if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "*") { // else the line before takes it for its spacing
			text = "{}" + text
		}
		out.WriteString(text + " \\\\\n")
	}
	words := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		words[i] = latex.Escape(c)
	}
	line(words)
	out.WriteString("\\midrule\n")
	for _, row := range t.Rows {
		for i, v := range row {
			words[i] = latex.Escape(readable(v))
		}
		line(words)
	}
	out.WriteString("\\bottomrule\n\\end{tabular}\n")
	return out.Flush()
}
