package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const noiseProgram = `
[[external]]
label = "noise"
command = ["sh", "noise.sh"]
sweep = { mean = [40, 90] }
timed = true

[[claim]]
text = "noise is far from the data"
metric = "fid_proxy"
of = { outside = "noise" }
over = { "train.rollout_depth" = 1 }
expect = "higher"
`

// shipped copies a program of the experiments here.
func shipped(t *testing.T, root, name string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "..", "..", "..", "experiments", "programs", name))
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, string(raw))
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, string(raw)+text)
}

// A program in the shell is sampled, scored and timed beside the cells, and is in
// every output; what has not changed is not done again, what has is.
func TestExternalProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an experiment beside a program: some seconds")
	}
	root := testdata(t)
	here(t)
	shipped(t, root, "noise.sh")
	tiny, err := os.ReadFile("tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, "tiny.toml", noiseProgram)
	const set = " --set sample.count=120 --set train.steps=4 --set measure.rounds=2 --set measure.repeat_disturbed=0"
	if out := must(t, "plan tiny.toml"+set); !strings.Contains(out, "noise mean=40 (outside)") {
		t.Error(out)
	}
	must(t, "plan tiny.toml --json"+set)
	out := must(t, "run tiny.toml"+set)
	if !strings.Contains(out, "noise mean=90 (outside)") || !strings.Contains(out, "figures/tiny/speed.png") {
		t.Errorf("no row, or no figure of both:\n%s", out)
	}
	rows := must(t, "results --format csv --only outside=noise")
	for _, m := range []string{"fid_proxy", "kid", "throughput", "latency", "memory_peak"} {
		if n := strings.Count(rows, ","+m+","); n != 2 {
			t.Errorf("%d values of %s, want one for each mean:\n%s", n, m, rows)
		}
	}
	must(t, "paper tiny.toml --draw-only --across code"+set)
	if page, err := os.ReadFile("paper/index.md"); err != nil || !strings.Contains(string(page), "noise mean=40 (outside)") {
		t.Errorf("no claim of it (%v):\n%s", err, page)
	}
	must(t, "report tiny.toml"+set)
	if page, err := os.ReadFile("report.html"); err != nil || !strings.Contains(string(page), "noise mean=40 (outside)") {
		t.Errorf("the report does not have it: %v", err)
	}
	done := func(args, want string) {
		t.Helper()
		if _, errs, code := prabench("run tiny.toml --no-figures" + set + args); code != exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
	done("", "nothing to do")
	appendTo(t, "noise.sh", "# another version\n")
	done(" --only outside=noise", "6 stages done")
	done("", "nothing to do")
	write(t, "tiny.toml", string(tiny)) // without the program its rows go
	done("", "nothing to do")
	if out := must(t, "results tiny.toml"+set); strings.Contains(out, "noise") {
		t.Errorf("rows of a program that the file no longer has:\n%s", out)
	}
}

// A program that has failed is a failed cell with its reason; the others are done.
func TestFailingProgram(t *testing.T) {
	here(t)
	write(t, "fails.sh", "echo 'no such layer' >&2; exit 3\n")
	appendTo(t, "tiny.toml", "[[external]]\nlabel = \"theirs\"\ncommand = [\"sh\", \"fails.sh\"]\n")
	out, errs, code := prabench("run tiny.toml --no-figures --set train.steps=2 --set measure.rounds=0 --set sample.count=120")
	if code != exitFailed || !strings.Contains(out+errs, "theirs ended with exit code 3: no such layer") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if err := os.Remove("fails.sh"); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := prabench("plan tiny.toml"); code != exitUsage || !strings.Contains(errs, "external.files") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// A run that is killed while a program draws goes on with what the program has kept.
func TestKilledProgramGoesOn(t *testing.T) {
	root := testdata(t)
	here(t)
	shipped(t, root, "noise.sh")
	raw, err := os.ReadFile("noise.sh")
	if err != nil {
		t.Fatal(err)
	}
	// The first attempt leaves a mark in the folder that is kept, and then never ends.
	write(t, "noise.sh", strings.Replace(string(raw), "seed=$(number seed)\n",
		"seed=$(number seed)\nmark=$(path keep)/mark\n[ -e \"$mark\" ] || { touch \"$mark\"; sleep 600; }\n", 1))
	appendTo(t, "tiny.toml", "[[external]]\nlabel = \"noise\"\ncommand = [\"sh\", \"noise.sh\"]\nsettings = { mean = 40 }\n")
	args := "run tiny.toml --no-figures --only outside=noise --set measure.rounds=0 --set sample.count=120"
	killedAt(t, args, ".prabench/external/*/mark")
	if out := must(t, args); !strings.Contains(out, "noise mean=40") && !strings.Contains(out, "noise (outside)") {
		t.Error(out)
	}
}

// What programs do wrong is an outcome of their cells, with a reason; a log that they
// flood is shortened, and nothing that they started stays.
func TestFaultsOfPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for programs that hang: some seconds")
	}
	root := testdata(t)
	here(t)
	shipped(t, root, "noise.sh")
	noise := contents(t, "noise.sh")[0]
	faults := []struct{ name, program, outcome, reason string }{
		{"hangs", "sleep 611.5", "timeout", "measure.timeout"},
		{"floods", "yes 'all is well' | head -c 20000000; echo; echo 'no such layer'; exit 4", "crash",
			"floods ended with exit code 4: no such layer"},
		{"few", strings.Replace(noise, "n=$(number count)", "n=$(($(number count) - 1))", 1), "invalid",
			"few wrote 119 images, 120 were asked for"},
		{"leaves", strings.Replace(noise, "set -eu", "set -eu; sleep 612.5 &", 1), "invalid", "left 1 processes running (sleep)"},
	}
	for _, f := range faults {
		write(t, f.name+".sh", f.program)
		appendTo(t, "tiny.toml", fmt.Sprintf("[[external]]\nlabel = %q\ncommand = [\"sh\", \"%[1]s.sh\"]\nsettings = { mean = 40 }\n", f.name))
	}
	_, errs, code := prabench("run tiny.toml --no-figures --only outside=hangs,outside=floods,outside=few,outside=leaves " +
		"--set measure.rounds=0 --set sample.count=120 --set measure.timeout=5s")
	if code != exitFailed {
		t.Errorf("exit code %d, %s", code, errs)
	}
	status := must(t, "status tiny.toml --set measure.rounds=0 --set sample.count=120 --set measure.timeout=5s")
	for _, f := range faults {
		if !regexp.MustCompile(regexp.QuoteMeta(f.name) + ` .*` + f.outcome + `\b.*` + regexp.QuoteMeta(f.reason)).MatchString(status) {
			t.Errorf("%s: want %s with %q:\n%s", f.name, f.outcome, f.reason, status)
		}
	}
	for i, log := range contents(t, ".prabench/log/*") {
		if len(log) > 200<<10 {
			t.Errorf("log %d has %d bytes", i, len(log))
		}
	}
	running, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || runtime.GOOS == "linux" && len(running) == 0 {
		t.Fatalf("no processes to look at: %v", err)
	}
	for _, file := range running { // they may end meanwhile
		if raw, err := os.ReadFile(file); err == nil && (string(raw) == "sleep\x00611.5\x00" || string(raw) == "sleep\x00612.5\x00") {
			t.Errorf("what a program started still runs: %s", file)
		}
	}
}

