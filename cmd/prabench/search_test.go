package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A search drops points at each stop, says where they stood, decides the same again,
// also when it is killed on the way, and leaves what it dropped to a run without it.
func TestSearch(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a dozen small models: some seconds")
	}
	here(t)
	axes := " --set train.evaluate=[4,8] --set measure.rounds=0 --set train.rollout_depth=1 --set train.clip=1" +
		" --set train.lr=[1e-5,1e-3,1e-2,0.9]"
	set := axes + " --set search.metric=fid_proxy --set search.keep=0.5"
	planned := "search by fid_proxy: 4 points train to 4 steps, 2 of them to 8, 1 of them to 20; 36 of 80 steps a seed (45 %)"
	if plan := must(t, "plan tiny.toml"+set); !strings.Contains(plan, planned) {
		t.Errorf("plan does not say %q:\n%s", planned, plan)
	}
	if plan := must(t, "plan tiny.toml"+axes); strings.Contains(plan, "search by") {
		t.Errorf("a plan without a search names one:\n%s", plan)
	}
	if plan := must(t, "plan --json tiny.toml"+set); !strings.Contains(plan, `"search": "`+planned) {
		t.Errorf("plan --json does not have %q:\n%s", planned, plan)
	}
	if before := must(t, "status tiny.toml"+set); !strings.Contains(before, "tiny: stop 1 of 3, after 4 steps: 4 of 4 points, ") {
		t.Errorf("status does not name the first stop:\n%s", before)
	}
	out, errs, code := prabench("run tiny.toml --no-figures" + set)
	if code != exitOK {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	decided := regexp.MustCompile(`tiny: after \d+ steps \d of \d points go on, .*`)
	first := decided.FindAllString(errs, -1)
	if len(first) != 2 || !strings.Contains(first[0], "after 4 steps 2 of 4") || !strings.Contains(first[1], "after 8 steps 1 of 2") ||
		!strings.Contains(errs, "the search trained 36 of 80 steps a seed (45 %)") {
		t.Fatalf("decisions %q in\n%s", first, errs)
	}
	status := must(t, "status tiny.toml"+set)
	if n := strings.Count(status, "dropped by the search: fid_proxy"); n < 3 {
		t.Errorf("status names %d dropped cells:\n%s", n, status)
	}
	if again := decided.FindAllString(status, -1); !slices.Equal(again, first) || strings.Contains(status, "tiny: stop ") {
		t.Errorf("status has the decisions %q, without %q:\n%s", again, first, status)
	}
	droppedApart(t, set, axes)
	tiny, _ := os.ReadFile("tiny.toml")
	head, _, _ := strings.Cut(string(tiny), "[[figure]]")
	write(t, "drawn.toml", head+"\n[[figure]]\nname = \"along\"\nkind = \"line\"\nx = \"train.until\"\nseries = \"train.lr\"\n")
	must(t, "plot drawn.toml"+set)
	svg, err := os.ReadFile("figures/tiny/along.svg")
	if err != nil || !strings.Contains(string(svg), "Hollow: the last value of 3 of 12 cells") {
		t.Errorf("%v: what was dropped is not hollow", err)
	}
	out, errs, code = prabench("run tiny.toml --no-figures --json" + set)
	if code != exitOK || !strings.Contains(errs, first[1]) || strings.Count(out, `"state": "dropped"`) != 5 ||
		strings.Contains(out, `"to do"`) {
		t.Errorf("once more: exit code %d, %s%s", code, out, errs)
	}

	// However many stages run side by side: a stop waits for all of its points.
	for _, jobs := range []string{"1", "3"} {
		_, errs, code := prabench("run tiny.toml --no-figures --jobs " + jobs + set + " --db jobs" + jobs + ".db --artifacts jobs" + jobs)
		if again := decided.FindAllString(errs, -1); code != exitOK || strings.Join(again, "\n") != strings.Join(first, "\n") {
			t.Errorf("with --jobs %s exit code %d and %q, without %q", jobs, code, again, first)
		}
	}

	// The same elsewhere, killed again and again.
	elsewhere := set + " --db other.db --artifacts other"
	killed := 0
	for range 40 {
		c := exec.Command(os.Args[0], strings.Fields("run tiny.toml --no-figures"+elsewhere)...)
		var said strings.Builder
		c.Stderr = &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(200+100*killed)*time.Millisecond, func() { c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		killed++
	}
	if killed == 0 {
		t.Error("no run was killed: the test shows nothing")
	}
	_, errs, _ = prabench("run tiny.toml --no-figures" + elsewhere)
	if again := decided.FindAllString(errs, -1); strings.Join(again, "\n") != strings.Join(first, "\n") {
		t.Errorf("after kills %q, undisturbed %q", again, first)
	}

	// Without the search what was dropped is trained.
	must(t, "run tiny.toml --no-figures"+axes)
	if out := must(t, "results tiny.toml --metric fid_proxy --format csv"+axes); strings.Count(out, "fid_proxy") != 12 {
		t.Errorf("not all cells have a value:\n%s", out)
	}
	if _, errs, code := prabench("run tiny.toml --set search.metric=kid"); code != exitUsage || !strings.Contains(errs, "train.evaluate") {
		t.Errorf("no stops: exit code %d, %s", code, errs)
	}
}

// droppedApart holds that what a search has dropped is no work to do while the file has it:
// two points of their stops after 8 and 20 steps, one of that after 20.
func droppedApart(t *testing.T, set, axes string) {
	t.Helper()
	status := must(t, "status tiny.toml"+set)
	if !strings.Contains(status, "\n7 done  5 dropped  \n") || strings.Contains(status, "last: blocked") {
		t.Errorf("status counts what was dropped otherwise:\n%s", status)
	}
	if out := must(t, "status tiny.toml --json"+set); strings.Count(out, `"state": "dropped"`) != 5 || strings.Contains(out, `"to do"`) {
		t.Errorf("status --json has not 5 cells dropped and none to do:\n%s", out)
	}
	todo := regexp.MustCompile(`(?m)^train +(\d+) +(\d+) +(\d+) +0 +(\d+) `)
	for args, want := range map[string]string{set: "7 7 7 0", axes: "12 12 7 5",
		axes + " --set search.metric=fid_proxy --set search.keep=0.99": "12 12 7 5"} {
		plan := must(t, "plan tiny.toml"+args)
		if m := todo.FindStringSubmatch(plan); m == nil || strings.Join(m[1:], " ") != want {
			t.Errorf("plan%s has the trainings %q, want %s:\n%s", args, m, want, plan)
		}
		if left := strings.Contains(plan, "15 stages are left out: the search has dropped their points"); left != (args == set) {
			t.Errorf("plan%s says what is left out: %t\n%s", args, left, plan)
		}
	}
	if out := must(t, "plan tiny.toml --json"+set); strings.Count(out, `"state": "dropped"`) != 15 || strings.Contains(out, `"to do"`) {
		t.Errorf("plan --json has not 15 stages dropped and none to do:\n%s", out)
	}
	if out := must(t, "status tiny.toml"+axes); !strings.Contains(out, "7 done  5 to do") {
		t.Errorf("status without the search:\n%s", out)
	}
}

// What fails of a file is not forgotten when a search follows it, and arms crossed with an axis are
// points of their own.
func TestASearchBesideAFileThatFails(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a few small models: some seconds")
	}
	here(t)
	tiny, _ := os.ReadFile("tiny.toml")
	head, _, _ := strings.Cut(string(tiny), "[sweep]")
	change := func(name string, pairs ...string) {
		text := strings.NewReplacer(append(pairs, "\"tiny\"", "\""+name+"\"")...).Replace(head)
		write(t, name+".toml", text)
	}
	change("plain", "rounds = 2", "rounds = 0", "steps = 20", "steps = 20\nrec_weight = 1e38")
	change("search", "steps = 20", "steps = 20\nevaluate = [4]", "rounds = 2", "rounds = 0", "train_steps = 2", `train_steps = 2
[search]
metric = "fid_proxy"
keep = 0.25
[sweep]
"model.patch" = [4, 2]
[[sweep.arm]]
label = "slow"
"train.lr" = 1e-5
[[sweep.arm]]
label = "fast"
"train.lr" = 1e-2`)
	if plan := must(t, "plan search.toml"); !strings.Contains(plan, "4 points train to 4 steps, 1 of them to 20") {
		t.Errorf("the plan:\n%s", plan)
	}
	out, errs, code := prabench("run plain.toml search.toml --no-figures --json")
	if code != exitFailed || !strings.Contains(out, `"failed": 1,`) || !strings.Contains(out, `"experiment": "plain"`) ||
		!strings.Contains(out, `"experiment": "search"`) {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
	if !regexp.MustCompile(`after 4 steps 1 of 4 points go on, the best at fid_proxy .*: (slow|fast) patch=[24]`).MatchString(errs) {
		t.Errorf("the search said\n%s", errs)
	}
	// What a file without a search needs as well is to do.
	text, _ := os.ReadFile("search.toml")
	write(t, "whole.toml", strings.NewReplacer(`"fid_proxy"`, `"none"`, `"search"`, `"whole"`).Replace(string(text)))
	for args, want := range map[string]string{"search.toml": "5 done  3 dropped", "search.toml whole.toml": "10 done  6 to do",
		"whole.toml": "5 done  3 to do", "search.toml --only label=slow": "1 dropped"} {
		if status := must(t, "status "+args); !strings.Contains(status, want) {
			t.Errorf("status %s is not %q:\n%s", args, want, status)
		}
	}
	if _, errs, code := prabench("run search.toml --no-figures --set train.rec_weight=1e38"); code != exitFailed ||
		!strings.Contains(errs, "after 4 steps no point has a fid_proxy: the search ends here") || strings.Contains(errs, "20/20") {
		t.Errorf("where all points fail: exit code %d\n%s", code, errs)
	}
	if out, errs, code := prabench("run search.toml --no-figures"); code != exitOK || !strings.Contains(errs, "nothing to do: all ") {
		t.Errorf("the search again: exit code %d\n%s\n%s", code, out, errs)
	}
}

// A search through Slurm sends stop after stop and decides as a run on one machine does,
// also when a submission is repeated, a dry run looks on, and tasks are lost.
func TestSearchThroughSlurm(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a dozen small models: some seconds")
	}
	here(t)
	s := onPaper(t)
	slurmPause = time.Millisecond
	t.Cleanup(func() { slurmPause = 0 })
	set := " --set train.evaluate=[4,8] --set measure.rounds=0 --set train.rollout_depth=1 --set train.clip=1" +
		" --set train.lr=[1e-5,1e-3,1e-2,0.9] --set search.metric=fid_proxy --set search.keep=0.5"
	_, said, code := prabench("run tiny.toml --no-figures" + set + " --db local.db --artifacts local")
	decided := regexp.MustCompile(`tiny: after \d+ steps \d of \d points go on, .*|the search trained .*`)
	want := decided.FindAllString(said, -1)
	if code != exitOK || len(want) != 3 {
		t.Fatalf("exit code %d, %q", code, want)
	}
	done := 0
	tasks := func(lose bool) { // does what was sent since, but for a lost task
		for _, c := range s.calls[done:] {
			if strings.HasPrefix(c, "sbatch --parsable") {
				doArray(t, c[strings.LastIndex(c, " ")+1:], lose)
			}
		}
		done, s.queue = len(s.calls), map[string]string{}
	}
	sent := func(args string) (stages int, errs string) {
		t.Helper()
		before := len(s.queue)
		_, errs, code := prabench("submit slurm tiny.toml" + set + args)
		if code != exitOK {
			t.Fatalf("exit code %d\n%s", code, errs)
		}
		return len(s.queue) - before, errs
	}
	// The first stop: 4 trainings with samples and scores, and the reference.
	if n, errs := sent(""); n != 13 || !strings.Contains(errs, "stop 1 of 3, after 4 steps: 4 of 4 points, 13 stages to do") {
		t.Fatalf("%d stages sent: %s", n, errs)
	}
	if n, _ := sent(""); n != 0 {
		t.Errorf("%d stages that wait were sent again", n)
	}
	tasks(true)
	if n, errs := sent(""); n != 3 || strings.Contains(errs, "go on") {
		t.Errorf("after a task was lost %d stages are sent: %s", n, errs)
	}
	tasks(false)
	must(t, "status tiny.toml"+set) // takes in
	_, errs, _ := prabench("submit slurm tiny.toml --dry-run" + set)
	if again := decided.FindAllString(errs, -1); len(again) != 1 || again[0] != want[0] {
		t.Errorf("a dry run foresees %q", again)
	}
	if status := must(t, "status tiny.toml"+set); strings.Contains(status, "dropped by the search") {
		t.Errorf("a dry run decided:\n%s", status)
	}
	n, errs := sent("")
	if n != 6 || !strings.Contains(errs, want[0]) || !strings.Contains(errs, "stop 2 of 3, after 8 steps: 2 of 4 points") {
		t.Errorf("second stop: %d stages, %s", n, errs)
	}
	tasks(false)
	// The rest in one go: whatever is sent has been done when somebody looks again.
	s.sent = func() { tasks(false) }
	_, errs, code = prabench("submit slurm tiny.toml --wait" + set)
	got := decided.FindAllString(errs, -1)
	if code != exitOK || len(got) < 3 || strings.Join(got[len(got)-3:], "\n") != strings.Join(want, "\n") {
		t.Errorf("exit code %d and decisions %q, on one machine %q\n%s", code, got, want, errs)
	}
	dropped := regexp.MustCompile(`dropped by the search: .*`)
	a, b := must(t, "status tiny.toml"+set), must(t, "status tiny.toml"+set+" --db local.db --artifacts local")
	if x, y := dropped.FindAllString(a, -1), dropped.FindAllString(b, -1); len(x) < 3 || strings.Join(x, "\n") != strings.Join(y, "\n") {
		t.Errorf("dropped through Slurm %q, on one machine %q", x, y)
	}
	// A task that never leaves a result ends the wait with a reason.
	s.sent = func() { s.queue = map[string]string{} }
	if _, errs, code := prabench("submit slurm tiny.toml --wait --set search.metric=none --set seed=9" + axesOf(set)); code != 4 ||
		!strings.Contains(errs, "nothing came of it") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// axesOf is what sets the cells, without the search.
func axesOf(set string) string {
	axes, _, _ := strings.Cut(set, " --set search.")
	return axes
}

// doArray does the tasks of an array's script; lose loses the first training and, as
// Slurm cancels them, what builds on it.
func doArray(t *testing.T, script string, lose bool) {
	t.Helper()
	raw, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(raw), "exec ")
	words := strings.Fields(line)
	for _, m := range arrayLine.FindAllStringSubmatch(string(raw), -1) {
		if m[1] != "array" {
			continue
		}
		indices, _, _ := strings.Cut(m[2], "%")
		for part := range strings.SplitSeq(indices, ",") {
			var from, to int
			if n, _ := fmt.Sscanf(part, "%d-%d", &from, &to); n == 1 {
				to = from
			}
			for i := from; i <= to; i++ {
				if lose && i == 0 && !strings.HasSuffix(script, "reference.sh") {
					continue
				}
				out, errs, code := prabench(strings.Join(words[1:], " ") + fmt.Sprintf(" --index %d", i))
				if code != exitOK {
					t.Errorf("%s, task %d: exit code %d, %s%s", script, i, code, out, errs)
				}
			}
		}
	}
}
