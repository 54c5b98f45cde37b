package main

import (
	"os"
	"strings"
	"testing"
)

// Untuned and tuned rows stand side by side on one training each; the choice is a column;
// the figure of responses is drawn; and what was there before is not made again.
func TestTunedBesideUntuned(t *testing.T) {
	if testing.Short() {
		t.Skip("trains two small models: some seconds")
	}
	here(t)
	tiny, err := os.ReadFile("tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	must(t, "run tiny.toml --set measure.rounds=0")
	text := strings.Replace(string(tiny), "[sweep]\n", "[tune]\nimages = 20\n[tune.grid]\nguidance = [0, 0.5]\nflow_steps = [1, 2, 4]\n"+
		"[sweep]\n\"tune.metric\" = [\"none\", \"fid_proxy\"]\n", 1)
	text = strings.Replace(text, "[\"fid_proxy\", \"throughput\"]",
		"[\"fid_proxy\", \"tuned_guidance\", \"tuned_flow_steps\", \"tune_at_end\", \"nfe\"]", 1)
	write(t, "tuned.toml", text+"\n[[figure]]\nname = \"response\"\nkind = \"response\"\n"+
		"x = \"flow_steps\"\nwhere = {\"tune.metric\" = \"fid_proxy\"}\n")
	if done := states(t, "tuned.toml --set measure.rounds=0"); done["train"] != 2 || done["sample"] != 2 {
		t.Errorf("done before: %v", done)
	}
	must(t, "run tuned.toml --set measure.rounds=1 --set name=tuned")
	for _, f := range []string{"response.svg", "cells.md"} {
		if info, err := os.Stat("figures/tuned/" + f); err != nil || info.Size() == 0 {
			t.Errorf("figure %s: %v", f, err)
		}
	}
	md, _ := os.ReadFile("figures/tuned/cells.md")
	if !strings.Contains(string(md), "chosen guidance") || strings.Count(string(md), "\n| ") < 5 {
		t.Errorf("%s", md)
	}
	if out := must(t, "results tuned.toml --set measure.rounds=1 --set name=tuned"); !strings.Contains(out, "tuned_guidance") {
		t.Errorf("the choice is no column:\n%s", out)
	}
	rows := must(t, "results --format csv --experiment tuned --metric tuned_flow_steps,nfe,tune_selected,tune_fresh")
	if strings.Count(rows, ",tuned_flow_steps,") != 2 || strings.Count(rows, ",tune_fresh,") != 2 || strings.Count(rows, ",nfe,") != 4 {
		t.Errorf("%s", rows)
	}
	if _, errs, _ := prabench("run tuned.toml --set measure.rounds=1 --set name=tuned"); !strings.Contains(errs, "nothing to do") {
		t.Errorf("again: %s", errs)
	}
}
