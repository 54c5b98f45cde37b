package table

import (
	"bufio"
	"io"
	"regexp"
	"strings"
	"sync"
)

var markdownSigns = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "`", "\\`", "~", `\~`, "](", `]\(`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;", "\n", " ", "\r", "")

// outer is an underscore with no letter or digit on one of its sides: only such
// ones mark emphasis in GitHub's Markdown. Those within names of metrics stay.
var outer = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(^|[^\pL\pN_])(_+)|(_+)([^\pL\pN_]|$)`)
})

// markdownText keeps what a name or a message has in it from being read as
// Markdown or as HTML.
func markdownText(s string) string {
	return outer().ReplaceAllStringFunc(markdownSigns.Replace(printable(s)), func(m string) string { return strings.ReplaceAll(m, "_", `\_`) })
}

// WriteMarkdown writes a table in GitHub's Markdown, columns of numbers to the
// right.
func WriteMarkdown(w io.Writer, t Table) error {
	out := bufio.NewWriter(w)
	line := func(cells []string) {
		out.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	words := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		words[i] = markdownText(c)
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
			words[i] = markdownText(readable(v))
		}
		line(words)
	}
	return out.Flush()
}
