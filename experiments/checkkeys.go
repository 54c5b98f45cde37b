package experiments

import (
	"fmt"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/models"
)

// Check is the [check] table: what `prabench check` compares, and when a change
// matters.
type Check struct {
	Metrics    Names    `toml:"metrics" json:"metrics"`
	Throughput float64  `toml:"throughput" json:"throughput"` // thresholds, as shares
	Latency    float64  `toml:"latency" json:"latency"`
	Memory     float64  `toml:"memory" json:"memory"`
	Rounds     int      `toml:"rounds" json:"rounds"` // of a block, before it is judged
	Budget     Duration `toml:"budget" json:"budget"` // for measuring
}

var usualCheck = Defaults().Check

// checkMetrics are what a check can compare, besides what it always does.
var checkMetrics = checkable()

func checkable() []string {
	var out []string
	for _, m := range quantity.Checkable() {
		out = append(out, m.Name)
	}
	return out
}

// valid says what is wrong with the table, or nil.
func (c Check) valid() error {
	if c == usualCheck {
		return nil // as in nearly every cell of nearly every file
	}
	for _, name := range c.Metrics.List() {
		if !slices.Contains(checkMetrics, name) {
			return &models.KeyError{Key: "check.metrics",
				Problem: strings.TrimSpace(fmt.Sprintf("%q cannot be checked; allowed: %s", name, strings.Join(checkMetrics, ", ")))}
		}
	}
	if len(c.Metrics.List()) == 0 {
		return &models.KeyError{Key: "check.metrics", Problem: "names nothing to compare; allowed: " + strings.Join(checkMetrics, ", ")}
	}
	for _, t := range []struct {
		key string
		v   float64
	}{{"check.throughput", c.Throughput}, {"check.latency", c.Latency}, {"check.memory", c.Memory}} {
		if !(t.v > 0 && t.v < 1) {
			return &models.KeyError{Key: t.key,
				Problem: fmt.Sprintf("%g is no share that could matter; allowed: more than 0 and less than 1, for example 0.03 for 3 %%", t.v)}
		}
	}
	if c.Rounds < 6 || c.Rounds > 10_000 {
		return &models.KeyError{Key: "check.rounds",
			Problem: fmt.Sprintf("%d rounds give no 95 %% interval or never end; allowed: 6 to 10000", c.Rounds)}
	}
	if c.Budget <= 0 {
		return &models.KeyError{Key: "check.budget", Problem: fmt.Sprintf("%v is no time; allowed: more than 0s, for example \"3m\"", c.Budget)}
	}
	return nil
}

// Names is a list of names, written as an array or between commas; it is kept
// as the latter, so that settings can be compared.
type Names string

// List is the names.
func (n Names) List() []string {
	var out []string
	for name := range strings.SplitSeq(string(n), ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// take reads a TOML value; false when it is neither a text nor an array of
// texts.
func (n *Names) take(raw any) bool {
	list, isList := raw.([]any)
	if !isList {
		list = []any{raw}
	}
	var names []string
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return false
		}
		names = append(names, s)
	}
	*n = Names(strings.Join(Names(strings.Join(names, ",")).List(), ", "))
	return true
}
