package paper

import (
	"fmt"
	"strconv"
	"strings"

	"prabench/plots"
)

func itoa(n int) string { return strconv.Itoa(n) }

// markdownText writes any text as Markdown.
var markdownText = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "|", `\|`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]",
	`\]`, "#", `\#`, "\n", " ", "~", `\~`)

func esc(s string) string { return markdownText.Replace(s) }

// code writes text that is to be typed or copied.
func code(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// link is a relative link to a file, its name as text.
func link(path string) string {
	return "[" + esc(path[strings.LastIndexByte(path, '/')+1:]) + "](<" + path + ">)"
}

func (p page) markdown() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Figures and tables\n\nMade by %s; `sha256sum -c %s` compares the files.\n\n", code(p.Command), SumsFile)
	for _, s := range p.Sections {
		fmt.Fprintf(&b, "- [%s](#%s)", esc(s.Name), anchor(s.Name))
		if s.Description != "" {
			fmt.Fprintf(&b, ": %s", esc(s.Description))
		}
		if s.Problem != "" {
			b.WriteString(" (not drawn)")
		}
		b.WriteByte('\n')
	}
	p.claims(&b)
	for _, s := range p.Sections {
		s.markdown(&b)
	}
	fmt.Fprintf(&b, "\n## How it was compared\n\n%s\n", esc(how))
	return []byte(b.String())
}

// claims is the table of all claims.
func (p page) claims(b *strings.Builder) {
	first := true
	for _, s := range p.Sections {
		for _, r := range s.Results {
			if first {
				b.WriteString("\n## Claims\n\n| claim | verdict | experiment | values |\n| --- | --- | --- | --- |\n")
				first = false
			}
			fmt.Fprintf(b, "| %s | **%s** | [%s](#%s) | %s |\n", esc(r.Claim.Text), r.Verdict, esc(s.Name), anchor(s.Name), esc(r.Summary))
		}
	}
}

// anchor is what GitHub makes of a heading.
func anchor(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 0x7f:
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, s)
}

func (s section) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n", esc(s.Name))
	if s.Description != "" {
		fmt.Fprintf(b, "%s\n\n", esc(s.Description))
	}
	fmt.Fprintf(b, "- command: %s\n", code(s.Command))
	if len(s.Source) > 0 {
		fmt.Fprintf(b, "- experiment: %s\n", link(s.Name+"/"+SourceFile))
	}
	if s.Problem != "" {
		fmt.Fprintf(b, "\n> Not drawn: %s\n", esc(s.Problem))
		return
	}
	fmt.Fprintf(b, "- %s, %s each\n", counted(s.Points, "point"), counted(s.Seeds, "seed"))
	fmt.Fprintf(b, "- attempts: %d in %s; environments: %s\n", len(s.Attempts), link(s.Name+"/"+AttemptsFile),
		link(s.Name+"/"+EnvironmentsFile))
	for _, c := range s.Codes {
		fmt.Fprintf(b, "- code: %s\n", code(c))
	}
	for _, n := range s.Notes {
		fmt.Fprintf(b, "- note: %s\n", esc(n))
	}
	for _, r := range s.General {
		r.markdown(b)
	}
	for _, f := range s.Figures {
		f.markdown(b, s)
	}
}

func (d drawnFigure) markdown(b *strings.Builder, s section) {
	fmt.Fprintf(b, "\n### %s\n\n", esc(d.Heading()))
	if d.Problem != "" {
		fmt.Fprintf(b, "> Not drawn: %s\n", esc(d.Problem))
		return
	}
	if d.Picture != "" {
		fmt.Fprintf(b, "![%s](<%s>)\n", esc(d.Alt()), d.PNG())
	}
	if d.TableMarkdown != "" {
		b.WriteString(d.TableMarkdown)
	}
	var links []string
	for _, f := range d.Files {
		links = append(links, link(f))
	}
	fmt.Fprintf(b, "\n%s\n", strings.Join(links, " · "))
	for _, r := range d.Results {
		r.markdown(b)
	}
	for _, r := range d.Readings {
		fmt.Fprintf(b, "\n%s\n", esc(strings.Join(r.Sentences, " ")))
	}
	b.WriteString("\n<details><summary>What is behind it</summary>\n\n")
	fmt.Fprintf(b, "- command: %s\n", code(s.Command))
	for _, st := range d.Behind.Stages {
		fmt.Fprintf(b, "- %s: %s; code %s; on %s; environment %s\n", st.Kind, counted(len(st.IDs), "attempt"), esc(join(st.Codes)),
			esc(join(st.Devices)), esc(join(st.Environments)))
	}
	for _, pr := range d.Behind.Protocols {
		fmt.Fprintf(b, "- protocol of %s (%s): %s\n", esc(plots.ShortLabel(pr.Metric)), esc(pr.ID), code(pr.Text))
	}
	for _, st := range d.Behind.Stages {
		fmt.Fprintf(b, "- attempts of %s: %s\n", st.Kind, code(strings.Join(st.IDs, " ")))
	}
	b.WriteString("\n</details>\n")
}

func (r Result) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n**Claim: %s.** %s.\n", esc(strings.TrimSuffix(r.Claim.Text, ".")), esc(upper(r.Summary)))
	if len(r.Comparisons) < 2 {
		return
	}
	b.WriteString("\n| of | over | values | difference | interval over | p | verdict |\n| --- | --- | --- | --- | --- | --: | --- |\n")
	for _, c := range r.Comparisons {
		verdict := string(c.Verdict) + c.needs()
		if c.Why != "" {
			verdict += ": " + c.Why
		}
		values := ""
		if c.A != "" {
			values = c.A + " against " + c.B
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", esc(c.Of), esc(c.Over), esc(values), esc(c.Difference), esc(c.How),
			esc(pText(c.P)), esc(verdict))
	}
}
