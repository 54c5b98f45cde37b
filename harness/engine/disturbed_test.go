package engine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"prabench/harness/progress"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/results/record"
)

// However many rounds are disturbed, a run says two lines: the first when it happens,
// and how many there were in all.
func TestDisturbedRoundsAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		rounds int
		busy   func(i int) bool
		cells  int
		total  string
	}{
		"none":           {40, func(int) bool { return false }, 4, ""},
		"one":            {40, func(i int) bool { return i == 7 }, 4, ""},
		"two of a cell":  {40, func(i int) bool { return i == 4 || i == 8 }, 4, "2 of 40 timed rounds, of 1 cells"},
		"fifty-six":      {80, func(i int) bool { return i >= 24 }, 10, "56 of 80 timed rounds, of 10 cells"},
		"all of a sweep": {500, func(int) bool { return true }, 100, "500 of 500 timed rounds, of 100 cells"},
	} {
		var d disturbed
		var said []string
		for i := range c.rounds {
			why := ""
			if c.busy(i) {
				why = "other processes kept 0.9 processors busy"
			}
			if text := d.add(i/c.cells+1, fmt.Sprint("depth=", i%c.cells), why); text != "" {
				said = append(said, text)
			}
		}
		if want := min(1, d.rounds); len(said) != want {
			t.Errorf("%s: %d lines while it runs, want %d: %q", name, len(said), want, said)
		}
		if len(said) > 0 && !strings.Contains(said[0], "kept 0.9 processors busy") {
			t.Errorf("%s: %q does not say why", name, said[0])
		}
		if total := d.total(); (total == "") != (c.total == "") || !strings.Contains(total, c.total) {
			t.Errorf("%s: %q at the end, want %q", name, total, c.total)
		}
	}
}

// What a run says of a training that ended well: that it diverged, and nothing else.
func TestADivergedTrainingIsWarnedOf(t *testing.T) {
	value := func(metric string, v float64) []record.Value { return []record.Value{{Metric: metric, Value: v}} }
	for _, c := range []struct {
		kind    *stage.Kind
		outcome string
		values  []record.Value
		says    string
	}{
		{work.Train, record.OK, value("loss_rise", 12.5), "warning: train of depth=1: the training diverged: " +
			"its loss ended at 12.5 times its lowest; lower train.lr or train.clip\n"},
		{work.Train, record.OK, value("loss_rise", 2), ""},
		{work.Train, record.OK, value("train_loss", 12.5), ""},
		{work.Train, record.OK, nil, ""},
		{work.Train, record.Crash, value("loss_rise", 12.5), ""},
		{work.Score, record.OK, value("loss_rise", 12.5), ""},
	} {
		var out bytes.Buffer
		l := &launcher{meter: progress.New(&out, false, time.Now)}
		l.warn(&Item{Stage: stage.Stage{Kind: c.kind}, Label: "depth=1"}, record.Attempt{Outcome: c.outcome, Values: c.values})
		if out.String() != c.says {
			t.Errorf("%s, %s, %v: %q, want %q", c.kind, c.outcome, c.values, out.String(), c.says)
		}
	}
}
