package plots

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"

	"prabench/metrics/quantity"
	"prabench/results/where"
)

// ShortProtocol is the id of a protocol that fits under a figure: the protocol
// itself when it is short, else eight hexadecimal digits: its first ones when it
// is a digest, else those of its SHA-256.
func ShortProtocol(protocol string) string {
	if len(protocol) <= 12 {
		return protocol
	}
	if len(protocol) >= 32 && strings.Trim(protocol, "0123456789abcdef") == "" {
		return protocol[:8]
	}
	sum := sha256.Sum256([]byte(protocol))
	return hex.EncodeToString(sum[:4])
}

// source is the line under a figure that says where it came from.
func (s *selection) source(metrics ...string) string {
	parts := []string{s.data.Experiment}
	if s.data.Experiment == "" {
		parts = nil
	}
	keys := make([]string, 0, len(s.fig.Where))
	for k := range s.fig.Where {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		parts = append(parts, k+" = "+where.Words(s.fig.Where[k]))
	}
	if n := s.seeds(metrics); n != "" && !s.split {
		if len(metrics) == 0 && n != "1 seed" && s.fig.Needs().OneSeed() && s.fig.Band == "" { // curves and images are no means
			n = "the first of " + n
		}
		parts = append(parts, n)
	}
	if t := s.about(metrics, "intervals", func(m MetricValue) string {
		if m.Lo == nil && m.Hi == nil {
			return ""
		}
		if m.Interval == "" {
			return "not stated"
		}
		return m.Interval
	}); s.split {
		// the notes have them
	} else if t != "" {
		parts = append(parts, t)
	} else if len(metrics) > 0 {
		parts = append(parts, "no intervals")
	}
	if t := s.about(metrics, "protocol", func(m MetricValue) string { return ShortProtocol(m.Protocol) }); t != "" {
		parts = append(parts, t)
	}
	if t := s.uncertified(metrics); t != "" {
		parts = append(parts, t)
	}
	if t := s.made(metrics); t != "" {
		parts = append(parts, t)
	}
	if t := s.disturbed(metrics); t != "" {
		parts = append(parts, t)
	}
	return strings.Join(parts, " · ")
}

// uncertified names the features that have no certificate, with the metrics in them
// where others have one.
func (s *selection) uncertified(metrics []string) string {
	if s.data.Uncertified == nil {
		return ""
	}
	var texts, with []string
	of := map[string][]string{}
	for _, name := range metrics {
		for _, c := range s.cells {
			m, ok := c.Metrics[name]
			if !ok {
				continue
			}
			if t := s.data.Uncertified(name, m.Protocol); t != "" && !contains(of[t], name) {
				texts, with, of[t] = addDistinct(texts, t), addDistinct(with, name), append(of[t], name)
			}
		}
	}
	if len(texts) == 0 {
		return ""
	}
	if len(texts) > 1 || len(with) < len(metrics) {
		for i, t := range texts {
			texts[i] = t + " (" + strings.Join(of[t], ", ") + ")"
		}
	}
	return "features: " + strings.Join(texts, ", ")
}

// made names the code behind the values, or behind curves and images where there
// are no values, and for times the hardware. Values may stand on stages of
// several revisions: all are named.
func (s *selection) made(metrics []string) string {
	var parts []string
	if t := s.about(metrics, "code", func(m MetricValue) string { return ShortCode(m.Code) }); t != "" {
		parts = append(parts, t)
	}
	var timed []string
	for _, m := range metrics {
		if isTiming(m) {
			timed = append(timed, m)
		}
	}
	if t := s.about(timed, "on", func(m MetricValue) string { return m.Device }); t != "" {
		parts = append(parts, t)
	}
	if len(metrics) == 0 {
		var codes []string
		for _, c := range s.cells {
			if c.Code != "" && (c.Grid != nil || c.Curve != nil || c.Steps != nil) {
				codes = addDistinct(codes, ShortCode(c.Code))
			}
		}
		if len(codes) > 0 {
			parts = append(parts, "code: "+strings.Join(codes, " or "))
		}
	}
	return strings.Join(parts, " · ")
}

// ShortCode shortens each revision of a text like "revision + revision+dirty" to
// eight digits.
func ShortCode(code string) string {
	list := strings.Split(code, " + ")
	for i, c := range list {
		rev, dirty, _ := strings.Cut(c, "+")
		rev, program, built := strings.Cut(rev, ".") // of changed source: which build
		if len(rev) >= 12 && strings.Trim(rev, "0123456789abcdef") == "" {
			rev = rev[:8]
		}
		if built {
			rev += "." + program
		}
		if dirty != "" {
			rev += "+" + dirty
		}
		list[i] = rev
	}
	return strings.Join(list, " + ")
}

