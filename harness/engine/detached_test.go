package engine_test

import (
	"context"
	"errors"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/schedule"
	"prabench/results"
	"prabench/results/record"
)

// TestDetachedStagesAreTheSame does every stage of a plan by itself, without a
// database, takes the results in and compares with a run.
func TestDetachedStagesAreTheSame(t *testing.T) {
	local := newBench(t)
	local.run(context.Background(), tiny(nil), nil)

	b := newBench(t)
	ctx := context.Background()
	run := &engine.Run{Places: b.places, Command: selfCommand, Name: "test", Out: &b.out}
	e := tiny(nil)
	p, release, err := run.Prepare(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	release()
	d := engine.Detached{Places: b.places, Command: selfCommand, Order: "by itself", Out: &b.out}
	last := p.Items[len(p.Items)-1]
	var missing *engine.MissingInput
	if _, err := d.Do(ctx, last); !errors.As(err, &missing) || missing.Input != record.Train {
		t.Fatalf("a timing without its training: %v", err)
	}
	for range 2 { // the second time everything is done already
		for _, it := range p.Items {
			report, err := d.Do(ctx, it)
			if err != nil || report.Outcomes[it.Key].State != schedule.OK {
				t.Fatalf("%s of %s: %+v, %v", it.Kind, it.Label, report, err)
			}
		}
	}
	n, notes, err := engine.TakeIn(ctx, b.places, "test")
	if err != nil || n != len(p.Items) || len(notes) > 0 {
		t.Fatalf("%d of %d results taken in, %v, %v", n, len(p.Items), notes, err)
	}
	same := map[string]results.Row{}
	for _, r := range local.rows() {
		same[r.Cell+r.Metric] = r
	}
	rows := b.rows()
	if len(rows) != len(same) {
		t.Errorf("%d values, a run gives %d", len(rows), len(same))
	}
	for _, r := range rows {
		w := same[r.Cell+r.Metric]
		switch r.Metric {
		case "fid_proxy", "kid", "precision", "recall", "train_loss", "flow_loss", "rec_loss", "params", "nfe", "flops_image":
			if r.Value != w.Value {
				t.Errorf("%s of %s: %v, a run gives %v", r.Metric, r.Cell, r.Value, w.Value)
			}
		}
	}
	if sum := b.run(ctx, e, nil); sum.Done != 0 || sum.Kept != len(p.Items) {
		t.Errorf("a run after that did %d stages", sum.Done)
	}
}
