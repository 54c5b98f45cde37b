package terminal

import (
	"bytes"
	"strings"
	"testing"

	"prabench/results/record"
	"prabench/results/view"
)

func TestPoints(t *testing.T) {
	lo, hi := 0.0014, 0.0016
	points := []view.Point{
		{Label: "a", Seeds: 3, Outcome: record.OK, Means: map[string]view.Mean{"latency": {Unit: "s", Value: 0.0015, Lo: &lo, Hi: &hi, N: 3},
			"fid_proxy": {Unit: "1", Value: 12, N: 2}}},
		{Label: "bb", Seeds: 3, Outcome: record.OK, Means: map[string]view.Mean{"memory_peak": {Unit: "bytes", Value: 3 << 20, N: 3},
			"disturbed_rounds": {Value: 1}}},
	}
	want := `t
cell  seeds   fid_proxy  latency (ms)  memory_peak (MiB)
a     2 of 3  12.00      1.500 ±0.10
bb    3                                3.000
timings of 1 of 2 points had rounds during which something else loaded the machine (disturbed_rounds)
± half of the 95 % interval, [its ends] where uneven: over seeds where there are several, else over images (jackknife) or rounds (Student)

`
	if got := printed(t, points); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	points[1].Outcome, points[1].Reason = record.OutOfMemory, "of all"
	if got := printed(t, points); !strings.Contains(got, "3.000              oom: of all\n") || !strings.Contains(got, "  ok\n") {
		t.Errorf("got\n%s", got)
	}
}

// printed has no spaces at the ends of lines.
func printed(t *testing.T, points []view.Point) string {
	t.Helper()
	var b bytes.Buffer
	if err := Points(&b, "t", view.Summarize(points, nil, 6), ""); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// What is not certified is said of metrics that the table shows, and of no others.
func TestUncertifiedOfASummary(t *testing.T) {
	const protocol = "channels=1; data=stripes; data_hash=d; embedder=striped; embedder_hash=e"
	s := view.Summary{Metrics: []string{"kid", "throughput"}, Points: []view.Point{{Means: map[string]view.Mean{
		"kid": {Protocol: protocol}, "throughput": {Protocol: "batch=1"}, "recall": {Protocol: protocol}}}, {}}}
	got := Uncertified(t.TempDir(), s)
	if len(got) != 1 || !strings.HasPrefix(got[0], "features: striped on stripes: uncertified (kid); ") {
		t.Errorf("%q", got)
	}
	if got := Uncertified("", s); got != nil {
		t.Errorf("without a folder: %q", got)
	}
}
