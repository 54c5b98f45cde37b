package check

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"prabench/metrics/stat"
)

// Quality is the fid_proxy of one point with its 95 % interval: over training
// seeds where there are several, else the value's own, over images.
type Quality struct {
	Value    float64  `json:"value"`
	Lo       *float64 `json:"lo"` // null where all seeds gave the same
	Hi       *float64 `json:"hi"`
	Seeds    int      `json:"seeds"`
	Protocol string   `json:"protocol"` // embedder, data, counts: others are another quantity
}

// estimate is the value with its interval. The table that it was read from does
// not say what that of a single seed is over.
func (q Quality) estimate() stat.Estimate {
	return stat.FromBounds(q.Value, q.Lo, q.Hi, q.Seeds, stat.Unstated)
}

// ReadQuality reads what `prabench results --format csv --metric fid_proxy`
// printed for an experiment with so many seeds a point, in the order of its
// plan. That form is a promise of every revision.
func ReadQuality(r io.Reader, seeds int) ([]Quality, error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil || len(lines) == 0 {
		return nil, fmt.Errorf("the results are no table: %w", err)
	}
	at := map[string]int{}
	for _, name := range []string{"metric", "value", "lo", "hi", "protocol"} {
		if at[name] = slices.Index(lines[0], name); at[name] < 0 {
			return nil, fmt.Errorf("the results of the other program have no column %q: it is too old for fid_proxy in check.metrics", name)
		}
	}
	var values []Quality
	for _, l := range lines[1:] {
		if l[at["metric"]] != FidProxy {
			continue
		}
		q := Quality{Lo: new(float64), Hi: new(float64), Seeds: 1, Protocol: l[at["protocol"]]}
		for name, to := range map[string]*float64{"value": &q.Value, "lo": q.Lo, "hi": q.Hi} {
			if *to, err = strconv.ParseFloat(l[at[name]], 64); err != nil {
				return nil, fmt.Errorf("fid_proxy has the %s %q and needs an interval: raise sample.count or repeats", name, l[at[name]])
			}
		}
		values = append(values, q)
	}
	if len(values)%seeds != 0 {
		return nil, fmt.Errorf("there are %d values of fid_proxy for points of %d seeds: some cells failed; run the file to "+
			"see which", len(values), seeds)
	}
	var out []Quality
	for of := range slices.Chunk(values, seeds) {
		out = append(out, pooled(of))
	}
	return out, nil
}

// pooled is the mean over seeds with Student's interval.
func pooled(of []Quality) Quality {
	if len(of) == 1 {
		return of[0]
	}
	var v []float64
	for _, q := range of {
		v = append(v, q.Value)
	}
	e := stat.Student(v, stat.Seeds)
	lo, hi := e.Bounds()
	return Quality{Value: e.Value, Lo: lo, Hi: hi, Seeds: e.N, Protocol: of[0].Protocol}
}

// Judge adds the comparison of a point's quality to the report: worse or better
// only where the intervals lie apart.
func (r *Report) Judge(label string, old, newer Quality) {
	k := Comparison{Metric: FidProxy, Unit: "1", metric: Metric{Name: FidProxy, Unit: "1"}, Old: old.Value, New: newer.Value, P: 1,
		Adjusted: 1, Rounds: newer.Seeds,
		Ratio: newer.Value / old.Value, Worse: newer.Value/old.Value - 1, Exact: false}
	a, b := old.estimate(), newer.estimate()
	if b.HasInterval() {
		k.Lo, k.Hi = bound(b.Lo/a.Value), bound(b.Hi/a.Value)
	}
	text := fmt.Sprintf("intervals %s to %s and %s to %s", short(a.Lo), short(a.Hi), short(b.Lo), short(b.Hi))
	switch {
	case old.Protocol != newer.Protocol:
		k.Verdict, k.Why = Inconclusive, fmt.Sprintf("another protocol: %q and %q are not the same quantity", old.Protocol, newer.Protocol)
	case !a.HasInterval() || !b.HasInterval():
		k.Verdict, k.Why = Inconclusive, "too few seeds or images for an interval"
	case b.Lo > a.Hi:
		k.Verdict, k.Why = Regression, text+" lie apart"
	case b.Hi < a.Lo:
		k.Verdict, k.Why = Improvement, text+" lie apart"
	default:
		k.Verdict, k.Why = Pass, text+" overlap"
	}
	i := slices.IndexFunc(r.Cells, func(c Result) bool { return c.Label == label })
	if i < 0 {
		i = len(r.Cells)
		r.Cells = append(r.Cells, Result{Label: label})
	}
	r.Cells[i].Comparisons = append(r.Cells[i].Comparisons, k)
	r.Cells[i].Verdict = graver(r.Cells[i].Verdict, k.Verdict)
	r.Verdict = graver(r.Verdict, k.Verdict)
}
