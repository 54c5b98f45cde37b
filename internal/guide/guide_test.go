package guide

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A part of a guide is a fenced block: a file that the reader saves, commands that
// the reader types, or what these print.
type part struct {
	line           int
	kind           string // "file", "sh", "text"
	name           string // of the file
	add            bool   // to the end of the file
	needs          string // what a machine may lack, from the words **Needs X** above the block
	text, language string
}

var (
	needsMark = regexp.MustCompile(`^\*\*Needs (?:an? )?([^.*]+)\.?\*\*`)
	fileMark  = regexp.MustCompile("(?is)\\b(save|add).*`([^`\n]+)`(?:\\s\\([^)]*\\))?:$")
)

// guideParts reads a page by the convention of docs/guide: the paragraph above a fence
// that ends with "Save this as `NAME`:" or "Add this to `NAME`:" makes it a file, or its
// first line is only the file's name; `sh` fences are run in order; what a `text` fence
// has is printed by the commands before it, where … stands for anything. A paragraph
// **Needs X.** says that the block below it runs only where X is.
func guideParts(page string) (out []part, err error) {
	lines := strings.Split(page, "\n")
	var above []string // the paragraph
	for i := 0; i < len(lines); i++ {
		language, fence := strings.CutPrefix(lines[i], "```")
		if !fence {
			if lines[i] != "" && i > 0 && lines[i-1] == "" {
				above = nil
			}
			if lines[i] != "" {
				above = append(above, lines[i])
			}
			continue
		}
		p, body := part{line: i + 1, language: language}, []string{}
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			body = append(body, lines[i])
		}
		if i == len(lines) {
			return nil, fmt.Errorf("line %d: the fence is not closed", p.line)
		}
		p.text = strings.Join(body, "\n") + "\n"
		paragraph := strings.Join(above, "\n")
		if m := needsMark.FindStringSubmatch(paragraph); m != nil {
			p.needs = m[1]
		}
		named := fileMark.FindStringSubmatch(paragraph)
		if named == nil {
			if m := regexp.MustCompile("^`([^`]+)`:$").FindStringSubmatch(paragraph); m != nil {
				named = []string{"", "Save", m[1]}
			}
		}
		switch {
		case language == "sh" || language == "text":
			p.kind = language
		case named != nil:
			p.kind, p.name, p.add = "file", named[2], strings.EqualFold(named[1], "add")
		default:
			return nil, fmt.Errorf("line %d: the page does not say what to do with this block of %s", p.line, language)
		}
		if p.kind == "text" && (len(out) == 0 || out[len(out)-1].kind != "sh") {
			return nil, fmt.Errorf("line %d: no command prints this", p.line)
		}
		out, above = append(out, p), nil
	}
	return out, nil
}

// printed says which line of a pattern is not in a text, in order; … stands for anything.
func printed(text, pattern string) (missing string) {
	for _, want := range strings.Split(strings.TrimSpace(pattern), "\n") {
		words := strings.Fields(want)
		for i, w := range words {
			if words[i] = regexp.QuoteMeta(w); w == "…" {
				words[i] = `(?:\S.*?)?`
			}
		}
		at := regexp.MustCompile(strings.ReplaceAll(strings.Join(words, `\s+`), "…", `.*?`)).FindStringIndex(text)
		if at == nil {
			return want
		}
		text = text[at[1]:]
	}
	return ""
}

// has are the things that guides say they need, with a command that succeeds where
// a machine has them.
var has = map[string]string{
	"Python":  "python3 --version",
	"PyTorch": "python3 -c 'import torch, numpy'",
	"GPU":     "nvidia-smi -L && command -v prabench-cuda && test -f Makefile",
	"Slurm":   "timeout 10 sinfo -h -p main | grep -q .",
	"LaTeX":   "pdflatex --version && kpsewhich booktabs.sty",
}

// Every guide of docs/guide does what it says: its files are saved and its commands
// run in order, in an empty folder, by the program as it is now, and they print what it shows.
func TestGuides(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models for every page")
	}
	pages, err := filepath.Glob("../../docs/guide/*.md")
	if err != nil || len(pages) < 7 {
		t.Fatalf("%d guides: %v", len(pages), err)
	}
	readsSources(t)
	bin, data := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "prabench"), "../../cmd/prabench")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("PRABENCH_DATA", data) // nothing that this machine has already
	lacks := map[string]bool{}
	for _, path := range pages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := guideParts(string(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".md"), func(t *testing.T) {
			t.Chdir(t.TempDir())
			followGuide(t, filepath.Base(path), parts, lacks)
		})
	}
}

