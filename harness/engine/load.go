package engine

import (
	"fmt"
	"sort"
	"strings"
	"sync"

	"prabench/metrics/quantity"
	"prabench/results/record"
)

// When a round counts as disturbed. A machine at rest keeps a few hundredths
// of a processor busy by itself.
const (
	foreignLoad  = 0.10 // processors, over the whole round
	foreignWorst = 0.50 // processors, in its worst second
	stolenLoad   = 0.05 // processors
	slowClock    = 0.90 // of the fastest round
	// Of the device's default clock. A GPU at its power cap runs large products at
	// two thirds of it, alone and healthy: a 700 W H100 at 1300 of 1980 MHz.
	slowDevice = 0.60
	slowPeak   = 0.80 // of the fastest round; a peak is measured in a moment and scatters
)

// silence judges rounds by each other.
type silence struct {
	mu      sync.Mutex
	fastest map[string]float64 // of the processors' clock and of each arithmetic peak
}

// learn takes a round as an example of how fast the machine can be.
func (s *silence) learn(a record.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fastest == nil {
		s.fastest = map[string]float64{}
	}
	for _, m := range []string{quantity.CPUFrequency.Name, quantity.PeakFLOPS.Name} {
		if v, ok := sampled(a, m); ok {
			s.fastest[paceOf(a, m)] = max(s.fastest[paceOf(a, m)], v)
		}
	}
}

// paceOf names what a clock or a peak may be compared with.
func paceOf(a record.Attempt, metric string) string {
	return metric + " " + a.Device + " " + a.Protocol["threads"]
}

// disturbance says what else loaded the machine during a round, or "".
func (s *silence) disturbance(a record.Attempt) string {
	var found []string
	over := func(metric string, limit float64, text string) bool {
		v, ok := sampled(a, metric)
		if ok && v > limit {
			found = append(found, fmt.Sprintf(text, v))
		}
		return ok && v > limit
	}
	if !over(quantity.ForeignLoad.Name, foreignLoad, "other processes kept %.2f processors busy") {
		over(quantity.ForeignLoadWorst.Name, foreignWorst, "other processes kept %.2f processors busy for a second")
	}
	over(quantity.StolenLoad.Name, stolenLoad, "the host took %.2f processors away")
	over(quantity.DeviceOthers.Name, 0, "%.0f other processes computed on the device")
	if share, ok := sampled(a, quantity.DeviceClockShare.Name); ok && share < slowDevice {
		found = append(found, fmt.Sprintf("the device's clock was %.0f %% of its default", 100*share))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pace := range []struct {
		metric string
		limit  float64
		text   string
	}{{quantity.CPUFrequency.Name, slowClock, "the processors' clock"}, {quantity.PeakFLOPS.Name, slowPeak, "the arithmetic peak"}} {
		v, ok := sampled(a, pace.metric)
		if best := s.fastest[paceOf(a, pace.metric)]; ok && v < pace.limit*best {
			found = append(found, fmt.Sprintf("%s was %.0f %% of that of another round", pace.text, 100*v/best))
		}
	}
	return strings.Join(found, ", ")
}

// observed says whether the worker could see what else ran.
func observed(a record.Attempt) bool {
	_, ok := sampled(a, quantity.ForeignLoad.Name)
	return ok
}

func sampled(a record.Attempt, metric string) (float64, bool) {
	for _, s := range a.Readings {
		if s.Metric == metric {
			return s.Value, true
		}
	}
	return 0, false
}

// chosen gives for each round the try that counts: a quiet one before a
// disturbed one, then that with the least other load, then the first.
func (s *silence) chosen(tries []record.Attempt) (rounds []record.Attempt, disturbed int) {
	by := map[int][]record.Attempt{}
	for _, a := range tries {
		by[a.Readings[0].Round] = append(by[a.Readings[0].Round], a)
	}
	for _, of := range by {
		sort.SliceStable(of, func(i, j int) bool {
			di, dj := s.disturbance(of[i]) != "", s.disturbance(of[j]) != ""
			if di != dj {
				return dj
			}
			fi, _ := sampled(of[i], quantity.ForeignLoad.Name)
			fj, _ := sampled(of[j], quantity.ForeignLoad.Name)
			if di && fi != fj {
				return fi < fj
			}
			return of[i].Started.Before(of[j].Started)
		})
		rounds = append(rounds, of[0])
		if s.disturbance(of[0]) != "" {
			disturbed++
		}
	}
	sort.Slice(rounds, func(i, j int) bool { return rounds[i].Readings[0].Round < rounds[j].Readings[0].Round })
	return rounds, disturbed
}
