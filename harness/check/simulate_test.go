package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"prabench/harness/check/arm"
)

// usual are the options of a check without a [check] table.
func usual() Options {
	t := Thresholds{Throughput: 0.03, Latency: 0.05, Memory: 0.01}
	o := Options{Rounds: 40, Repeat: 2, Budget: 3 * time.Minute, Spend: DefaultSpend}
	for _, name := range []string{arm.Throughput, arm.Latency, MemoryPeak} {
		m, _ := MetricOf(name, t)
		o.Metrics = append(o.Metrics, m)
	}
	return o
}

// simulate makes one check of a number of cells.
func simulate(t *testing.T, w *world, cells int, o Options) *Report {
	t.Helper()
	var cs []Cell
	for i := range cells {
		cs = append(cs, Cell{ID: fmt.Sprint(i), Label: fmt.Sprintf("cell %d", i)})
	}
	rep := &Report{}
	if err := w.bench().Compare(context.Background(), cs, o, rep); err != nil {
		t.Fatal(err)
	}
	return rep
}

// many makes n checks side by side and counts.
func many(t *testing.T, n int, name string, slow float64, cells int, o Options, count func(*Report) bool) int {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	total := 0
	for part := range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := part; i < n; i += 2 {
				w := worlds[name].start(uint64(1000*i + cells))
				w.slow = slow
				if count(simulate(t, w, cells, o)) {
					mu.Lock()
					total++
					mu.Unlock()
				}
			}
		}()
	}
	wg.Wait()
	return total
}

func regressed(r *Report) bool { return r.Verdict == Regression }

// TestNoFalseAlarm: over 2,000 checks of a program against itself, on every
// kind of noise, at most 1 % call a regression, and none of the kinds alone
// more than that.
func TestNoFalseAlarm(t *testing.T) {
	each := 400
	if testing.Short() {
		each = 60
	}
	runs, alarms := 0, 0
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		better, open := 0, 0
		var mu sync.Mutex
		n := many(t, each, name, 0, 2, usual(), func(r *Report) bool {
			mu.Lock()
			defer mu.Unlock()
			if r.Verdict == Improvement {
				better++
			}
			if r.Verdict == Inconclusive {
				open++
			}
			return regressed(r)
		})
		t.Logf("%-12s %d of %d checks call a regression, %d an improvement, %d are inconclusive", name, n, each, better, open)
		if n*100 > each || better*100 > each {
			t.Errorf("%s: %d regressions and %d improvements in %d checks of a program against itself", name, n, better, each)
		}
		runs, alarms = runs+each, alarms+n
	}
	t.Logf("%d of %d", alarms, runs)
}

// TestPower: a slow-down of 5 % is found in at least 95 % of checks within the
// default budget, on the noise of a machine that is not otherwise busy.
func TestPower(t *testing.T) {
	each := 400
	if testing.Short() {
		each = 60
	}
	for _, name := range []string{"calm", "as measured", "drift", "spikes", "bursts", "unseen load", "heavy tails"} {
		for _, cells := range []int{1, 2, 4} {
			n := many(t, each, name, 0.05, cells, usual(), regressed)
			t.Logf("%-12s %d cells: found in %d of %d", name, cells, n, each)
			if name != "heavy tails" && name != "unseen load" && n*100 < 95*each {
				t.Errorf("%s, %d cells: a slow-down of 5 %% was found in %d of %d checks", name, cells, n, each)
			}
		}
	}
}
