package layers

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "prabench/"

// A storey is a package, or a folder of packages when it ends with a slash, with
// what it may import of the house. The longest name that fits a package counts.
type storey struct {
	name string
	may  []string
	why  string
}

var ground = []string{"internal/", "metrics/stat", "metrics/quantity"}

func over(more ...string) []string { return append(slices.Clone(ground), more...) }

var storeys = []storey{
	{"internal/", []string{"internal/"}, "internal packages serve everybody and know nobody"},
	{"metrics/stat", []string{"internal/"}, "statistics know numbers alone"},
	{"metrics/quantity", []string{"internal/", "metrics/stat"}, "the catalogue describes quantities; it computes none"},
	{"metrics/", over("metrics/", "models/gemm"), "a metric is a function of arrays: it knows neither model nor database"},
	{"models/", over("models/"), "the model core knows no experiment files, no metrics and no database"},
	{"results/record", ground, "what workers know of their work needs no SQL"},
	{"results/", over("results/"), "the store keeps what was measured and does not draw it"},
	{"results/where", ground, "which cells are meant is said the same way in files, on the command line and in figures"},
	{"results/view", over("results/record", "results/where"),
		"between database and drawing: the database fills it, drawings read it, and it knows neither"},
	{"plots/figure", ground, "what a figure is, without any drawing"},
	{"plots/", over("plots/", "results/record", "results/view", "results/where"), "drawings are made from typed points and link no database"},
	{"experiments/", over("models/", "metrics/embed", "plots/figure", "results/where"),
		"reading a file starts nothing and knows neither engine nor database"},
	{"harness/", over("harness/artifact", "harness/machine", "harness/measure", "harness/progress", "harness/schedule", "harness/sheet",
		"harness/stage",
		"models/", "metrics/", "results/record"), "what the engine stands on knows no database, no experiment files and not the engine"},
	{"harness/worker", over("harness/artifact", "harness/machine", "harness/measure", "harness/stage", "models/", "results/record"),
		"the worker's frame knows no single stage"},
	{"harness/work", over("harness/artifact", "harness/machine", "harness/measure", "harness/outside", "harness/sheet", "harness/stage",
		"harness/worker",
		"models/", "metrics/", "results/record"), "workers never open the database"},
	{"harness/tools/check/session", over("harness/", "experiments/", "models/", "metrics/", "results/", "plots/"),
		"a check draws the timings of earlier revisions"},
	{"harness/engine", over("harness/", "experiments/", "models/", "metrics/", "results/"),
		"the engine runs experiments and knows none of the tools above it"},
	{"harness/tools/", over("harness/", "experiments/", "models/", "metrics/", "results/"), "tools stand above the engine and draw nothing"},
	{"harness/tools/draw", over("harness/", "experiments/", "models/", "metrics/", "results/", "plots/"),
		"the one tool that joins what the engine left with how it is drawn"},
	{"cmd/", []string{""}, "commands may call everything"},
}

func TestImportsRunDownward(t *testing.T) {
	for pkg, imports := range list(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
		s := storeyOf(pkg)
		if s == nil {
			t.Errorf("%s has no storey: give it one in this test", pkg)
			continue
		}
		for _, i := range imports {
			if to, ours := strings.CutPrefix(i, module); ours && !s.allows(to) {
				t.Errorf("%s imports %s: %s", pkg, to, s.why)
			}
		}
	}
}

// The harness's folder holds engine and tools too; nothing beneath may know them.
func TestNothingBeneathKnowsEngineOrTools(t *testing.T) {
	for pkg, imports := range list(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
		for _, i := range imports {
			switch to := strings.TrimPrefix(i, module); {
			case strings.HasPrefix(to, "harness/tools/") && !strings.HasPrefix(pkg, "harness/tools/") && !strings.HasPrefix(pkg, "cmd/"):
				t.Errorf("%s imports %s: tools stand above everything but commands", pkg, to)
			case to == "harness/engine" && !strings.HasPrefix(pkg, "harness/tools/") && !strings.HasPrefix(pkg, "cmd/"):
				t.Errorf("%s imports %s: only tools and commands know the engine", pkg, to)
			}
		}
	}
}

func TestWorkersDoNotLinkSQLite(t *testing.T) {
	for _, pkg := range []string{"results/record", "harness/stage", "harness/machine", "harness/measure", "harness/worker", "harness/work"} {
		for dep := range list(t, "-deps", "-f", "{{.ImportPath}}", "./"+pkg) {
			if dep == "results" || strings.Contains(dep, "sqlite") || dep == "database/sql" {
				t.Errorf("%s links %s: a worker leaves a file and never opens the database", pkg, dep)
			}
		}
	}
}

// list gives go list's lines: the first word without the module, and the rest.
func list(t *testing.T, args ...string) map[string][]string {
	t.Helper()
	c := exec.Command("go", append([]string{"list"}, args...)...)
	c.Dir = "../.."
	var errors strings.Builder
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errors.String())
	}
	all := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		all[strings.TrimPrefix(words[0], module)] = words[1:]
	}
	return all
}

func storeyOf(pkg string) *storey {
	var best *storey
	for i := range storeys {
		if s := &storeys[i]; within(pkg, s.name) && (best == nil || len(s.name) > len(best.name)) {
			best = s
		}
	}
	return best
}

func (s *storey) allows(to string) bool {
	return slices.ContainsFunc(s.may, func(m string) bool { return within(to, m) })
}

// within says whether pkg is name or, for a folder, in it; "" is everything.
func within(pkg, name string) bool {
	return name == "" || pkg == name || strings.HasSuffix(name, "/") && strings.HasPrefix(pkg+"/", name)
}

// The command line has flags in, calls, text out: what grows there is logic that
// another package could want.
func TestTheCommandLineIsThin(t *testing.T) {
	const mostImports, mostLines, mostFiles = 12, 2600, 28
	ours := 0
	for _, i := range list(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./cmd/prabench")["cmd/prabench"] {
		if strings.HasPrefix(i, module) {
			ours++
		}
	}
	if ours > mostImports {
		t.Errorf("cmd/prabench imports %d packages of the house, at most %d", ours, mostImports)
	}
	files, err := filepath.Glob("../../cmd/prabench/*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	lines := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(raw, []byte("\n"))
	}
	if lines > mostLines {
		t.Errorf("cmd/prabench has %d lines, at most %d", lines, mostLines)
	}
	for pkg, words := range list(t, "-f", "{{.ImportPath}} {{join .GoFiles \" \"}} {{join .CgoFiles \" \"}}", "./...") {
		if len(words) > mostFiles {
			t.Errorf("%s has %d files, at most %d: it is two packages", pkg, len(words), mostFiles)
		}
	}
}
