package engine_test

import (
	"context"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/models/pra"
	"prabench/results"
)

// withExtras asks for everything that can be measured beside the scores.
func withExtras(s *stage.Settings) {
	edit(s, func(p *pra.Params) {
		p.Model.Patch = 2
	})
	s.Measure.Rounds = 0
	s.Extras = quantity.Extras{Probe: 100, Exposure: 24, Seam: 30, Nearest: 20, Vendi: 20, Reconstruction: 20}
	s.Also = "density, fd_inf, sliced, mmd_rbf, duplicates, kid_class"
	s.Count, s.Samples, s.Data.Limit = 200, 200, 400 // fd_inf: more than twice the features
}

func TestExtrasAreMeasured(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	plain := b.run(ctx, tiny(func(s *stage.Settings) { withExtras(s); s.Extras, s.Also = quantity.Extras{}, "" }), nil)
	if plain.Done != 7 { // one reference; two of train, sample, score
		t.Fatalf("%d stages without rounds\n%s", plain.Done, b.out.String())
	}
	sum := b.run(ctx, tiny(withExtras), nil)
	if sum.Done != 30 || sum.Kept != 7 { // twelve kinds of two cells, six floors; nothing is trained, sampled or scored again
		t.Fatalf("%d stages done, %d kept\n%s", sum.Done, sum.Kept, b.out.String())
	}
	value := map[string]results.Row{}
	for _, r := range b.rows() {
		value[r.Cell+" "+r.Metric] = r
		saysWhatItsIntervalIsOver(t, r)
	}
	for _, cell := range []string{"cell0", "cell1"} {
		for _, m := range quantity.Metrics() {
			if m.Key == "" || m.Key == "tune.metric" || m.Key == "metrics.embedder" { // TestCellsChooseTheirSampling, TestAClassifierIsTrainedOnce
				continue
			}
			if m == quantity.CodebookUse || m == quantity.CodebookPerplexity { // this family has no codebook: TestReconstructionOfCodes
				continue
			}
			if _, ok := value[cell+" "+m.Name]; !ok {
				t.Errorf("%s has no %s", cell, m.Name)
			}
		}
		// Nothing given is far from real images, nearly all given is near them.
		if free, most, all := value[cell+" fid_prefix_0"].Value, value[cell+" fid_prefix_75"].Value,
			value[cell+" fid_prefix_100"].Value; !(free > most && most > all) {
			t.Errorf("%s: distances %g with nothing given, %g with three quarters, %g of real images", cell, free, most, all)
		}
	}

	e := tiny(withExtras)
	if _, err := (&engine.Identifier{Places: b.places, Read: true}).Identify(ctx, e); err != nil {
		t.Fatal(err)
	}
	steps, err := work.ReadSteps(b.places.Store(), e.Cells[0].Chain.Key(work.Exposure))
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 16 || steps[15].Step != 16 {
		t.Fatalf("%d steps", len(steps))
	}
	// The first step has no prefix: free and teacher-forced samples are one.
	if s := steps[0]; s.Free != s.Given || s.Free.Value <= 0 || s.Real.Value > s.Free.Value {
		t.Errorf("the first step: %+v", s)
	}

	// Another database over the same artifacts takes the numbers over.
	other := &bench{t: t, places: engine.Places{DB: t.TempDir() + "/other.db", Artifacts: b.places.Artifacts}}
	if taken := other.run(ctx, tiny(withExtras), nil); taken.Done != 0 {
		t.Errorf("a second database over the same artifacts did %d stages", taken.Done)
	}
}

// saysWhatItsIntervalIsOver holds a value that a worker left to the catalogue.
// Rounds may happen to agree, and a share that no group of images moves has
// Wilson's interval; nothing else may differ.
func saysWhatItsIntervalIsOver(t *testing.T, r results.Row) {
	t.Helper()
	want := quantity.Find(r.Metric).Interval
	switch {
	case (r.Method == stat.None) != (r.Lo == nil) || (r.Lo == nil) != (r.Hi == nil):
		t.Errorf("%s: an interval of %v to %v by the method %s", r.Metric, r.Lo, r.Hi, r.Method)
	case r.Method == want, want == stat.Rounds && r.Method == stat.None:
	case want == stat.Jackknife && r.Method == stat.Wilson && r.Unit == "1" && r.Value >= 0 && r.Value <= 1:
	default:
		t.Errorf("%s: the interval is over %s, the catalogue says %s", r.Metric, r.Method, want)
	}
}

// An exposure needs prefixes, a seam borders: a model of one token has neither,
// and is scored all the same.
func TestExtrasThatDoNotApplyAreLeftOut(t *testing.T) {
	b := newBench(t)
	sum := b.run(context.Background(), tiny(func(s *stage.Settings) {
		withExtras(s)
		edit(s, func(p *pra.Params) {
			p.Model.Patch, p.Train.RolloutDepth = 8, 0
		})
	}), nil)
	for _, it := range sum.Plans[0].Items {
		if it.Kind == work.Exposure || it.Kind == work.Seam {
			t.Errorf("a %s of one token", it.Kind)
		}
	}
	if sum.Failed != 0 || sum.Done == 0 {
		t.Errorf("%+v\n%s", sum, b.out.String())
	}
}
