package quantity

import (
	"math"
	"strings"
)

// ShownAs is the unit that values of a metric are scaled from: the one they
// were stored in, except where "1" says less than the row does.
func (m *Metric) ShownAs(stored string) string {
	switch {
	case m == nil:
		if stored == "1" {
			return ""
		}
	case m.Scale != Plain && (stored == "" || stored == "1" || stored == m.Unit):
		return string(m.Scale)
	case stored == "" || stored == "1":
		if m.Unit == "1" {
			return ""
		}
		return m.Unit
	}
	return stored
}

// Units are those of a metric in words: what is stored, and what people read where that
// is another.
func (m *Metric) Units() string {
	if _, shown := Scaled(m.ShownAs(""), 1); m.Unit == "1" && shown != "" {
		return "1, shown in " + shown
	}
	return m.Unit
}

// Shown is how values of a metric are shown that are stored in a unit, wherever people
// read them: shown = stored · factor. largest is the largest finite magnitude to be
// shown. Files for programs have what is stored.
func Shown(metric, stored string, largest float64) (factor float64, unit string) {
	return Scaled(Find(metric).ShownAs(stored), largest)
}

// With is a text of a number with its unit.
func With(number, unit string) string { return strings.TrimSpace(number + " " + unit) }

// Head is the heading of a column of numbers with their unit.
func Head(text, unit string) string {
	if unit == "" {
		return text
	}
	return text + " (" + unit + ")"
}

// Scaled chooses how values of a unit are shown: shown = stored · factor.
// largest is the largest finite magnitude to be shown.
func Scaled(unit string, largest float64) (factor float64, shown string) {
	pick := func(base float64, names ...string) (float64, string) {
		i := 0
		for f := largest; f >= base && i < len(names)-1; i++ {
			f /= base
		}
		return math.Pow(base, -float64(i)), names[i]
	}
	switch unit {
	case "bytes":
		return pick(1024, "bytes", "KiB", "MiB", "GiB", "TiB")
	case "s":
		switch {
		case largest >= 7200:
			return 1.0 / 3600, "h"
		case largest >= 600:
			return 1.0 / 60, "min"
		case largest >= 1 || largest == 0:
			return 1, "s"
		case largest >= 1e-3:
			return 1e3, "ms"
		}
		return 1e6, "µs"
	case "bytes/s":
		return pick(1000, "bytes/s", "kB/s", "MB/s", "GB/s", "TB/s")
	case "Hz":
		return pick(1000, "Hz", "kHz", "MHz", "GHz")
	case string(FLOP):
		return pick(1000, "FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP")
	case string(FLOPS):
		return pick(1000, "FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s")
	case string(Count):
		return pick(1000, "", "thousands", "millions", "billions")
	case string(Share):
		return 100, "%"
	case "1", "":
		return 1, ""
	}
	return 1, unit
}
