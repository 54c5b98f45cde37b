package measure

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"prabench/metrics/stat"
	"prabench/results/record"
)

func TestWarmUpIsNotCounted(t *testing.T) {
	calls := 0
	got, err := Seconds(context.Background(), Plan{Warmup: 2, Repeats: 3}, func() error { calls++; return nil })
	if err != nil || calls != 5 || len(got) != 3 {
		t.Errorf("%d calls, %d readings, %v", calls, len(got), err)
	}
}

func TestShortWorkIsReadMoreOftenUpToALimit(t *testing.T) {
	got, err := Seconds(context.Background(), Plan{Repeats: 1, Enough: time.Hour, Most: 20}, func() error { return nil })
	if err != nil || len(got) != 20 {
		t.Errorf("%d readings, %v", len(got), err)
	}
}

func TestMeasuringEndsWithItsContext(t *testing.T) {
	cause := errors.New("stop")
	ctx, cancel := context.WithCancelCause(context.Background())
	_, err := Seconds(ctx, Plan{Repeats: 100}, func() error { cancel(cause); return nil })
	if !errors.Is(err, cause) {
		t.Error(err)
	}
}

func TestSummariesKeepOrderAndCounts(t *testing.T) {
	var s []record.Reading
	for round := 1; round <= 6; round++ {
		s = append(s, record.Reading{Metric: "throughput", Unit: "images/s", Round: round, Value: float64(round)},
			record.Reading{Metric: "memory_model", Unit: "bytes", Round: round, Value: 1000})
	}
	v := Summarise(s)
	if len(v) != 2 || v[0].Metric != "throughput" || v[0].N != 6 || v[0].Lo == nil || v[0].Method != stat.Rounds || v[0].Value != 3.5 {
		t.Errorf("%+v", v)
	}
	if v[1].Metric != "memory_model" || v[1].Value != 1000 || v[1].Lo != nil || v[1].Method != stat.None || v[1].Unit != "bytes" {
		t.Errorf("%+v", v[1])
	}
}

// Readings of one round move together: many of them in one round weigh no more
// than one in another.
func TestRoundsCountOnce(t *testing.T) {
	var s []record.Reading
	add := func(round int, values ...float64) {
		for _, v := range values {
			s = append(s, record.Reading{Metric: "throughput", Unit: "images/s", Round: round, Value: v})
		}
	}
	add(1, 10, 10, 10, 10, 10, 10, 10, 10)
	add(2, 4)
	add(3, 7, 7)
	v := Summarise(s)[0]
	// The geometric mean and Student's interval of the logarithms of 10, 4, 7, by SciPy:
	// exp(m ± t.ppf(0.975, 2) · std(log v, ddof=1) / √3).
	if math.Abs(v.Value-6.54213262037718) > 1e-12 || v.N != 3 {
		t.Errorf("value %g of %d rounds, want 6.542 of 3", v.Value, v.N)
	}
	if v.Lo == nil || math.Abs(*v.Lo-2.0769492237704608) > 1e-9 || math.Abs(*v.Hi-20.60690686742243) > 1e-9 {
		t.Errorf("interval %v %v", *v.Lo, *v.Hi)
	}
	if one := Summarise(s[:8])[0]; one.Lo != nil || one.N != 1 {
		t.Errorf("one round: %+v", one)
	}
}

// Rounds are enough when every time is as narrow as asked; memory and what else ran
// are no times.
func TestNarrow(t *testing.T) {
	reading := func(metric string, values ...float64) (out []record.Reading) {
		for i, v := range values {
			out = append(out, record.Reading{Metric: metric, Round: i + 1, Value: v})
		}
		return out
	}
	tight, loose := reading("throughput", 100, 101, 100.5), reading("latency", 1, 1.4, 0.8)
	load := reading("foreign_load", 0, 1, 0.2)
	for name, c := range map[string]struct {
		samples []record.Reading
		share   float64
		want    bool
	}{
		"one round":           {reading("throughput", 100), 1, false},
		"within 2 %":          {tight, 0.02, true},
		"not within 1 %":      {tight, 0.01, false}, // Student: 100.5 [99.3, 101.8]
		"one of two is loose": {slices.Concat(tight, loose), 0.02, false},
		"load is no time":     {slices.Concat(tight, load), 0.02, true},
	} {
		if got := Narrow(c.samples, c.share); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A device's clock tells the readings; the warm-up is not its business.
func TestAnotherClock(t *testing.T) {
	did, asked := 0, 0
	clock := func(work func() error) (float64, error) {
		asked++
		return float64(asked), work()
	}
	got, err := Seconds(context.Background(), Plan{Warmup: 1, Repeats: 3, Clock: clock}, func() error { did++; return nil })
	if err != nil || did != 4 || asked != 3 || !slices.Equal(got, []float64{1, 2, 3}) {
		t.Errorf("%d times done, %d times asked, %v, %v", did, asked, got, err)
	}
	broken := errors.New("broken")
	if _, err := Seconds(context.Background(), Plan{Repeats: 1, Clock: clock}, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
