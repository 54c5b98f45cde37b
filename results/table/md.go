package table

import (
	"bufio"
	"io"
	"strings"
)

var markdownText = strings.NewReplacer("|", `\|`, "\n", " ", "\r", "")

// WriteMarkdown writes a table in GitHub's Markdown, columns of numbers to the
// right.
func WriteMarkdown(w io.Writer, t Table) error {
	out := bufio.NewWriter(w)
	line := func(cells []string) {
		out.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	words := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		words[i] = markdownText.Replace(c)
	}
	line(words)
	for i := range t.Columns {
		words[i] = "---"
		if t.numeric(i) {
			words[i] = "---:"
		}
	}
	line(words)
	for _, row := range t.Rows {
		for i, v := range row {
			words[i] = markdownText.Replace(readable(v))
		}
		line(words)
	}
	return out.Flush()
}
