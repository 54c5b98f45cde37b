package prose

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
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
	found = append(found, strays(set, file)...)
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
	source := "package made\n\n// f reads it anew.\nfunc f() { g(\"whoever reads\", `is told`, 3) } // one\n\n" +
		"// Two kinds are told apart.\n\n" +
		"// g calls f.\nfunc h() {}\n\n// one of two.\nvar (\n\ta, one = 1, 2\n\n\t// c is b.\n\tb int\n)\n"
	found, err := sourceFaults("made.go", source)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 5 {
		t.Errorf("%q, want five", found)
	}
}

// strays are the comments that begin with another name than that of what they stand over,
// as after a renaming.
func strays(set *token.FileSet, file *ast.File) (found []string) {
	check := func(doc *ast.CommentGroup, names ...*ast.Ident) {
		if doc == nil || len(names) == 0 {
			return
		}
		first, _, _ := strings.Cut(strings.TrimSpace(doc.Text()), " ")
		first = strings.Trim(first, ",:;.\n")
		if first == "" || !unicode.IsLower([]rune(first)[0]) || !token.IsIdentifier(first) {
			return
		}
		for _, n := range names {
			if n.Name == first {
				return
			}
		}
		found = append(found, fmt.Sprintf("%s: the comment on %s begins with %s", set.Position(doc.Pos()), names[0].Name, first))
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			check(d.Doc, d.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				doc := d.Doc
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Doc != nil {
						doc = s.Doc
					}
					if !d.Lparen.IsValid() || s.Doc != nil {
						check(doc, s.Name)
					}
				case *ast.ValueSpec:
					if s.Doc != nil {
						doc = s.Doc
					}
					if !d.Lparen.IsValid() || s.Doc != nil {
						check(doc, s.Names...)
					}
				}
			}
		}
	}
	return found
}
