package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"prabench/harness/engine"
	"prabench/internal/numeral"
	"prabench/models"
	"prabench/models/device"
	"prabench/models/device/profile"
)

// OpTable says where the time of one kind of work goes, per call of the work
// (a training step, a sampling call).
type OpTable struct {
	Work    string       `json:"work"`
	Batch   int          `json:"batch"`
	Calls   int          `json:"calls"`   // how often the work was done
	Seconds float64      `json:"seconds"` // of one call, with the clock reading of every operation
	Ops     []profile.Op `json:"ops"`     // per call of the work
}

// profileOps times every operation of training and of sampling.
func profileOps(be device.Backend, p models.Params, images models.Images, spend time.Duration) ([]OpTable, error) {
	timed := profile.Wrap(be)
	tr, err := p.NewTrainer(timed, images)
	if err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	defer tr.Close()
	if err := models.ForTiming(p, tr); err != nil {
		return nil, err
	}
	train, err := opsOf(timed, "training", images.N, spend, tr.Step)
	if err != nil {
		return nil, err
	}
	m, err := p.NewModel(timed)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	out := []OpTable{train}
	for _, batch := range []int{images.N, 1} {
		s, err := m.Sampler(p, batch)
		if err != nil {
			return nil, err
		}
		labels, ids, pixels := make([]int32, batch), make([]uint32, batch), make([]uint8, batch*p.Shape().Bytes())
		for i := range ids {
			ids[i] = uint32(i)
		}
		sample, err := opsOf(timed, "sampling", batch, spend, func() error { return s.Sample(labels, ids, pixels) })
		s.Close()
		if err != nil {
			return nil, err
		}
		out = append(out, sample)
	}
	return out, nil
}

func opsOf(timed *profile.Backend, what string, batch int, spend time.Duration, work func() error) (OpTable, error) {
	t := OpTable{Work: what, Batch: batch}
	if err := work(); err != nil { // warm-up
		return t, err
	}
	timed.Reset()
	begin := time.Now()
	for t.Calls < 3 || time.Since(begin) < spend {
		if err := work(); err != nil {
			return t, err
		}
		t.Calls++
	}
	n := float64(t.Calls)
	t.Seconds = time.Since(begin).Seconds() / n
	t.Ops = timed.Ops()
	for i := range t.Ops {
		o := &t.Ops[i]
		o.Calls, o.Seconds, o.FLOPs, o.Bytes = o.Calls/t.Calls, o.Seconds/n, o.FLOPs/n, o.Bytes/n
	}
	return t, nil
}

// print is the table by falling time, with the rates that each operation
// reaches; peak is in FLOP/s, 0 where it is not known.
func (t OpTable) print(w io.Writer, peak float64) error {
	fmt.Fprintf(w, "\n%s, batch %d: %s ms a call\n", t.Work, t.Batch, numeral.Digits(1e3*t.Seconds, 3))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	ofPeak := func(cell string) string { // a column only where there is a peak
		if peak > 0 {
			return cell + "\t"
		}
		return ""
	}
	fmt.Fprintf(tw, "operation\tcalls\tms\tshare\tGFLOP/s\t%sGB/s\t\n", ofPeak("of peak"))
	rest := t.Seconds
	for _, o := range t.Ops {
		rest -= o.Seconds
		rate, share := "", ""
		if o.FLOPs > 0 {
			rate, share = numeral.Digits(o.FLOPs/o.Seconds/1e9, 3), fmt.Sprintf("%.0f %%", 100*o.FLOPs/o.Seconds/peak)
		}
		fmt.Fprintf(tw, "%s\t%d\t%.3f\t%.1f %%\t%s\t%s%s\t\n", o.Name, o.Calls, 1e3*o.Seconds, 100*o.Seconds/t.Seconds, rate, ofPeak(share),
			numeral.Digits(o.Bytes/o.Seconds/1e9, 3))
	}
	fmt.Fprintf(tw, "between the operations\t\t%.3f\t%.1f %%\t\t%s\t\n", 1e3*rest, 100*rest/t.Seconds, ofPeak(""))
	return tw.Flush()
}
