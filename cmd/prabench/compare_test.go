package main

import (
	"encoding/json"
	"strings"
	"testing"

	"prabench/harness/tools/draw"
)

// Two ways of sampling one training are compared over pairs of images, two settings of
// three seeds over pairs of seeds, and what cannot be compared is said.
func TestCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("trains four small models: some seconds")
	}
	here(t)
	more := " --set train.rollout_depth=0 --set measure.rounds=0 --set sample.flow_steps=[2,6]"
	must(t, "run tiny.toml"+more)
	of := func(args string) (out []draw.Compared) {
		t.Helper()
		if err := json.Unmarshal([]byte(must(t, "compare --json --metric fid_proxy,kid "+args)), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	images := of("sample.flow_steps=6 sample.flow_steps=2")
	for _, c := range images {
		if c.Method != "image_pairs" || c.Lo == nil || c.P == nil || c.Narrower <= 0 || c.Correlation == 0 {
			t.Errorf("over images: %+v", c)
		}
	}
	if back := of("sample.flow_steps=2 sample.flow_steps=6"); *back[0].Difference != -*images[0].Difference || *back[0].P != *images[0].P {
		t.Errorf("the other way around: %+v, %+v", back[0], images[0])
	}
	must(t, "run tiny.toml --set repeats=3"+more)
	for _, c := range of("sample.flow_steps=6 sample.flow_steps=2") {
		if c.Method != "pairs" || c.Pairs != 3 || c.P == nil {
			t.Errorf("over seeds: %+v", c)
		}
	}
	if out := must(t, "compare sample.flow_steps=6 sample.flow_steps=2"); !strings.Contains(out, "3 pairs of seeds") ||
		!strings.Contains(out, "p is of one comparison, not corrected") {
		t.Error(out)
	}
	two := must(t, "compare sample.flow_steps=6 sample.flow_steps=2 --metric fid_proxy,kid")
	if !strings.Contains(two, "p is corrected for 2 comparisons (Holm)") {
		t.Error(two)
	}
	for args, want := range map[string]string{
		"compare flow_stops=1 sample.flow_steps=2":                                         "unknown key",
		"compare sample.flow_steps=9 sample.flow_steps=2":                                  "no point is",
		"compare sample.flow_steps=2 sample.flow_steps=2":                                  "are the same cell",
		"compare sample.flow_steps=6 sample.flow_steps=2 --metric latency":                 "no cell of tiny has it",
		"compare sample.flow_steps=6 sample.flow_steps=2 --experiment other":               "only: tiny",
		"compare sample.flow_steps=6":                                                      "accepts 2 arg",
		"compare sample.flow_steps=6 sample.flow_steps=2 --across weather":                 "no such difference",
		"compare sample.flow_steps=6 sample.flow_steps=2 --db none.db":                     "none.db",
		"compare sample.flow_steps=6 sample.flow_steps=2 --metric fid_proxy --artifacts x": "",
	} {
		out, errs, code := prabench(args)
		if want == "" && code != exitOK || want != "" && (code == exitOK || !strings.Contains(errs, want)) {
			t.Errorf("%s: exit code %d, %s%s; want %q", args, code, out, errs, want)
		}
	}
}
