package prose

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const root = "../.."

// pages are the Markdown files of the project by their path from its top, without
// reports that were sent in.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		sent := filepath.Base(filepath.Dir(path)) == "cuda-reports"
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || sent) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, root+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 40 {
		t.Errorf("only %d pages were found", len(out))
	}
	return out
}

var (
	fenced = regexp.MustCompile("(?ms)^```.*?^```$")
	code   = regexp.MustCompile("`[^`\n]*`")
)

// anchors are the names of a page's headings in addresses, as GitHub makes them.
func anchors(page string) (out []string) {
	seen := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^#{1,6} +(.*?) *$`).FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		title := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		if n := seen[slug]; n > 0 {
			out = append(out, fmt.Sprintf("%s-%d", slug, n))
		} else {
			out = append(out, slug)
		}
		seen[slug]++
	}
	return out
}

// broken are the links of a page whose file or heading is not there.
func broken(path string, all map[string]string) (out []string) {
	text := fenced.ReplaceAllString(all[path], "")
	links := regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1)
	links = append(links, regexp.MustCompile(`(?:src|srcset|href)="([^"]+)"`).FindAllStringSubmatch(text, -1)...)
	for _, m := range links {
		if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
			continue
		}
		file, anchor, hasAnchor := strings.Cut(m[1], "#")
		target := path
		if file != "" {
			target = filepath.Join(filepath.Dir(path), file)
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				out = append(out, m[1]+": no such file")
				continue
			}
		}
		if page, isPage := all[target]; hasAnchor && isPage && !slices.Contains(anchors(page), anchor) {
			out = append(out, fmt.Sprintf("%s: the page has no such heading, it has %q", m[1], anchors(page)))
		}
	}
	return out
}

// Every link between pages, with its heading, leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for path := range all {
		for _, b := range broken(path, all) {
			t.Errorf("%s: %s", path, b)
		}
	}
	made := map[string]string{"docs/a.md": "# One, two `x`\n# One, two x\n[a](#one-two-x-1) [b](#three) " +
		"[c](nowhere.md)\n```\n# three\n[d](nothing)\n```\n"}
	if got := broken("docs/a.md", made); len(got) != 2 {
		t.Errorf("broken links of a made page: %q, want #three and nowhere.md", got)
	}
}

