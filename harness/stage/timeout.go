package stage

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// TimeoutsOf reads measure.timeouts: pairs such as "train=72h, sample=none". 0 is no
// timeout.
func TimeoutsOf(text string) (map[string]time.Duration, error) {
	out := map[string]time.Duration{}
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		kind, value, _ := strings.Cut(pair, "=")
		kind, value = strings.TrimSpace(kind), strings.TrimSpace(value)
		if !slices.ContainsFunc(Kinds(), func(k *Kind) bool { return k.Name == kind }) {
			var names []string
			for _, k := range Kinds() {
				names = append(names, k.Name)
			}
			return nil, fmt.Errorf("measure.timeouts: %q names no kind of stage; allowed: %s, each with = and a time, such as train=72h", pair,
				strings.Join(names, ", "))
		}
		if value == "none" {
			out[kind] = 0
			continue
		}
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("measure.timeouts: %q: %q is no time; allowed: none, or more than 0s, such as 72h or 1h30m", pair, value)
		}
		out[kind] = d
	}
	return out, nil
}

// TimeoutOf is the longest time of one attempt of a kind, 0 for none. A kind that
// watches its own steps has none unless it is named.
func (m Measure) TimeoutOf(k *Kind) time.Duration {
	apart, _ := TimeoutsOf(m.Timeouts) // was checked before the run
	if d, named := apart[k.Name]; named {
		return d
	}
	if k.Watched {
		return 0
	}
	return m.Timeout
}
