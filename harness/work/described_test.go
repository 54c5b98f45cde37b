package work

import (
	"testing"

	"prabench/harness/stage"
	"prabench/metrics/quantity"
	"prabench/results/record"
)

// A stage that writes what the catalogue does not describe fails, before its
// artifact is there for others.
func TestOnlyMetricsOfTheCatalogueAreWritten(t *testing.T) {
	for _, c := range []struct {
		name    string
		attempt record.Attempt
		ok      bool
	}{
		{"a value", record.Attempt{Kind: "score", Values: []record.Value{{Metric: quantity.KID.Name, Unit: quantity.KID.Unit}}}, true},
		{"a value of another stage",
			record.Attempt{Kind: "probe", Values: []record.Value{{Metric: quantity.KID.Name, Unit: quantity.KID.Unit}}}, false},
		{"a reading", record.Attempt{Kind: "time",
			Readings: []record.Reading{{Metric: quantity.Latency.Name, Unit: quantity.Latency.Unit}},
		}, true},
		{"an unknown value", record.Attempt{Kind: "exposure", Values: []record.Value{{Metric: "fid_prefix_33", Unit: "1"}}}, false},
		{"an unknown reading", record.Attempt{Kind: "time", Readings: []record.Reading{{Metric: "memory_scratch", Unit: "bytes"}}}, false},
		{"another unit", record.Attempt{Kind: "time", Readings: []record.Reading{{Metric: "latency", Unit: "ms"}}}, false},
		{"a name that only curves have", record.Attempt{Kind: "train", Values: []record.Value{{Metric: "grad_norm"}}}, false},
	} {
		if err := described(&c.attempt); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		tk := task{attempt: &c.attempt}
		if !c.ok {
			if err := tk.keepNumbers(); err == nil {
				t.Errorf("%s: an artifact is kept", c.name)
			}
		}
	}
}

// Every row names a kind of stage that there is.
func TestEveryMetricHasAStage(t *testing.T) {
	for _, m := range quantity.Metrics() {
		if stage.Named(m.Stage) == nil {
			t.Errorf("%s is written by %q, which is no kind of stage", m.Name, m.Stage)
		}
	}
}
