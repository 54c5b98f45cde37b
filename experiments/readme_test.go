package experiments

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The experiment that the README shows is one that loads.
func TestReadmeExperiment(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```toml\n")
	source, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("README.md shows no experiment")
	}
	e, err := Parse("README.md", []byte(source), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Cells) != 8*3 { // 3 patches × 3 depths − 1 excluded, 3 seeds
		t.Errorf("%d cells, want 24", len(e.Cells))
	}
}

// Every file that the README shows or names in a link is there, and nothing in
// it waits to be filled in.
func TestReadmeLinks(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllSubmatch(text, -1) {
		if target := string(m[1]); !strings.Contains(target, "://") {
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("README.md links to %s: %v", target, err)
			}
		}
	}
	if m := regexp.MustCompile(`\b[A-Z]+_TABLE\b`).Find(text); m != nil {
		t.Errorf("README.md still holds %s", m)
	}
}

// What a reader with a minute wants fits on three screens; the rest is in docs.
func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > 150 {
		t.Errorf("README.md has %d lines, at most 150: move a part to docs and link it", lines)
	}
}

// Every shipped file has a row in the table of this folder's README.
func TestReadmeNamesEveryFile(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if !strings.Contains(string(text), "| `"+file+"` |") {
			t.Errorf("README.md has no row for %s", file)
		}
	}
}
