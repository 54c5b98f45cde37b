package quantity

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"prabench/metrics/stat"
)

// Every row says all that readers ask of it.
func TestEveryRowIsWhole(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	labels := map[string]string{}
	for _, m := range Metrics() {
		bad := func(why string) { t.Errorf("%s: %s", m.Name, why) }
		if Find(m.Name) != m || !name.MatchString(m.Name) {
			bad("its name is not found, or is no word")
		}
		if !slices.Contains([]string{"1", "s", "images/s", "bytes", "bytes/s", "1/s", "Hz", "J", "W", "°C"}, m.Unit) {
			bad("unit " + m.Unit)
		}
		if m.Label == "" || !strings.HasSuffix(m.Doc, ".") || len(m.Doc) < 20 {
			bad("it needs a label and a sentence that defines it")
		}
		for _, l := range []string{m.Label, "short " + m.Called()} {
			if other := labels[l]; other != "" {
				bad("a figure cannot tell it from " + other)
			}
			labels[l] = m.Name
		}
		if !slices.Contains(Groups, m.Group) || m.Stage == "" {
			bad("it needs a group and the stage that writes it")
		}
		if m.Scale != Plain && m.Scale != FLOPS && m.Unit != "1" {
			bad("only pure numbers have a scale")
		}
		if strings.HasPrefix(m.Aim, "higher") && m.Better != 1 || strings.HasPrefix(m.Aim, "lower") && m.Better != -1 {
			bad("aim and direction disagree")
		}
		if m.Interval == stat.Rounds && m.Stage != "time" {
			bad("only timings have rounds")
		}
		if (m.Interval == stat.Jackknife || m.Interval == stat.Wilson) && m.Nature != Computed {
			bad("an interval over images belongs to a computed value")
		}
		if m.Check == CheckedByTime && !m.Timing() || m.Check == CheckedAlways && m.Nature != Counted {
			bad("a check cannot compare it so")
		}
		if m.Front && m.Better == 0 {
			bad("a main column has a direction")
		}
	}
}

func TestChecksAndMainColumns(t *testing.T) {
	var checked []string
	for _, m := range Checkable() {
		checked = append(checked, m.Name)
	}
	if got := strings.Join(checked, " "); got != "throughput latency first_block_latency train_throughput memory_peak "+
		"memory_activations fid_proxy" {
		t.Errorf("a check can compare %s", got)
	}
	front := Names(func(m *Metric) bool { return m.Front })
	if got := strings.Join(front, " "); got != "fid_proxy class_accuracy throughput latency memory_peak train_throughput" {
		t.Errorf("main columns %s", got)
	}
}

func TestOrderOfColumns(t *testing.T) {
	names := []string{"unheard_of", "nfe", "kid", "seam_index", "disturbed_rounds", "train_memory_peak", "mfu", "latency",
		"train_loss", "fid_proxy"}
	slices.SortStableFunc(names, Order)
	want := "fid_proxy latency kid unheard_of seam_index mfu disturbed_rounds train_memory_peak train_loss nfe"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestUnits(t *testing.T) {
	var none *Metric
	for _, c := range []struct {
		m             *Metric
		stored        string
		largest       float64
		factor        float64
		shown, before string
	}{
		{Latency, "s", 0.002, 1e3, "ms", "s"},
		{Latency, "", 0.002, 1e3, "ms", "s"},
		{MFU, "1", 0.4, 100, "%", "share"},
		{FIDProxy, "1", 4, 1, "", ""},
		{FLOPsImage, "1", 3e9, 1e-9, "GFLOP", "FLOP"},
		{PeakFLOPS, "1/s", 2e11, 1e-9, "GFLOP/s", "FLOP/s"},
		{CPUFrequency, "Hz", 2.5e9, 1e-9, "GHz", "Hz"},
		{none, "1", 7, 1, "", ""},
		{none, "furlongs", 7, 1, "furlongs", "furlongs"},
	} {
		before := c.m.ShownAs(c.stored)
		factor, shown := Scaled(before, c.largest)
		if before != c.before || shown != c.shown || math.Abs(factor/c.factor-1) > 1e-12 {
			t.Errorf("%q up to %g: %s, %g %s; want %s, %g %s", c.stored, c.largest, before, factor, shown, c.before, c.factor, c.shown)
		}
	}
}
