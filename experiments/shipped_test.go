package experiments

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestShippedFiles holds that every file of the project is valid.
func TestShippedFiles(t *testing.T) {
	files, _ := filepath.Glob("*.toml")
	presets, _ := filepath.Glob("presets/*.toml")
	paper, _ := filepath.Glob("paper/*.toml")
	large, _ := filepath.Glob("paper/large/*.toml")
	for _, file := range slices.Concat(files, presets, paper, large) {
		e, err := Load(file, Options{})
		if err != nil {
			t.Errorf("%s:\n%v", file, err)
			continue
		}
		for _, w := range e.Warnings {
			t.Logf("%v", w)
		}
		t.Logf("%s: %d cells", file, len(e.Cells))
	}
}
