package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/harness/tools/check"
	"prabench/harness/tools/check/arm"
	"prabench/harness/tools/check/session"
)

// scriptedArm is the environment variable that makes the test program an arm
// that plays a script: the file of one.
const scriptedArm = "PRABENCH_TEST_ARM"

// armScript is what the new arm gives beside the old, whose answers are the
// same in every script.
type armScript struct {
	Throughput, Latency, Memory float64 // factors
	Noise                       float64 // swing between rounds
	Model                       float64 // bytes more
	Fail                        string  // why it refuses
	FailOld                     string
	Machine                     float64 // speed of the machine itself
}

// playArm answers as the script says. The number of lines in the file beside
// the script counts the arms that were started.
func playArm(script string) int {
	var s armScript
	raw, err := os.ReadFile(script)
	if err != nil || json.Unmarshal(raw, &s) != nil {
		return 5
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var q arm.Request
	if in.Decode(&q) != nil {
		return 0 // only asked whether there is an arm
	}
	count, _ := os.OpenFile(script+".count", os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644)
	count.WriteString("\n")
	info, _ := count.Stat()
	n := info.Size()
	newer := filepath.Base(os.Args[0]) != "oldprogram"
	swing := 1.0
	if newer { // up and down every other round, whichever arm begins
		swing += s.Noise * float64(1-(n-1)/4%2*2)
	}
	for more := true; more; more = in.Decode(&q) == nil {
		a := arm.Answer{Resident: 50 << 20, Batch: 32, Exact: map[string]float64{"params": 1000, "flops_image": 2e6, "ar_steps": 4, "nfe": 8,
			"memory_model": 8000, "memory_cache": 500}}
		a.Peak, a.Bandwidth = 100e9*s.Machine, 10e9*s.Machine
		switch q.Metric {
		case arm.Throughput:
			a.Seconds = []float64{0.032 * swing / s.Machine, 0.05 / s.Machine}
		case arm.Latency:
			a.Seconds = []float64{0.002 * swing / s.Machine, 0.003 * swing / s.Machine}
		}
		fail := s.FailOld
		if newer {
			fail = s.Fail
			a.Resident = int64(float64(a.Resident) * s.Memory)
			a.Exact["memory_model"] += s.Model
			for i := range a.Seconds {
				a.Seconds[i] *= map[string]float64{arm.Throughput: 1 / s.Throughput, arm.Latency: s.Latency}[q.Metric]
			}
		}
		if fail == "hang" {
			time.Sleep(time.Hour)
		}
		if fail == "die" {
			fmt.Fprintln(os.Stderr, "a last word")
			return 7
		}
		if fail != "" {
			a = arm.Answer{Outcome: "oom", Reason: fail}
		}
		out.Encode(a)
		q = arm.Request{}
	}
	return 0
}

// play writes a script, makes arms follow it, and makes the old program.
func play(t *testing.T, s armScript) {
	t.Helper()
	for _, f := range []*float64{&s.Throughput, &s.Latency, &s.Memory, &s.Machine} {
		if *f == 0 {
			*f = 1
		}
	}
	raw, _ := json.Marshal(s)
	script, err := filepath.Abs("script.json")
	if err != nil {
		t.Fatal(err)
	}
	write(t, script, string(raw))
	t.Setenv(scriptedArm, script)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	os.Remove("oldprogram")
	if err := os.Symlink(self, "oldprogram"); err != nil {
		t.Fatal(err)
	}
	load := checkLoad
	checkLoad = func() func() (session.MachineLoad, bool) {
		return func() (session.MachineLoad, bool) { return session.MachineLoad{Wall: time.Second}, true }
	}
	t.Cleanup(func() { checkLoad = load })
}

var (
	roundsIn = regexp.MustCompile(`(?m)^.* threads, fp32; (\d+ rounds) in .*$`)
	limitOf  = regexp.MustCompile(`at most \S+`)
	ownCode  = regexp.MustCompile(`this program( \([^)]*\))?`)
)

// sameEverywhere leaves out the machine, the time and the code's state.
func sameEverywhere(s string) string {
	s = limitOf.ReplaceAllString(s, "at most (time)")
	return ownCode.ReplaceAllString(roundsIn.ReplaceAllString(s, "(machine); $1 in (time)"), "this program")
}

// TestCheck is every exit code with what is printed.
func TestCheck(t *testing.T) {
	root := testdata(t)
	here(t)
	var b strings.Builder
	for _, c := range []struct {
		name   string
		script armScript
		args   string
		code   int
	}{
		{"pass", armScript{Noise: 0.01}, "", 0},
		{"regression", armScript{Throughput: 0.9, Noise: 0.01}, "", 1},
		{"improvement", armScript{Latency: 0.8, Noise: 0.01}, "", 0},
		{"more bytes of model", armScript{Model: 80}, "", 1},
		{"noise", armScript{Noise: 0.4}, "", 3},
		{"the new program fails", armScript{Fail: "no memory is left"}, "", 1},
		{"the old program fails", armScript{FailOld: "no memory is left"}, "", 3},
		{"the old program dies", armScript{FailOld: "die"}, "", 3},
		{"usage", armScript{}, " --save x", 2},
		{"usage", armScript{}, " --format xml", 2},
		{"usage", armScript{}, " --output junit", 2},
		{"usage", armScript{}, " --rounds 2", 2},
		{"usage", armScript{}, " --set check.metrics=speed", 2},
		{"the harness fails", armScript{}, " --output junit=/dev/full", 4},
		{"no such folder", armScript{}, " --output junit=no/such/folder.xml", 2},
	} {
		play(t, c.script)
		args := "check tiny.toml --against-binary ./oldprogram --budget 10h --rounds 10" + c.args
		if strings.Contains(c.args, "--rounds") {
			args = "check tiny.toml --against-binary ./oldprogram" + c.args
		}
		out, errs, code := prabench(args)
		fmt.Fprintf(&b, "# %s\n$ prabench %s\n%s%s[%d]\n\n", c.name, args, out, errs, code)
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d\n%s%s", c.name, code, c.code, out, errs)
		}
	}
	for _, args := range []string{"check", "check tiny.toml", "check tiny.toml --against-binary nowhere", "check tiny.toml --against HEAD",
		"check nofile.toml --against HEAD"} {
		out, errs, code := prabench(args)
		fmt.Fprintf(&b, "$ prabench %s\n%s%s[%d]\n\n", args, out, errs, code)
		if code != exitUsage {
			t.Errorf("prabench %s: exit code %d", args, code)
		}
	}
	golden(t, root, "check", machineFree(sameEverywhere(b.String())))
}

