package table

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable is a text in one line without what moves a terminal's cursor, sets its
// colours or turns the direction of writing: such characters become visible.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case r == '\r':
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// WriteText writes a table with aligned columns for a terminal.
func WriteText(w io.Writer, t Table) error {
	widths := make([]int, len(t.Columns))
	lines := make([][]string, 0, len(t.Rows)+1)
	lines = append(lines, t.Columns)
	for _, row := range t.Rows {
		words := make([]string, len(row))
		for i, v := range row {
			words[i] = printable(readable(v))
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
