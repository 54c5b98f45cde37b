package check

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"prabench/harness/tools/check/arm"
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

// many makes n checks side by side and counts their verdicts; each also gets to
// see every report.
func many(t *testing.T, n int, name string, slow float64, cells int, o Options, each ...func(*Report)) map[Verdict]int {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	tally := map[Verdict]int{}
	parts := runtime.NumCPU()
	for part := range parts {
		wg.Go(func() {
			for i := part; i < n; i += parts {
				w := worlds[name].start(uint64(1000*i + cells))
				w.slow = slow
				rep := simulate(t, w, cells, o)
				mu.Lock()
				tally[rep.Verdict]++
				for _, f := range each {
					f(rep)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return tally
}

// checks is how many are simulated in each world.
func checks(long int) int {
	if testing.Short() {
		return 40 // the whole number takes half a minute
	}
	return long
}

// TestNoFalseAlarm: of 2,100 checks of a program against itself, 300 on each
// kind of noise, at most 1 % call a regression or an improvement.
func TestNoFalseAlarm(t *testing.T) {
	n := checks(300)
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		tally := many(t, n, name, 0, 2, usual())
		t.Logf("%-12s %v", name, tally)
		if tally[Regression]*100 > n || tally[Improvement]*100 > n {
			t.Errorf("%s: of %d checks of a program against itself: %v", name, n, tally)
		}
	}
}

// TestNoFalseAlarmWithoutThresholds: the same where every change matters, so
// that nothing but the statistics guards against a false alarm.
func TestNoFalseAlarmWithoutThresholds(t *testing.T) {
	n := checks(300)
	o := usual()
	for i := range o.Metrics {
		o.Metrics[i].Threshold = 1e-9
	}
	o.Budget = time.Minute
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		tally := many(t, n, name, 0, 2, o)
		t.Logf("%-12s %v", name, tally)
		if tally[Regression]*100 > n || tally[Improvement]*100 > n {
			t.Errorf("%s: of %d checks of a program against itself: %v", name, n, tally)
		}
	}
}

// TestPower: a slow-down of 5 % is found in at least 95 % of checks within the
// default budget, on every kind of noise, also of four cells that share it.
func TestPower(t *testing.T) {
	n := checks(150)
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		for _, cells := range []int{1, 4} {
			tally := many(t, n, name, 0.05, cells, usual())
			t.Logf("%-12s %d cells: %v", name, cells, tally)
			if tally[Regression]*100 < 95*n {
				t.Errorf("%s, %d cells: of %d checks of a program that is 5 %% slower: %v", name, cells, n, tally)
			}
		}
	}
}

// TestASlowDownBelowTheThreshold: one of 2 %, below the threshold of 3 %, is
// never called certain unless its interval excludes no change, and the
// intervals of the throughput hold the truth in 95 % of all checks.
func TestASlowDownBelowTheThreshold(t *testing.T) {
	n := checks(150)
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		held, all := 0, 0
		tally := many(t, n, name, 0.02, 1, usual(), func(r *Report) {
			for _, k := range r.Cells[0].Comparisons {
				if k.Exact {
					continue
				}
				sure := k.Verdict == Regression || k.Verdict == Improvement || strings.HasPrefix(k.Why, "certainly")
				if sure && (k.Lo == nil || *k.Lo <= 1 && *k.Hi >= 1) {
					t.Errorf("%s: %s is called certain (%s: %s) with an interval of %s", name, k.Metric, k.Verdict, k.Why, k.interval())
				}
				if k.Metric == arm.Throughput {
					all++
					if truth := 1 / 1.02; k.Lo == nil || *k.Lo <= truth && truth <= *k.Hi {
						held++
					}
				}
			}
		})
		t.Logf("%-12s %v; the interval holds the truth in %d of %d", name, tally, held, all)
		if held*100 < 93*all && !testing.Short() {
			t.Errorf("%s: the interval of the throughput holds the true 2 %% in %d of %d checks", name, held, all)
		}
	}
}
