package table

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteText writes a table with aligned columns for a terminal.
func WriteText(w io.Writer, t Table) error {
	widths := make([]int, len(t.Columns))
	lines := make([][]string, 0, len(t.Rows)+1)
	lines = append(lines, t.Columns)
	for _, row := range t.Rows {
		words := make([]string, len(row))
		for i, v := range row {
			words[i] = strings.ReplaceAll(readable(v), "\n", " ")
		}
		lines = append(lines, words)
	}
	for _, words := range lines {
		for i, s := range words {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	right := make([]bool, len(t.Columns))
	for i := range right {
		right[i] = t.numeric(i)
	}
	out := bufio.NewWriter(w)
	var line []byte
	for _, words := range lines {
		line = line[:0]
		for i, s := range words {
			pad := widths[i] - utf8.RuneCountInString(s)
			if i > 0 {
				line = append(line, "  "...)
			}
			if !right[i] {
				line = append(line, s...)
			}
			for range pad {
				line = append(line, ' ')
			}
			if right[i] {
				line = append(line, s...)
			}
		}
		out.Write(append(bytes.TrimRight(line, " "), '\n'))
	}
	return out.Flush()
}