// readsSources looks at every file that the program is made of, so that go test knows when
// an earlier result is out of date: what a built program reads it does not see.
func readsSources(t *testing.T) {
	t.Helper()
	for _, top := range []string{"cmd", "experiments", "harness", "internal", "metrics", "models", "plots", "results", "go.mod"} {
		err := filepath.WalkDir(filepath.Join("../..", top), func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// step runs commands as a reader's shell would and gives what they printed and their exit code.
func step(t *testing.T, script string) (string, int) {
	t.Helper()
	cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", script)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// followGuide does the parts of a page; lacks remembers what this machine has not.
func followGuide(t *testing.T, page string, parts []part, lacks map[string]bool) {
	var output string
	skipped := true // what a text block would be compared with
	for _, p := range parts {
		switch p.kind {
		case "file":
			old := []byte{}
			if p.add {
				var err error
				if old, err = os.ReadFile(p.name); err != nil {
					t.Fatalf("%s:%d: %v", page, p.line, err)
				}
			}
			if err := os.MkdirAll(filepath.Dir(p.name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p.name, []byte(string(old)+p.text), 0o644); err != nil {
				t.Fatal(err)
			}
		case "sh":
			if skipped = p.needs != ""; skipped {
				check, known := has[p.needs]
				if !known {
					t.Fatalf("%s:%d: needs %q, which is none of %q", page, p.line, p.needs, slices.Sorted(maps.Keys(has)))
				}
				if _, asked := lacks[p.needs]; !asked {
					lacks[p.needs] = exec.Command("bash", "-c", check).Run() != nil
				}
				if skipped = lacks[p.needs]; skipped {
					t.Run(fmt.Sprintf("line %d", p.line), func(t *testing.T) { t.Skipf("skipped: %s:%d needs %s", page, p.line, p.needs) })
					continue
				}
			}
			var code int
			if output, code = step(t, p.text); code != 0 {
				t.Fatalf("%s:%d: exit code %d of\n%s\n%s", page, p.line, code, p.text, output)
			}
		case "text":
			if line := printed(output, p.text); !skipped && line != "" {
				t.Errorf("%s:%d: %q is not in what is printed:\n%s", page, p.line, line, output)
			}
		}
	}
}

// The reader of guides finds what pages may say, and what they must not.
func TestGuidePartsAreFound(t *testing.T) {
	page := "# A\n\nSave this as `a.toml`:\n\n```toml\nx = 1\n```\n\nAdd to `a.toml` (at its end):\n\n```toml\ny = 2\n```\n\n" +
		"**Needs a GPU.** Run it:\n\n```sh\nprabench run\n```\n\n```text\nok\n```\n\nNow plainly\n\n" +
		"```sh\nls\n```\n\n`b/c.yml`:\n\n```yaml\nz\n```\n"
	parts, err := guideParts(page)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range parts {
		got = append(got, fmt.Sprint(p.kind, " ", p.name, " ", p.add, " ", p.needs, " ", strings.TrimSpace(p.text)))
	}
	want := []string{"file a.toml false  x = 1", "file a.toml true  y = 2", "sh  false GPU prabench run",
		"text  false  ok", "sh  false  ls", "file b/c.yml false  z"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	for _, bad := range []string{"```toml\nx = 1\n```\n", "```sh\nls\n", "text\n\n```text\nok\n```\n"} {
		if _, err := guideParts(bad); err == nil {
			t.Errorf("%q is read without an error", bad)
		}
	}
	for _, c := range []struct{ text, pattern, missing string }{
		{"a  1\nb 2\nc", "a …\nc", ""}, {"b 2\na 1", "a …\nb …", "b …"},
		{"train 12 6 0 0 6 128 MiB", "train … 12 6 0 0 6 …", "train … 12 6 0 0 6 …"},
		{"train        12     6  0 0 6 128 MiB", "train 12 6 0", ""}, {"x 12", "x 1\ny", "y"},
	} {
		if got := printed(c.text, c.pattern); got != c.missing {
			t.Errorf("%q in %q: missing %q, want %q", c.pattern, c.text, got, c.missing)
		}
	}
}
