package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"prabench/harness/tools/importance"
)

// A sweep of two keys and a zip with two seeds: each axis and pair is there, the zip
// once; one seed says that the error cannot be estimated; what does not vary is refused.
func TestImportance(t *testing.T) {
	here(t)
	tiny, err := os.ReadFile("tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "axes.toml", string(tiny)+"\n[[figure]]\nname = \"axes\"\nkind = \"importance\"\ny = \"kid\"\n")
	axes := " --set train.rollout_depth=[0,1] --set sample.flow_steps=[1,2] --set measure.rounds=0"
	must(t, "run axes.toml"+axes+" --set repeats=2")
	out := must(t, "importance axes.toml --metric kid"+axes+" --set repeats=2")
	for _, want := range []string{"kid: mean", "over 4 points × 2 seeds", "rollout_depth", "flow_steps", " × ",
		"error: seeds, different in each cell"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q:\n%s", want, out)
		}
	}
	if info, err := os.Stat("figures/tiny/axes.svg"); err != nil || info.Size() == 0 {
		t.Errorf("its figure: %v", err)
	}
	must(t, "run axes.toml"+axes)
	var lines []importance.Line
	if err := json.Unmarshal([]byte(must(t, "importance --json axes.toml --metric kid"+axes)), &lines); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 3 || lines[0].F != nil || len(lines[0].Levels)+len(lines[1].Levels)+len(lines[2].Levels) != 4 {
		t.Errorf("one seed: %+v", lines)
	}
	if out := must(t, "importance axes.toml --metric kid"+axes); !strings.Contains(out, "the noise cannot be estimated") {
		t.Errorf("one seed:\n%s", out)
	}
	one := " --set train.rollout_depth=1 --set measure.rounds=0"
	must(t, "run axes.toml"+one+" --no-figures")
	_, errs, code := prabench("importance axes.toml --metric kid" + one)
	if code != exitUsage || !strings.Contains(errs, "two values of a swept key") {
		t.Errorf("no axis: exit code %d, %s", code, errs)
	}
}
