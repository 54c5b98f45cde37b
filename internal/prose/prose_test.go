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
)

// units are what quantities are per.
const units = `token|class|channel|line|seed|key|thread|device|step|parameter|round|call`

// better are patterns that pages do not use, with what they say instead.
var better = []struct {
	pattern *regexp.Regexp
	use     string
}{
	{regexp.MustCompile(`(?i)\banew\b`), "again"},
	{regexp.MustCompile(`(?i)\bwhoever\b`), "anyone who, or name the part"},
	{regexp.MustCompile(`(?i)\b(is|are|was|were) told\b`), "reported, printed, named"},
	{regexp.MustCompile(`(?i)\b(images|bytes|tokens|numbers|steps|lines) an? (call|step|second|image|round)\b`), "per"},
	{regexp.MustCompile(`(?i)\b(one|objects?|rows?|bits|values|evaluations?) an? (` + units + `)\b`), "per"},
	{regexp.MustCompile(`(?i)\bhangs? on\b`), "depends on"},
	{regexp.MustCompile(`(?i)\bexposure gap\b`), "exposure-bias gap"},
	{regexp.MustCompile(`(?i)\bseam index\b`), "blockiness"},
	{regexp.MustCompile(`(?i)\bmosaics\b`), "teacher-forced samples"},
	{regexp.MustCompile(`(?i)\bluck\b`), "chance, noise, or the source of the differences"},
	{regexp.MustCompile(`(?i)\bfresh block\b`), "confirmation block"},
	{regexp.MustCompile(`(?m)^#+ (Doubtful|Silence|How|Numbers|Numbers in, numbers out)$`), "a heading that says what the section is about"},
}

// faults are the lines of a text that use such words.
func faults(text string) (found []string) {
	text = regexp.MustCompile(`told (apart|from)`).ReplaceAllString(text, "") // that is English
	for i, line := range strings.Split(text, "\n") {
		for _, b := range better {
			if m := b.pattern.FindString(line); m != "" {
				found = append(found, fmt.Sprintf("line %d: %s (better: %s)", i+1, m, b.use))
			}
		}
	}
	return found
}

func TestPagesArePlainEnglish(t *testing.T) {
	pages := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "cuda-reports" || name == "node_modules") {
			return filepath.SkipDir
		}
		help := filepath.Ext(name) == ".txt" && strings.Contains(path, filepath.Join("prabench", "help"))
		written := slices.Contains([]string{".md", ".html", ".toml", ".py", ".sh", ".c", ".h", ".cu"}, filepath.Ext(name))
		if d.IsDir() || !written && !help {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		pages++
		for _, f := range faults(string(text)) {
			t.Errorf("%s: %s", path, f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages < 40 {
		t.Errorf("only %d pages were found", pages)
	}
}

func TestFaultsAreFound(t *testing.T) {
	for text, want := range map[string]int{
		"The file is made anew.":             1,
		"Whoever reads it\nis told so anew.": 3,
		"1,200 images a second":              1,
		"One row a class, one an image":      1,
		"## Silence":                         1,
		"How much of it is luck?":            1,
		"## Silence on the wire":             0,
		"The file is written again; its sizes are reported per call.": 0,
	} {
		if got := faults(text); len(got) != want {
			t.Errorf("%q: %q, want %d", text, got, want)
		}
	}
}
