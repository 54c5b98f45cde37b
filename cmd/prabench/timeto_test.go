package main

import (
	"strings"
	"testing"
)

// A file that looks at its training on the way: values at each stop, and what it took
// to reach one.
func TestTimeTo(t *testing.T) {
	here(t)
	set := " --set train.evaluate=[5,10] --set measure.rounds=0 --set repeats=2 --set train.rollout_depth=1"
	must(t, "run tiny.toml --no-figures"+set)
	if out := must(t, "results tiny.toml --metric train_flops --format csv"+set); strings.Count(out, "train_flops") != 6 {
		t.Errorf("not three stops of two seeds:\n%s", out)
	}
	out := must(t, "results tiny.toml --time-to train_loss=1e6"+set)
	for _, want := range []string{"train_loss reaches 1e+06", "steps", "train_seconds", "≤ 5", "at its first stop already"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q:\n%s", want, out)
		}
	}
	if out := must(t, "results tiny.toml --time-to fid_proxy=0"+set); !strings.Contains(out, "> 20") {
		t.Errorf("what is never reached:\n%s", out)
	}
	const of = " --time-to fid_proxy=0"
	lines := must(t, "export --experiment tiny"+of+" --out x.csv") + contents(t, "x.csv")[0]
	if !strings.HasPrefix(lines, "training,metric,goal,") || strings.Count(lines, ",fid_proxy,0,2,0,") != 3 {
		t.Errorf("x.csv has\n%s", lines)
	}
	if out := must(t, "results tiny --json"+of); !strings.Contains(out, `"cost":"steps","unit":"1","value":null,`) {
		t.Errorf("--json prints\n%s", out)
	}
	for _, flag := range []string{" --metric fid_proxy", " --mean", " --cells"} {
		if _, errs, code := prabench("results tiny --format csv" + of + flag); code != exitUsage || !strings.Contains(errs, "none of --metric") {
			t.Errorf("%s: exit code %d, %s", flag, code, errs)
		}
	}
	for goal, want := range map[string]string{"fid_prox=3": "did you mean fid_proxy", "fid_proxy": "METRIC=VALUE", "kid=x": "no number"} {
		if _, errs, code := prabench("results tiny.toml --time-to " + goal + set); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", goal, code, errs)
		}
	}
	must(t, "run tiny.toml --no-figures --set measure.rounds=0")
	_, errs, code := prabench("results tiny.toml --time-to kid=1 --set measure.rounds=0")
	if code != exitUsage || !strings.Contains(errs, "train.evaluate") {
		t.Errorf("without stops: exit code %d, %s", code, errs)
	}
}
