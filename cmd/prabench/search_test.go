package main

import (
	"os"
	"os/exec"
	"regexp"
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
	tiny, _ := os.ReadFile("tiny.toml")
	head, _, _ := strings.Cut(string(tiny), "[[figure]]")
	write(t, "drawn.toml", head+"\n[[figure]]\nname = \"along\"\nkind = \"line\"\nx = \"train.until\"\nseries = \"train.lr\"\n")
	must(t, "plot drawn.toml"+set)
	svg, err := os.ReadFile("figures/tiny/along.svg")
	if err != nil || !strings.Contains(string(svg), "Hollow: the last value of 3 of 12 cells") {
		t.Errorf("%v: what was dropped is not hollow", err)
	}
	if out, errs, code := prabench("run tiny.toml --no-figures" + set); code != exitOK || !strings.Contains(errs, first[1]) {
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
