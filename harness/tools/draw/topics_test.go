package draw

import (
	"strings"
	"testing"

	"prabench/experiments"
	"prabench/metrics/quantity"
	"prabench/plots/figure"
)

// TestTopicsAreWhole: what is looked up has every key, metric and kind.
func TestTopicsAreWhole(t *testing.T) {
	want := map[string][]string{}
	for _, k := range experiments.Keys() {
		want["keys"] = append(want["keys"], k.Name)
	}
	for _, m := range quantity.Metrics() {
		want["metrics"] = append(want["metrics"], m.Name)
	}
	for _, k := range figure.Kinds() {
		want["figures"] = append(want["figures"], "kind = \""+k.Name+"\"")
		for _, f := range k.Fields {
			want["figures"] = append(want["figures"], f.Key)
		}
	}
	for _, topic := range Topics() {
		var b strings.Builder
		if err := topic.Write(&b); err != nil {
			t.Fatal(err)
		}
		if len(want[topic.Name]) < 10 {
			t.Errorf("%s: only %d things to look up", topic.Name, len(want[topic.Name]))
		}
		for _, name := range want[topic.Name] {
			if !strings.Contains(b.String(), name) {
				t.Errorf("help %s lacks %s", topic.Name, name)
			}
		}
		if strings.Contains(b.String(), "`") {
			t.Errorf("help %s has quotes of Markdown", topic.Name)
		}
	}
}
