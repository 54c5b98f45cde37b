package machine

import (
	"os"
	"path/filepath"
	"testing"
)

// A program without a stamp is of the source that it lies in, and of the current folder's
// only where the go command has just built it: elsewhere nobody knows its revision.
func TestSourceDir(t *testing.T) {
	source, other := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "go.mod"), []byte("module prabench\n\ngo 1.26\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(source, "bin"), filepath.Join(source, "results"), filepath.Join(other, "go-build12", "exe")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	built := filepath.Join(other, "go-build12", "exe", "prabench")
	for _, c := range []struct{ exe, wd, want string }{
		{filepath.Join(source, "bin", "prabench"), other, source},
		{filepath.Join(other, "prabench"), source, ""},
		{built, filepath.Join(source, "results"), source},
		{built, other, ""},
		{"", source, ""},
	} {
		if got := sourceDir(c.exe, c.wd); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.exe, c.wd, got, c.want)
		}
	}
}
