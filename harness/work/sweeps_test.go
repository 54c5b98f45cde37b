package work

import (
	"strings"
	"testing"

	"prabench/harness/stage"
	"prabench/metrics/quantity"
	"prabench/models/pra"
	"prabench/results/record"
)

// settling is the tiny cell by sweeps that end by themselves.
func settling(t *testing.T, tolerance float64) stage.Settings {
	s := tinyCell(t)
	s.Count, s.Batch = 23, 4
	edit(&s, func(p *pra.Params) {
		p.Train.LR, p.Sample.RolloutDepth, p.Sample.Tolerance, p.Sample.FlowSteps, p.Sample.Guidance = 0.01, 8, tolerance, 3, 1
	})
	return s
}

// valuesOf are those of a metric in an attempt, read or estimated.
func valuesOf(a record.Attempt, m *quantity.Metric) (out []record.Value) {
	for _, v := range a.Values {
		if v.Metric == m.Name {
			out = append(out, v)
		}
	}
	for _, r := range a.Readings {
		if r.Metric == m.Name {
			out = append(out, record.Value{Metric: r.Metric, Value: r.Value})
		}
	}
	return out
}

// A sampling counts the sweeps of every image, also of those that an attempt before it
// drew, and none where it has none.
func TestSweepsAreCounted(t *testing.T) {
	s := settling(t, 0.1)
	whole := do(t, t.TempDir(), s, Train, Sample)[Sample]
	got := valuesOf(whole, quantity.Sweeps)
	if len(got) != 1 || got[0].N != s.Count || !(1 < got[0].Value && got[0].Value < 8) {
		t.Fatalf("sweeps of %d images: %+v", s.Count, got)
	}
	root := t.TempDir()
	do(t, root, s, Train)
	for range 2 {
		if err := sampleUntil(t, root, s, 2); err == nil || !strings.Contains(err.Error(), "saved after image") {
			t.Fatalf("stopped: %v", err)
		}
	}
	if again := valuesOf(do(t, root, s, Sample)[Sample], quantity.Sweeps); len(again) != 1 || again[0].Value != got[0].Value ||
		again[0].N != s.Count {
		t.Errorf("stopped twice: %+v, never stopped: %+v", again, got)
	}
	if fixed := valuesOf(do(t, t.TempDir(), settling(t, 0), Train, Sample)[Sample], quantity.Sweeps); len(fixed) != 1 || fixed[0].Value != 8 {
		t.Errorf("eight sweeps are counted as %+v", fixed)
	}
	edit(&s, func(p *pra.Params) { p.Sample.RolloutDepth = 0 })
	if none := valuesOf(do(t, t.TempDir(), s, Train, Sample)[Sample], quantity.Sweeps); len(none) != 0 {
		t.Errorf("a sequential sampling has %+v sweeps", none)
	}
}

// A timing of images that settle says how often the head was really asked, and no share
// of the peak, whose arithmetic it has not counted.
func TestEvaluationsOfSettlingImages(t *testing.T) {
	root, s := t.TempDir(), settling(t, 0.1)
	s.Measure.Batch = 8
	a := do(t, root, s, Train, Timing)[Timing]
	nfe := valuesOf(a, quantity.NFE)
	if len(nfe) != 1 || !(6 < nfe[0].Value && nfe[0].Value < 48) { // 3 steps, guided twice, 1 to 8 sweeps
		t.Errorf("evaluations: %+v", nfe)
	}
	if mfu := valuesOf(a, quantity.MFU); len(mfu) != 0 {
		t.Errorf("a share of the peak: %+v", mfu)
	}
	s.Count, s.Batch = 8, 8 // the images that were timed
	sweeps := valuesOf(do(t, root, s, Sample)[Sample], quantity.Sweeps)
	if len(sweeps) != 1 || nfe[0].Value != 6*sweeps[0].Value {
		t.Errorf("%+v evaluations in %+v sweeps of 6", nfe, sweeps)
	}
	fixed := do(t, t.TempDir(), settling(t, 0), Train, Timing)[Timing]
	if nfe := valuesOf(fixed, quantity.NFE); len(nfe) != 1 || nfe[0].Value != 48 {
		t.Errorf("eight guided sweeps of 3 steps: %+v evaluations", nfe)
	}
	if mfu := valuesOf(fixed, quantity.MFU); len(mfu) != 1 {
		t.Errorf("a fixed number of sweeps has %+v shares of the peak", mfu)
	}
}

// The note of an unfinished sampling whose sweeps are not those of its images is not used.
func TestSweepsOfAnotherCount(t *testing.T) {
	path := t.TempDir() + "/x.npy"
	d, err := openDrawing(path, 3, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.add([]byte{1, 2}, []float64{4}); err != nil {
		t.Fatal(err)
	}
	if err := d.save(); err != nil {
		t.Fatal(err)
	}
	d.close()
	if d, err = openDrawing(path, 3, 1, 1, 1); err != nil || d.done != 0 || d.sweeps != nil {
		t.Errorf("%v, %+v", err, d)
	}
	d.close()
}
