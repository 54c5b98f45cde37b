package main

import (
	"io/fs"
	"strings"
	"testing"
)

// TestEveryHelpTextHasItsCommand: a command that was renamed keeps its text.
func TestEveryHelpTextHasItsCommand(t *testing.T) {
	files, err := fs.Glob(texts, "help/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d texts, %v", len(files), err)
	}
	root := (&app{}).root()
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "help/"), ".txt")
		c := root
		if name != root.Name() {
			if c, _, err = root.Find(strings.Split(name, "-")); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
		}
		if text, _ := texts.ReadFile(file); c.Long != strings.TrimSpace(string(text)) {
			t.Errorf("%s is not the help of %s", file, c.CommandPath())
		}
	}
}
