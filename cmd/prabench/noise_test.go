package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"prabench/harness/tools/noise"
)

// The shipped lottery, as small as can be, and timings: every component is there, and
// what has no repetition is refused.
func TestNoise(t *testing.T) {
	if testing.Short() {
		t.Skip("trains eleven small models: some seconds")
	}
	lottery, err := os.ReadFile("../../experiments/noise.toml")
	if err != nil {
		t.Fatal(err)
	}
	here(t)
	write(t, "noise.toml", string(lottery))
	var set strings.Builder
	for _, s := range []string{"data.set=shapes", "data.size=8", "data.limit=200", "model.patch=4", "model.state=6", "model.width=16",
		"model.depth=1", "model.heads=2", "model.head_width=16", "model.coder_width=16", "train.steps=6", "train.batch=8", "sample.count=40",
		"sample.flow_steps=2", "metrics.samples=60", "sample.seed=[1,2]", "seed.init=[1,2,3,1,1,1,1]", "seed.order=[1,1,1,2,3,1,1]",
		"seed.noise=[1,1,1,1,1,2,3]"} {
		set.WriteString(" --set " + s)
	}
	must(t, "run noise.toml"+set.String())
	out := must(t, "noise noise.toml --metric fid_proxy --difference 0.5"+set.String())
	for _, want := range []string{"over 7 trainings × 2 sampling seeds", "initial weights", "order of images", "training noise",
		"parts together",
		"sampling seeds", "training × sampling", "images of one sampling (jackknife)", "Found in 80 of 100 cases", "A difference of 0.5"} {
		if !strings.Contains(out, want) {
			t.Errorf("the ledger does not have %q:\n%s", want, out)
		}
	}
	for _, f := range []string{"noise.svg", "noise-kid.pdf"} {
		if info, err := os.Stat("figures/noise/" + f); err != nil || info.Size() == 0 {
			t.Errorf("figure %s: %v", f, err)
		}
	}
	if out, errs, code := prabench("noise tiny.toml"); code == exitOK {
		t.Errorf("what was never run: %s%s", out, errs)
	}
	must(t, "run tiny.toml --set measure.rounds=2 --set train.rollout_depth=[0,1]")
	var lines []noise.Line
	if err := json.Unmarshal([]byte(must(t, "noise --json tiny.toml --set measure.rounds=2")), &lines); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, l := range lines {
		seen[l.Metric+" "+l.Component] = l.Deviation >= 0
	}
	for _, want := range []string{"throughput rounds", "throughput processes", "throughput readings", "latency processes"} {
		if !seen[want] {
			t.Errorf("no %s: %+v", want, lines)
		}
	}
	_, errs, code := prabench("noise tiny.toml --set measure.rounds=2 --metric fid_proxy")
	if code != exitUsage || !strings.Contains(errs, "at least three training seeds") {
		t.Errorf("one training seed: exit code %d, %s", code, errs)
	}
}