// TestCheckBaseline saves a baseline and compares with it: what the whole
// machine does slower is no regression, what is not comparable is refused by
// name.
func TestCheckBaseline(t *testing.T) {
	root := testdata(t)
	here(t)
	var b strings.Builder
	do := func(name string, s armScript, args string, code int) {
		t.Helper()
		play(t, s)
		args = "check tiny.toml --budget 10h --rounds 10 " + args
		out, errs, got := prabench(args)
		fmt.Fprintf(&b, "# %s\n$ prabench %s\n%s%s[%d]\n\n", name, args, out, errs, got)
		if got != code {
			t.Errorf("%s: exit code %d, want %d\n%s%s", name, got, code, out, errs)
		}
	}
	do("none yet", armScript{}, "--baseline first", 2)
	do("save", armScript{Noise: 0.001}, "--save first", 0)
	do("the same", armScript{Noise: 0.001}, "--baseline first", 0)
	do("a machine of half the speed today", armScript{Noise: 0.001, Machine: 0.5}, "--baseline first", 0)
	do("slower", armScript{Noise: 0.001, Throughput: 0.9}, "--baseline first", 1)
	do("larger", armScript{Memory: 1.1, Model: 8}, "--baseline first", 1)
	do("other threads", armScript{}, "--baseline first --set measure.threads=2", 2)
	do("another model", armScript{}, "--baseline first --set model.width=32", 2)
	do("another batch", armScript{}, "--baseline first --set measure.batch=16", 2)
	do("other metrics", armScript{}, "--baseline first --set check.metrics=latency", 2)
	do("another cell", armScript{}, "--baseline first --set model.block=[2,4]", 2)
	do("another label of the same model", armScript{Noise: 0.001}, "--baseline first --set train.rollout_depth=[1,0]", 0)
	const file = "baselines/tiny-first.json"
	raw, err := os.ReadFile(file)
	if err != nil || len(raw) > 8000 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	class := regexp.MustCompile(`"device": "cpu [^"]*"`)
	write(t, file, class.ReplaceAllString(string(raw), `"device": "cpu Example 9000"`))
	do("another processor", armScript{}, "--baseline first", 2)
	write(t, file, strings.Replace(string(raw), "prabench-baseline-1", "prabench-baseline-9", 1))
	do("another format", armScript{}, "--baseline first", 2)
	write(t, file, "{")
	do("damaged", armScript{}, "--baseline ./baselines/tiny-first.json", 2)
	here := regexp.MustCompile(`"cpu [^"]*"; |here it is "cpu [^"]*"`).ReplaceAllString(sameEverywhere(b.String()), `here it is "(machine)"`)
	here = regexp.MustCompile(`on cpu .*, 1 threads`).ReplaceAllString(here, "on (machine), 1 threads")
	here = regexp.MustCompile(`baseline first \([0-9a-f.]+(\+dirty)?\)`).ReplaceAllString(here, "baseline first")
	golden(t, root, "baseline", machineFree(here))
}

// TestCheckOutputs writes every format beside what is printed.
func TestCheckOutputs(t *testing.T) {
	here(t)
	play(t, armScript{Throughput: 0.9, Noise: 0.01})
	args := "check tiny.toml --against-binary ./oldprogram --budget 10h --rounds 10 --format github"
	for _, f := range check.Formats() {
		args += " --output " + f + "=out." + f
	}
	out, errs, code := prabench(args)
	if code != 1 || !strings.HasPrefix(out, "::error file=tiny.toml,title=regression%3A throughput of rollout_depth=0::") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	for f, want := range map[string]string{"table": "verdict: regression", "markdown": "### ❌ prabench check", "junit": "<failure message=",
		"github": "::error ", "json": `"verdict": "regression"`, "go": "BenchmarkCell/rollout_depth=0-1 1 "} {
		raw, err := os.ReadFile("out." + f)
		if err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("%s: no %q in it (%v):\n%s", f, want, err, raw)
		}
	}
}

