package experiments

import (
	"os"
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
