package plots

import (
	"errors"
	"strings"
	"testing"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

// What a figure shows on an axis may differ between its values; nothing else of
// a protocol may.
func TestProtocolThatIsShown(t *testing.T) {
	cell := func(id string, batch int, protocol string, v float64) CellData {
		return CellData{Label: id, Params: map[string]any{"measure.batch": batch}, Outcome: "ok",
			Metrics: map[string]MetricValue{"throughput": {Value: v, Unit: "images/s", Protocol: protocol}}}
	}
	data := Data{Experiment: "e", Cells: []CellData{cell("a", 1, "batch=1; device=cpu", 10), cell("b", 4, "batch=4; device=cpu", 30)}}
	line := Figure{Kind: "line", X: "measure.batch", Y: "throughput"}
	if _, err := sheetOf(line, data); err != nil {
		t.Errorf("throughput against the batch: %v", err)
	}
	var mixed *MixedError
	if _, err := sheetOf(Figure{Kind: "line", X: "label", Y: "throughput"}, data); !errors.As(err, &mixed) {
		t.Errorf("throughput of two batches against the label: %v", err)
	}
	data.Cells[1].Metrics["throughput"] = MetricValue{Value: 30, Unit: "images/s", Protocol: "batch=4; device=cuda:0"}
	if _, err := sheetOf(line, data); !errors.As(err, &mixed) {
		t.Errorf("throughput of two devices against the batch: %v", err)
	}
}

// Values of different code or hardware share no axis unless that is accepted,
// and then the foot names them all.
func TestCodeAndDevice(t *testing.T) {
	value := func(v float64, code, device string) MetricValue {
		return MetricValue{Value: v, Unit: "1", Code: code, Device: device}
	}
	const one, two = "0123456789abcdef0123456789abcdef01234567", "fedcba9876543210fedcba9876543210fedcba98"
	data := func(a, b MetricValue) Data {
		cell := func(id string, state int, m MetricValue) CellData {
			return CellData{Label: id, Params: map[string]any{"model.state": state, "measure.device": m.Device}, Outcome: "ok",
				Metrics: map[string]MetricValue{"fid_proxy": m}}
		}
		return Data{Experiment: "e", Cells: []CellData{cell("a", 4, a), cell("b", 8, b)}}
	}
	line := Figure{Kind: figure.Line, X: "model.state", Y: "fid_proxy"}
	for name, c := range map[string]struct {
		fig  Figure
		data Data
		what string // refused; empty is drawn
		foot string
	}{
		"one":         {line, data(value(1, one, "cpu A"), value(2, one, "cpu A")), "", "code: 01234567"},
		"two stages":  {line, data(value(1, one+" + "+two, "cpu A"), value(2, one+" + "+two, "cpu A")), "", "code: 01234567 + fedcba98"},
		"two codes":   {line, data(value(1, one, "cpu A"), value(2, two+"+dirty", "cpu A")), "code", ""},
		"two devices": {line, data(value(1, one, "cpu A"), value(2, one, "cuda B")), "device", ""},
		"device shown": {Figure{Kind: figure.Line, X: "model.state", Y: "fid_proxy", Series: "measure.device"},
			data(value(1, one, "cpu A"), value(2, one, "cuda B")), "", "code: 01234567"},
		"table": {Figure{Kind: figure.Table}, data(value(1, one, "cpu A"), value(2, two, "cpu A")), "code", ""},
		"bars":  {Figure{Kind: figure.Bars, Y: "fid_proxy"}, data(value(1, one, "cpu A"), value(2, two, "cpu A")), "code", ""},
		"codes accepted": {line, func() Data {
			d := data(value(1, one, "cpu A"), value(2, two+"+dirty", "cpu A"))
			d.Accept = []string{"code"}
			return d
		}(), "", "code: 01234567 or fedcba98+dirty"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			var foot string
			if c.fig.Kind == figure.Table {
				_, foot, err = Tables(c.fig, c.data)
			} else {
				var s *layout.Sheet
				if s, err = sheetOf(c.fig, c.data); err == nil {
					foot = s.Source
				}
			}
			var mixed *MixedError
			if c.what == "" {
				if err != nil || !strings.Contains(foot, c.foot) {
					t.Errorf("%v; foot %q, want %q in it", err, foot, c.foot)
				}
				return
			}
			if !errors.As(err, &mixed) || mixed.Field != c.what || !strings.Contains(err.Error(), "--across ") {
				t.Errorf("error %v, want %s refused with advice", err, c.what)
			}
		})
	}
	grids := methods()
	grids.Cells[0].Code, grids.Cells[4].Code = one, two
	for i := range grids.Cells {
		if grids.Cells[i].Code == "" {
			grids.Cells[i].Code = one
		}
	}
	var mixed *MixedError
	for _, fig := range []Figure{{Kind: figure.Grid}, {Kind: figure.Curve}} {
		if _, err := Draw(fig, grids, t.TempDir(), nil); !errors.As(err, &mixed) {
			t.Errorf("%s of two codes: %v", fig.Kind, err)
		}
	}
}

// Where cells fall on one place, the advice names keys that the kind of figure has, and
// that would be accepted.
func TestAdviceNamesKeysOfTheKind(t *testing.T) {
	const both, facet = "make that the series or the facet, or fix it with where", "make that the facet, or fix it with where"
	crossed, lines, chosen := methods(), withSteps(), responses()
	for i := range crossed.Cells { // two curves, sheets and lines at one place of patch
		c := &crossed.Cells[i]
		c.Params = map[string]any{"model.patch": int64(i / 2), "model.block": int64(i % 2)}
		c.Steps, c.Response = lines.Cells[i].Steps, chosen.Cells[i].Response
	}
	for name, c := range map[string]struct {
		fig  Figure
		want string
	}{
		"line":           {Figure{Kind: figure.Line, X: "model.patch", Y: "fid_proxy"}, both},
		"line of series": {Figure{Kind: figure.Line, X: "model.patch", Y: "fid_proxy", Series: "model.patch"}, both},
		"bars":           {Figure{Kind: figure.Bars, X: "model.patch", Y: "fid_proxy"}, both},
		"heatmap":        {Figure{Kind: figure.Heatmap, X: "model.patch", Y: "patch", Value: "fid_proxy"}, facet},
		"grid":           {Figure{Kind: figure.Grid, Series: "model.patch"}, facet},
		"curve":          {Figure{Kind: figure.Curve, Series: "model.patch"}, both},
		"steps":          {Figure{Kind: figure.Steps, Facet: "model.patch"}, facet},
		"steps, ratio":   {Figure{Kind: figure.Steps, Y: "block_error_ratio", Series: "model.patch"}, both},
		"response":       {Figure{Kind: figure.Responses, Series: "model.patch"}, both},
		"table":          {Figure{Kind: figure.Table, Rows: []string{"model.patch"}}, "add that to rows, or fix it with where"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Foresee(c.fig, crossed)
			if err == nil || !strings.HasSuffix(err.Error(), "they differ in model.block (0 and 1): "+c.want) {
				t.Errorf("%v\nwant the advice %q", err, c.want)
			}
		})
	}
}
