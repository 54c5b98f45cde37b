package engine

import (
	"strings"
	"testing"
	"time"

	"prabench/metrics/quantity"
	"prabench/results/record"
)

// try is a measured round with what the worker saw beside it.
func try(round, begun int, seen map[string]float64) record.Attempt {
	a := record.Attempt{ID: string(rune('a' + begun)), Device: "cpu", Protocol: map[string]string{"threads": "2"},
		Started: time.Unix(int64(begun), 0)}
	a.Readings = append(a.Readings, record.Reading{Metric: "throughput", Round: round, Value: 1})
	for metric, v := range seen {
		a.Readings = append(a.Readings, record.Reading{Metric: metric, Round: round, Value: v})
	}
	return a
}

func TestWhatDisturbsARoundIsNamed(t *testing.T) {
	var s silence
	s.learn(try(1, 0, map[string]float64{quantity.PeakFLOPS.Name: 100e9, quantity.CPUFrequency.Name: 3e9}))
	for _, c := range []struct {
		seen map[string]float64
		want string
	}{
		{map[string]float64{quantity.ForeignLoad.Name: 0.04, quantity.ForeignLoadWorst.Name: 0.2, quantity.StolenLoad.Name: 0.01,
			quantity.PeakFLOPS.Name: 95e9, quantity.CPUFrequency.Name: 2.9e9}, ""},
		{nil, ""},
		{map[string]float64{quantity.ForeignLoad.Name: 0.4, quantity.ForeignLoadWorst.Name: 0.9}, "other processes kept 0.40 processors busy"},
		{map[string]float64{quantity.ForeignLoad.Name: 0.04, quantity.ForeignLoadWorst.Name: 0.9},
			"other processes kept 0.90 processors busy for a second"},
		{map[string]float64{quantity.StolenLoad.Name: 0.3}, "the host took 0.30 processors away"},
		{map[string]float64{quantity.CPUFrequency.Name: 1.5e9}, "the processors' clock was 50 % of that of another round"},
		{map[string]float64{quantity.DeviceClockShare.Name: 0.66, quantity.DeviceOthers.Name: 0}, ""},
		{map[string]float64{quantity.DeviceClockShare.Name: 0.5}, "the device's clock was 50 % of its default"},
		{map[string]float64{quantity.DeviceOthers.Name: 2}, "2 other processes computed on the device"},
		{map[string]float64{quantity.PeakFLOPS.Name: 60e9}, "the arithmetic peak was 60 % of that of another round"},
	} {
		if got := s.disturbance(try(2, 1, c.seen)); got != c.want {
			t.Errorf("%v: %q, want %q", c.seen, got, c.want)
		}
	}
	other := try(2, 1, map[string]float64{quantity.PeakFLOPS.Name: 60e9})
	other.Protocol["threads"] = "1"
	if got := s.disturbance(other); got != "" {
		t.Errorf("peaks of different thread numbers were compared: %q", got)
	}
}

func TestTheQuietTryOfARoundCounts(t *testing.T) {
	load := func(x float64) map[string]float64 { return map[string]float64{quantity.ForeignLoad.Name: x} }
	var s silence
	rounds, disturbed := s.chosen([]record.Attempt{
		try(2, 0, load(0.9)), try(2, 1, load(0.5)), try(2, 2, load(0.7)), // never quiet: the least disturbed
		try(1, 3, load(0.9)), try(1, 4, load(0.02)), try(1, 5, load(0.01)), // the first quiet one, not the best
	})
	var ids []string
	for _, a := range rounds {
		ids = append(ids, a.ID)
	}
	if strings.Join(ids, "") != "eb" || disturbed != 1 {
		t.Errorf("%v, %d disturbed", ids, disturbed)
	}
}