// killedAt starts a command and kills it with SIGKILL when a file is there.
func killedAt(t *testing.T, args, file string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	first := exec.Command(self, strings.Fields(args)...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	defer func() { _ = first.Process.Kill() }()
	for {
		if found, _ := filepath.Glob(file); len(found) > 0 {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("prabench %s ended before there was a %s: %v", args, file, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := first.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// The example in Python, where Python and NumPy are.
func TestPythonSampler(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an experiment beside a program in Python: some seconds")
	}
	if out, err := exec.Command("python3", "-c", "import numpy").CombinedOutput(); err != nil {
		t.Skipf("no python3 with NumPy: %v %.100s", err, out)
	}
	root := testdata(t)
	here(t)
	shipped(t, root, "sampler.py")
	appendTo(t, "tiny.toml", "[[external]]\nlabel = \"mixture\"\ncommand = [\"python3\", \"sampler.py\"]\nsettings = { components = 3 }\n"+
		"data = true\ntimed = true\n")
	must(t, "run tiny.toml --no-figures --only outside=mixture --set sample.count=120 --set measure.rounds=1 --set measure.repeat_disturbed=0")
	got := values(t, "")
	for _, m := range []string{"fid_proxy", "throughput", "params", "nfe"} {
		if got["mixture seed 1 "+m] == "" {
			t.Errorf("no %s: %v", m, got)
		}
	}
}

const flowProgram = `
[[external]]
label = "flow"
command = ["python3", "flow.py"]
settings = { width = 16, steps = 2000 }
data = true
timed = true

[[claim]]
text = "the flow model is nearer to the data"
metric = "fid_proxy"
of = { outside = "flow" }
over = { "train.rollout_depth" = 1 }
expect = "better"
`

// The example in PyTorch, killed while it trains: it goes on from what it has kept,
// draws the images of a run that was not killed, and is in figure, claim and report.
func TestPyTorchSampler(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an experiment beside a program in PyTorch: a minute")
	}
	python := os.Getenv("PRABENCH_PYTHON")
	if python == "" {
		if python, _ = filepath.Abs("../../.prabench/pytorch/bin/python"); exec.Command(python, "-c", "").Run() != nil {
			python = "python3"
		}
	}
	if out, err := exec.Command(python, "-c", "import numpy, torch").CombinedOutput(); err != nil {
		t.Skipf("%s has no PyTorch and NumPy (make pytorch-compare installs them; PRABENCH_PYTHON names another): %v %.200s", python, err, out)
	}
	root := testdata(t)
	here(t)
	shipped(t, root, "flow.py")
	appendTo(t, "tiny.toml", strings.Replace(flowProgram, "python3", python, 1))
	const set = " --set sample.count=120 --set train.steps=4 --set measure.rounds=1 --set measure.repeat_disturbed=0"
	must(t, "run tiny.toml"+set+" --only outside=flow --set measure.rounds=0 --no-figures --artifacts whole --db whole.db")
	const place = ".prabench/external/*/flow.pt"
	killedAt(t, "run tiny.toml"+set+" --only outside=flow --no-figures", place)
	if found, _ := filepath.Glob(".prabench/sample/*"); len(found) > 0 {
		t.Fatalf("the program had drawn its images before it was killed: %q", found)
	}
	out := must(t, "run tiny.toml"+set)
	if !strings.Contains(out, "flow (outside)") || !strings.Contains(out, "figures/tiny/speed.png") {
		t.Errorf("no row, or no figure of both:\n%s", out)
	}
	again := regexp.MustCompile("training goes from step [1-9][0-9]* to 2000")
	if logs := contents(t, ".prabench/log/*"); !slices.ContainsFunc(logs, again.MatchString) {
		t.Errorf("no attempt went on from a step of an earlier one:\n%s", strings.Join(logs, "\n"))
	}
	whole, resumed := contents(t, "whole/sample/*/samples.npy"), contents(t, ".prabench/sample/*/samples.npy")
	if len(whole) != 1 || !slices.Contains(resumed, whole[0]) {
		t.Errorf("%d samplings of a run that was not killed, and their images are not among the %d of the other", len(whole), len(resumed))
	}
	got := values(t, " --only outside=flow")
	for _, m := range []string{"fid_proxy", "throughput", "latency", "memory_peak", "params", "nfe", "flops_image"} {
		if got["flow seed 1 "+m] == "" {
			t.Errorf("no %s: %v", m, got)
		}
	}
	must(t, "paper tiny.toml --draw-only --across code"+set)
	if page, err := os.ReadFile("paper/index.md"); err != nil || !strings.Contains(string(page), "flow (outside)") {
		t.Errorf("no claim of it (%v):\n%s", err, page)
	}
	must(t, "report tiny.toml"+set)
	if page, err := os.ReadFile("report.html"); err != nil || !strings.Contains(string(page), "flow (outside)") {
		t.Errorf("the report does not have it: %v", err)
	}
}

// contents are those of the files that match.
func contents(t *testing.T, pattern string) (out []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(raw))
	}
	return out
}
