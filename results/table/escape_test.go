package table

import (
	"strings"
	"testing"
)

// Each cell stands alone in a table; want is what the format has to hold for it,
// by the rules of GitHub's Markdown and of a terminal.
func TestTextThatMeansSomethingElsewhere(t *testing.T) {
	for _, c := range []struct{ text, md, terminal string }{
		{"plain", "plain", "plain"},
		{"fid_proxy", "fid_proxy", "fid_proxy"},
		{"_slanted_", `\_slanted\_`, "_slanted_"},
		{"a _b_ c", `a \_b\_ c`, "a _b_ c"},
		{"__init__", `\_\_init\_\_`, "__init__"},
		{"*bold*", `\*bold\*`, "*bold*"},
		{"2*3", `2\*3`, "2*3"},
		{"a|b", `a\|b`, "a|b"},
		{`a\|b`, `a\\\|b`, `a\|b`},
		{"<script>x</script>", "&lt;script&gt;x&lt;/script&gt;", "<script>x</script>"},
		{"p < 0.05", "p &lt; 0.05", "p < 0.05"},
		{"&lt;", "&amp;lt;", "&lt;"},
		{"~~gone~~", `\~\~gone\~\~`, "~~gone~~"},
		{"`rm`", "\\`rm\\`", "`rm`"},
		{"[9, 12]", "[9, 12]", "[9, 12]"},
		{"[a](b)", `[a]\(b)`, "[a](b)"},
		{"two\nlines", "two lines", "two lines"},
		{"\x1b[31mred", "\\\\u001b[31mred", `\u001b[31mred`},
		{"\x1b]0;title\a", "\\\\u001b]0;title\\\\u0007", `\u001b]0;title\u0007`},
		{"a\bb", "a\\\\u0008b", `a\u0008b`},
		{"\u009b2J", "\\\\u009b2J", `\u009b2J`},
		{"x\u202etxt", "x\\\\u202etxt", `x\u202etxt`},
		{"日本語 β", "日本語 β", "日本語 β"},
	} {
		tab := Table{Columns: []string{"name"}, Rows: [][]any{{c.text}}}
		var md, term strings.Builder
		if err := WriteMarkdown(&md, tab); err != nil {
			t.Fatal(err)
		}
		if err := WriteText(&term, tab); err != nil {
			t.Fatal(err)
		}
		if got := strings.Split(md.String(), "\n")[2]; got != "| "+c.md+" |" {
			t.Errorf("Markdown of %q: %q, want %q", c.text, got, c.md)
		}
		if got := strings.Split(term.String(), "\n")[1]; got != c.terminal {
			t.Errorf("terminal of %q: %q, want %q", c.text, got, c.terminal)
		}
	}
}

// After two backslashes LaTeX takes a star or a bracket for the command's own, over a line's end.
func TestARowOfLaTeXDoesNotBeginWithAStar(t *testing.T) {
	var b strings.Builder
	if err := WriteLaTeX(&b, Table{Columns: []string{"name"}, Rows: [][]any{{"*"}, {"*x"}, {"[1]"}, {"x*"}}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n{}* ", "\n{}*x ", "\n{}[1] ", "\nx* "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
}