// What a check would not heed is refused before it measures anything.
func TestCheckRefusesWhatItWouldNotHeed(t *testing.T) {
	here(t)
	play(t, armScript{Noise: 0.001})
	for args, want := range map[string]string{
		"--save n --output junit=x.xml":                  "--save writes a baseline, not a report",
		"--save n --format json":                         "--save writes a baseline, not a report",
		"--save n --json":                                "--save writes a baseline, not a report",
		"--against-binary ./oldprogram --rounds -3":      "check.rounds: -3 rounds",
		"--against-binary ./oldprogram --budget -1m":     "check.budget: -1m is no time",
		"--save n --rounds -3 --budget 1m":               "check.rounds: -3 rounds",
		"--history --budget -1m --db nowhere/results.db": "check.budget: -1m is no time",
	} {
		if out, errs, code := prabench("check tiny.toml " + args); code != exitUsage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("check %s: exit code %d, %s%s", args, code, out, errs)
		}
	}
	if _, err := os.Stat("baselines"); err == nil {
		t.Error("a baseline was written")
	}
}

// TestCheckQuality trains with both programs where [check] names fid_proxy; the
// same program draws the same images. A baseline takes it from the database.
func TestCheckQuality(t *testing.T) {
	if testing.Short() {
		t.Skip("trains two small models, twice")
	}
	here(t)
	play(t, armScript{})
	args := "check tiny.toml --budget 1m --rounds 8 --only train.rollout_depth=1 --set check.metrics=latency,fid_proxy"
	out, errs, code := prabench(args + " --against-binary ./oldprogram")
	if code != 0 || !regexp.MustCompile(`rollout_depth=1 +fid_proxy +(\S+) +(\S+) +\+0\.0 %.* pass +intervals .* overlap`).MatchString(out) {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if _, errs, code := prabench(args + " --save q"); code != exitUsage ||
		!strings.Contains(errs, "which a baseline takes from the database") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	must(t, "run tiny.toml --no-figures --set measure.rounds=1 --set measure.repeat_disturbed=0")
	args += " --set measure.repeat_disturbed=0 --set measure.rounds=1"
	must(t, args+" --save q")
	if out := must(t, args+" --baseline q"); !strings.Contains(out, "overlap") {
		t.Error(out)
	}
}

// TestCheckOfThisProgram measures for real: a program against itself must not
// be called a regression, one that does everything four times must.
func TestCheckOfThisProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for some seconds")
	}
	here(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := "check tiny.toml --against-binary " + self +
		" --rounds 12 --budget 90s --set measure.repeat_disturbed=0 --only train.rollout_depth=1"
	out, errs, code := prabench(args + " --set check.throughput=0.5 --set check.latency=0.5 --set check.memory=0.5")
	if code != exitOK && code != 3 {
		t.Errorf("against itself: exit code %d\n%s%s", code, out, errs)
	}
	out, errs, code = prabench(args + " --test-extra-work 3")
	if code != 1 || !strings.Contains(out, "found again in a confirmation block") {
		t.Errorf("with three times as much extra work: exit code %d\n%s%s", code, out, errs)
	}
}

// TestAStoppedCheckLeavesNothing stops a check while one of its programs hangs: no
// process of it and no folder are left, whatever the signal.
func TestAStoppedCheckLeavesNothing(t *testing.T) {
	hearHangups(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			here(t)
			play(t, armScript{FailOld: "hang"})
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			cmd := exec.Command(os.Args[0], strings.Fields("check tiny.toml --against-binary ./oldprogram --budget 10m --rounds 10")...)
			var errs strings.Builder
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the programs that are measured", func() bool { return len(armsOf(t)) > 0 })
			time.Sleep(100 * time.Millisecond)
			cmd.Process.Signal(sig)
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code <= 0 {
				t.Errorf("exit code %d, %v\n%s", code, cmd.ProcessState, errs.String())
			}
			waitFor(t, "the end of the programs", func() bool { return len(armsOf(t)) == 0 })
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// hearHangups has programs that a test starts end at SIGHUP even where the tests
// themselves are run under nohup, which ignores it for all that they start.
func hearHangups(t *testing.T) {
	t.Helper()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(c) })
}

// armsOf are the processes that play the arms of this test's script.
func armsOf(t *testing.T) (pids []string) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("the system does not tell the environment of processes")
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		env, _ := os.ReadFile(filepath.Join(p, "environ"))
		args, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		if strings.Contains(string(env), scriptedArm+"="+os.Getenv(scriptedArm)+"\x00") && strings.HasSuffix(string(args), "\x00arm\x00") {
			pids = append(pids, filepath.Base(p))
		}
	}
	return pids
}
