package prose

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sourceFaults are the faults of a Go file's comments and of the texts in it, such as
// errors and helps.
func sourceFaults(name string, source any) (found []string, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	say := func(at token.Pos, text string) {
		for _, f := range faults(text) {
			_, what, _ := strings.Cut(f, ": ")
			found = append(found, set.Position(at).String()+": "+what)
		}
	}
	for _, group := range file.Comments {
		say(group.Pos(), group.Text())
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				say(lit.Pos(), text)
			}
		}
		return true
	})
	return found, nil
}

// Comments and messages use the words that pages use.
func TestSourcesArePlainEnglish(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "prose") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		files++
		found, err := sourceFaults(path, nil)
		for _, f := range found {
			t.Error(f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 500 {
		t.Errorf("only %d files were found", files)
	}
}

func TestFaultsInSourcesAreFound(t *testing.T) {
	source := "package made\n\n// f reads it anew.\nfunc f() { g(\"whoever reads\", `is told`, 3) } // one\n\n// Two kinds are told apart.\n"
	found, err := sourceFaults("made.go", source)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 3 {
		t.Errorf("%q, want three", found)
	}
}
