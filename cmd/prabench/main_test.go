package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files again")

// asProgram makes the test program behave as prabench itself: as a worker of
// the runs under test, and as a run that is killed.
const asProgram = "PRABENCH_TEST_PROGRAM"

func TestMain(m *testing.M) {
	workerCommand = func(device string) ([]string, error) {
		if device != "cpu" {
			return nil, fmt.Errorf("measure.device: %q needs the program prabench-cuda", device)
		}
		return []string{os.Args[0], "worker"}, nil
	}
	if script := os.Getenv(scriptedArm); script != "" && len(os.Args) > 1 && os.Args[1] == "arm" {
		os.Exit(playArm(script))
	}
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Setenv(asProgram, "1")
	os.Exit(m.Run())
}

// here makes an empty folder the current one, with tiny.toml in it. What other
// programs left in the machine's temporary folder is out of sight: a check would
// remove it, and say so.
func here(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile("testdata/tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	write(t, "tiny.toml", string(raw))
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// prabench runs the program with arguments split at blanks.
func prabench(args string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = run(strings.Fields(args), strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

func must(t *testing.T, args string) string {
	t.Helper()
	out, errs, code := prabench(args)
	if code != exitOK {
		t.Fatalf("prabench %s: exit code %d\n%s%s", args, code, out, errs)
	}
	return out
}

// golden compares with a file; root is the folder testdata, since tests change
// the current one.
func golden(t *testing.T, root, name, got string) {
	t.Helper()
	path := filepath.Join(root, name+".golden")
	if *update {
		write(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what is printed now (go test ./cmd/prabench -update writes it again):\n%s", path, got)
	}
}

func testdata(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestHelp(t *testing.T) {
	golden(t, testdata(t), "help", must(t, "help"))
}

// TestMistakes gives for each mistake what is said and the exit code.
func TestMistakes(t *testing.T) {
	root := testdata(t)
	here(t)
	tiny, _ := os.ReadFile("tiny.toml")
	write(t, "unknown.toml", strings.Replace(string(tiny), "patch = 4", "pach = 4", 1))
	write(t, "type.toml", strings.Replace(string(tiny), "patch = 4", `patch = "four"`, 1))
	write(t, "divide.toml", strings.Replace(string(tiny), "patch = 4", "patch = 3", 1))
	write(t, "figures.toml", string(tiny)+"\n[[figure]]\nname = \"q\"\nkind = \"bars\"\nlog_y = true\n\n[[figure]]\nkind = \"line\"\n"+
		"x = \"model.patch\"\nseries = \"model.block\"\n")
	write(t, "root.toml", "[data]\nset = \"images\"\nsize = 8\nroot = \"nowhere\"\n[model]\npatch = 4\n")
	write(t, "damaged.safetensors", "not a model")
	write(t, "cut.toml", "[data]\nset = \"mnist\"\nroot = \"cut\"\n")
	for _, name := range []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"} {
		write(t, filepath.Join("cut", name), "\x00\x00\x08\x03\x80\x00\x00\x00 a header that claims 2^31 images")
	}
	var b strings.Builder
	for _, args := range []string{
		"nonsense", "help nonsense", "help kesy", "help data fech", "polt",
		"run", "run nofile.toml", "run tiny.toml --nonsense", "run tiny.toml tiny.toml", "run tiny.toml --retry all",
		"run unknown.toml", "run type.toml", "run divide.toml", "run figures.toml", "plan figures.toml",
		"run figures.toml --set measure.rounds=0", "run root.toml", "run cut.toml", "run tiny.toml --set model.patch=3",
		"run tiny.toml --only model.pach=4", "run tiny.toml --only train.rollout_depth=7", "run tiny.toml --device cuda:0",
		"run tiny.toml --set measure.precision=tf32",
		"plan", "plan nofile.toml unknown.toml", "status --db none.db", "results --db none.db", "results --db none.db --format xml",
		"export --format sqlite --db none.db", "sample damaged.safetensors", "sample tiny.toml", "sample", "data fetch", "data fetch nonsense",
		"bench --model huge", "embedder train nonsense",
	} {
		out, errs, code := prabench(args)
		fmt.Fprintf(&b, "$ prabench %s\n%s%s[%d]\n\n", args, out, errs, code)
		if code == exitOK {
			t.Errorf("prabench %s: accepted", args)
		}
	}
	golden(t, root, "mistakes", machineFree(b.String()))
	if left, _ := filepath.Glob("*"); len(left) != 11 { // the files above; a run that found damaged data leaves its lock and an empty folder
		t.Errorf("a refused command left something: %v", left)
	}
}

var (
	home     = regexp.MustCompile(`/\S*/(\.cache/prabench|prabench/data)\S*`)
	duration = regexp.MustCompile(`\b\d+(\.\d+)?s\b|\b\d+m\d\ds\b`)
	blanks   = regexp.MustCompile(` {2,}`)
)

// machineFree replaces what differs between machines.
func machineFree(s string) string {
	if wd, err := os.Getwd(); err == nil {
		s = strings.ReplaceAll(s, wd+"/", "")
	}
	return home.ReplaceAllString(s, "(data folder)")
}

func TestPlan(t *testing.T) {
	root := testdata(t)
	here(t)
	got := duration.ReplaceAllString(must(t, "plan tiny.toml"), "(time)")
	golden(t, root, "plan", blanks.ReplaceAllString(got, "  "))
	if _, err := os.Stat("results.db"); err == nil {
		t.Error("plan made a database")
	}
	if only := must(t, "plan tiny.toml --only train.rollout_depth=1"); !strings.Contains(only, "1 left out by --only") {
		t.Error(only)
	}
}