// Every page is reached from the README by links.
func TestNoPageIsLost(t *testing.T) {
	all := pages(t)
	reached, next := map[string]bool{}, []string{"README.md", "CONTRIBUTING.md"}
	for len(next) > 0 {
		path := next[0]
		next = next[1:]
		if reached[path] {
			continue
		}
		reached[path] = true
		for _, m := range regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)\s]*)?\)`).FindAllStringSubmatch(all[path], -1) {
			target := filepath.Join(filepath.Dir(path), m[1])
			if _, isPage := all[filepath.Join(target, "README.md")]; isPage {
				target = filepath.Join(target, "README.md")
			}
			if _, isPage := all[target]; isPage {
				next = append(next, target)
			}
		}
	}
	for path := range all {
		if !reached[path] {
			t.Errorf("no page leads to %s", path)
		}
	}
}

// A measurement is a number with its interval or with a unit of speed.
var (
	measured = regexp.MustCompile(`(?:^|[^\w.,/×])(\d[\d,]*(?:\.\d+)?)\*{0,2}\s*` +
		`(±\s*[\d,]+(?:\.\d+)?|\[[−–-]?[\d.,]+, [−–-]?[\d.,]+\]|images/s|[GT]FLOP/s|GB/s|GiB/s|ms\b|minutes\b)`)
	unitOf = regexp.MustCompile(`images/s|[GT]FLOP/s|GB/s|GiB/s`)
	number = regexp.MustCompile(`^\*{0,2}(\d[\d,]*(?:\.\d+)?)\*{0,2}(?: |$)`)
)

// measurements are those that a page states, with their lines; in tables a unit of the
// column's title counts for all of its numbers.
func measurements(page string) map[string]int {
	out := map[string]int{}
	add := func(value, unit string, line int) {
		value = strings.ReplaceAll(value, ",", "")
		if digits := strings.Trim(strings.ReplaceAll(value, ".", ""), "0"); len(digits) < 2 {
			return // a round number says little
		}
		out[value+" "+strings.ReplaceAll(strings.ReplaceAll(unit, " ", ""), ",", "")] = line
	}
	var titles []string
	for i, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "|") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			if titles == nil {
				titles = cells
			}
			for c, cell := range cells {
				m := number.FindStringSubmatch(strings.TrimSpace(cell))
				if c < len(titles) && m != nil && unitOf.MatchString(titles[c]) && !unitOf.MatchString(cell) {
					add(m[1], unitOf.FindString(titles[c]), i+1)
				}
			}
		} else {
			titles = nil
		}
		for _, m := range measured.FindAllStringSubmatch(line, -1) {
			add(m[1], m[2], i+1)
		}
	}
	return out
}

// A number of speed or quality stands on one page; others link to it.
func TestNoMeasurementStandsTwice(t *testing.T) {
	at := map[string][]string{}
	for path, page := range pages(t) {
		for m, line := range measurements(page) {
			at[m] = append(at[m], fmt.Sprintf("%s:%d", path, line))
		}
	}
	if len(at) < 200 {
		t.Errorf("only %d measurements were found", len(at))
	}
	for m, places := range at {
		if len(places) > 1 {
			slices.Sort(places)
			t.Errorf("%s stands at %s: keep one, and link to it", m, strings.Join(places, " and "))
		}
	}
	got := measurements("It takes 1,234 images/s, 7.23 ± 0.12 or **12.9** ± 0.40, −0.51 [−0.9, 0.1], 20 ms.\n\n" +
		"| | images/s |\n|---|---|\n| a | 951.5 |\n| b | 12 |\n\n| x |\n| 77 |\n")
	for _, want := range []string{"1234 images/s", "7.23 ±0.12", "12.9 ±0.40", "951.5 images/s", "12 images/s", "0.51 [−0.90.1]"} {
		if got[want] == 0 {
			t.Errorf("%s is not found in %v", want, got)
		}
	}
	if len(got) != 6 {
		t.Errorf("found %v, want six", got)
	}
}

// The glossary gives every term in a sentence or more with its source, in order, and
// pages link to it by terms that it has (TestLinksLeadSomewhere).
func TestTheGlossaryHasSources(t *testing.T) {
	all := pages(t)
	terms := 0
	for _, part := range strings.Split(all["docs/glossary.md"], "\n## ")[1:] {
		last := ""
		for _, entry := range strings.Split(part, "\n### ")[1:] {
			term, text, _ := strings.Cut(entry, "\n")
			terms++
			if !strings.Contains(text, "*Source:*") && !strings.Contains(text, "*Own") {
				t.Errorf("%s has no source", term)
			}
			if body := strings.TrimSpace(text); len(strings.Fields(body)) < 8 || strings.Count(body, "\n") > 7 {
				t.Errorf("%s is not one to three sentences: %q", term, body)
			}
			if strings.ToLower(term) < strings.ToLower(last) {
				t.Errorf("%s comes after %s", term, last)
			}
			last = term
		}
	}
	if terms < 40 {
		t.Errorf("%d terms", terms)
	}
	links := 0
	for path, page := range all {
		if path != "docs/glossary.md" && strings.Contains(page, "glossary.md") {
			links++
		}
	}
	if links < 5 {
		t.Errorf("%d pages link to the glossary", links)
	}
}

// shifted are the lines of commands in indented blocks that stand further to the right than the
// command above them and do not continue it.
func shifted(page string) (lines []int) {
	command := regexp.MustCompile(`^( +)(?:prabench|make|go|bin/prabench) `)
	above := ""
	for i, line := range strings.Split(fenced.ReplaceAllStringFunc(page, blanked), "\n") {
		m := command.FindStringSubmatch(line)
		if m != nil && above != "" && len(m[1]) > len(above) {
			lines = append(lines, i+1)
			continue
		}
		above = ""
		if m != nil && !strings.HasSuffix(line, `\`) {
			above = m[1]
		}
	}
	return lines
}

// blanked is as many empty lines.
func blanked(text string) string { return strings.Repeat("\n", strings.Count(text, "\n")) }

func TestCommandsOfABlockStandInOneColumn(t *testing.T) {
	for path, page := range pages(t) {
		for _, line := range shifted(page) {
			t.Errorf("%s:%d: the command stands further to the right than the one above it", path, line)
		}
	}
	made := "    make a\n        make b\n\n    make c \\\n        go d\n    make e\n    make f\n```\n    make g\n        make h\n```\n"
	if got := shifted(made); !slices.Equal(got, []int{2}) {
		t.Errorf("shifted commands of a made page: lines %v, want 2", got)
	}
}
