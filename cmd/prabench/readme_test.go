package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"prabench/experiments"
)

// documented are the command lines of this program in a page: the indented and
// fenced ones, and those between backquotes.
func documented(page string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?m)(?:^ {4}|^|`)(?:bin/)?prabench ([a-z][^`#\n]*)").FindAllStringSubmatch(page, -1) {
		line, _, _ := strings.Cut(m[1], "&&")
		line, _, _ = strings.Cut(line, ">")
		if line = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(line), `\`)); !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

// Every command line of the documentation is one that this program has: the
// command is known, and so are its flags.
func TestDocumentedCommandsExist(t *testing.T) {
	pages, _ := filepath.Glob("../../docs/*.md")
	more, _ := filepath.Glob("../../*/README.md")
	parts, _ := filepath.Glob("../../docs/*/*.md")
	all := 0
	for _, path := range append(slices.Concat(pages, more, parts), "../../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range documented(string(text)) {
			all++
			words := strings.Fields(strings.ReplaceAll(line, "'", ""))
			c, rest, err := (&app{}).root().Find(words)
			if err != nil || c.Name() == "prabench" {
				if words[0] != "help" {
					t.Errorf("%s: prabench %s: no such command", path, line)
				}
				continue
			}
			for _, w := range rest {
				name, isFlag := strings.CutPrefix(w, "--")
				name, _, _ = strings.Cut(strings.TrimRight(name, ".,:;)…"), "=")
				if isFlag && name != "" && c.Flags().Lookup(name) == nil && c.InheritedFlags().Lookup(name) == nil && name != "help" {
					t.Errorf("%s: prabench %s: %s has no flag --%s", path, line, c.Name(), name)
				}
			}
		}
	}
	if all < 40 {
		t.Errorf("only %d command lines were found", all)
	}
}

// quick are the commands of README.md that only look. The others train, or need
// what training leaves.
var quick = map[string]string{ // and what they print
	"plan mine.toml":   "mine: 24 cells = 8 points × 3 seeds",
	"status mine.toml": "24 to do",
	"plan --keys":      "train.steps",
	"doctor":           "processor",
}

// The README's quick commands do what it says, with the experiment that it shows.
func TestReadmeCommands(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```toml\n")
	source, _, _ := strings.Cut(rest, "```")
	if _, err := experiments.Parse("mine.toml", []byte(source), experiments.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write(t, "mine.toml", source)
	ran := 0
	for _, line := range documented(string(page)) {
		if want, ok := quick[line]; ok {
			ran++
			if out := must(t, line); !strings.Contains(out, want) {
				t.Errorf("prabench %s does not print %q:\n%s", line, want, out)
			}
		}
	}
	if ran != len(quick) {
		t.Errorf("README.md has %d of the %d quick commands: %q", ran, len(quick), documented(string(page)))
	}
	if left, _ := os.ReadDir("."); len(left) != 1 {
		t.Errorf("commands that only look left %v", left)
	}
}