// isTiming tells the metrics that a machine's speed decides.
func isTiming(metric string) bool {
	m := quantity.Find(metric)
	return m != nil && m.Timing()
}

// disturbed tells of timings that were taken although something else loaded the
// machine, when one of the metrics is such a timing.
func (s *selection) disturbed(metrics []string) string {
	timed := false
	for _, m := range metrics {
		timed = timed || isTiming(m)
	}
	n := 0
	for _, c := range s.cells {
		if c.Metrics[quantity.DisturbedRounds.Name].Value > 0 {
			n++
		}
	}
	if !timed || n == 0 {
		return ""
	}
	return fmt.Sprintf("under other load: rounds of %d of %d cells", n, len(s.cells))
}

// diverged names the cells whose training diverged, in a figure that shows anything of
// what they learned: a distance of 800 may be a method's, or a learning rate's.
func (s *selection) diverged(metrics []string) string {
	learned := len(metrics) == 0 // curves, images
	for _, name := range metrics {
		m := quantity.Find(name)
		learned = learned || m != nil && (m.Group == quantity.Quality || m.Group == quantity.Diagnostics || m.Group == quantity.Training)
	}
	if !learned {
		return ""
	}
	const most = 6
	var names []string
	for _, c := range s.cells {
		m, ok := c.Metrics[quantity.LossRise.Name]
		values := m.Values
		if ok && len(values) == 0 {
			values = []float64{m.Value}
		}
		n := 0
		for _, v := range values {
			if quantity.Diverged(v) {
				n++
			}
		}
		switch {
		case n == 0:
		case len(values) == 1:
			names = append(names, s.called(s.label(c)))
		default:
			names = append(names, fmt.Sprintf("%s (%d of %d seeds)", s.called(s.label(c)), n, len(values)))
		}
	}
	if n := len(names); n > most {
		names = append(names[:most:most], fmt.Sprintf("%d more", n-most))
	}
	if len(names) == 0 {
		return ""
	}
	return "Training diverged (" + quantity.LossRise.Name + " above 2): " + strings.Join(names, ", ") + "."
}

// seeds is "3 seeds", or a range when values stand for different numbers.
func (s *selection) seeds(metrics []string) string {
	lo, hi := 0, 0
	count := func(n int) {
		if n > 0 && (lo == 0 || n < lo) {
			lo = n
		}
		hi = max(hi, n)
	}
	for _, c := range s.cells {
		if len(metrics) == 0 && (c.Grid != nil || c.Curve != nil || c.Steps != nil || !failed(c)) {
			count(c.Seeds)
		}
		for _, name := range metrics { // also of cells that are not whole
			m, ok := c.Metrics[name]
			switch {
			case ok && len(m.Values) > 0:
				count(len(m.Values))
			case ok && len(c.IDs) > 0: // no mean over seeds: of one
				count(1)
			case ok:
				count(c.Seeds)
			}
		}
	}
	switch {
	case hi == 0:
		return ""
	case lo != hi:
		return fmt.Sprintf("%d to %d seeds a point", lo, hi)
	case hi == 1:
		return "1 seed"
	}
	return fmt.Sprintf("%d seeds", hi)
}

// about writes a property of the metrics' values: once when they agree, else
// with the metrics that have it.
func (s *selection) about(metrics []string, what string, of func(MetricValue) string) string {
	var texts []string
	with := map[string][]string{}
	for _, name := range metrics {
		var own []string
		for _, c := range s.cells {
			if m, ok := c.Metrics[name]; ok {
				if t := of(m); t != "" && !contains(own, t) {
					own = append(own, t)
				}
			}
		}
		if len(own) == 0 {
			continue
		}
		t := strings.Join(own, " or ")
		if !contains(texts, t) {
			texts = append(texts, t)
		}
		with[t] = append(with[t], name)
	}
	switch {
	case len(texts) == 0:
		return ""
	case len(texts) == 1 && (what == "intervals" || len(with[texts[0]]) == len(metrics)):
		return what + ": " + texts[0]
	}
	for i, t := range texts {
		texts[i] = t + " (" + strings.Join(with[t], ", ") + ")"
	}
	return what + ": " + strings.Join(texts, ", ")
}
