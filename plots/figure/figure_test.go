package figure

import (
	"slices"
	"strings"
	"testing"
)

// Every key of every kind goes to a place of the figure that a reader of files
// knows how to fill, has a name of its own and says what it is.
func TestFields(t *testing.T) {
	for _, k := range Kinds() {
		if k.Doc == "" {
			t.Errorf("%s does not say what it shows", k.Name)
		}
		keys := k.Keys()
		for i, key := range keys {
			if slices.Index(keys, key) != i {
				t.Errorf("%s has %s twice", k.Name, key)
			}
		}
		for _, f := range k.All() {
			var fig Figure
			named := f.Is != 0 || f.Words != nil
			switch to := f.To(&fig).(type) {
			case *string, *[]string:
			case *int, **bool, *bool, *float64, *map[string]any, *[]float64, *map[string]string, *[]Reference:
				if named {
					t.Errorf("%s.%s is no name but has roles or words", k.Name, f.Key)
				}
			default:
				t.Errorf("%s.%s: nobody reads a %T", k.Name, f.Key, to)
			}
			if f.Doc == "" || f.Default != "" && (!named || f.Required) {
				t.Errorf("%s.%s: %+v", k.Name, f.Key, f)
			}
			if again, ok := k.Field(f.Key); !ok || again.Doc != f.Doc {
				t.Errorf("%s.%s is found as %q", k.Name, f.Key, again.Doc)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for want, f := range map[string]Figure{
		"fid_proxy throughput model.block":  {Kind: Pareto, X: "throughput", Y: "fid_proxy", Series: "model.block"},
		"model.block model.patch fid_proxy": {Kind: Heatmap, X: "model.patch", Y: "model.block", Value: "fid_proxy"},
		"label model.state fid_proxy kid":   {Kind: Table, Rows: []string{"label", "model.state"}, Columns: []string{"fid_proxy", "kid"}},
		"train_loss step label":             {Kind: Curve, X: "step", Y: "train_loss", Facet: "label", Value: "of another kind"},
		"model.state":                       {Kind: Grid, Facet: "model.state", GridRows: 3},
		"":                                  {Kind: "pie", X: "throughput"},
	} {
		if got := strings.Join(f.Names(), " "); got != want {
			t.Errorf("%s: %q, want %q", f.Kind, got, want)
		}
	}
}

// What a curve shows has the name of a metric but is none.
func TestMetrics(t *testing.T) {
	for want, f := range map[string]Figure{
		"fid_proxy throughput":    {Kind: Pareto, X: "throughput", Y: "fid_proxy", Series: "model.block"},
		"fid_proxy":               {Kind: Heatmap, X: "model.patch", Y: "model.block", Value: "fid_proxy"},
		"":                        {Kind: Curve, X: "step", Y: "train_loss"},
		"model.patch kid latency": {Kind: Parallel, Axes: []string{"model.patch", "kid", "latency"}, Series: "label"},
	} {
		if got := strings.Join(f.Metrics(), " "); got != want {
			t.Errorf("%s: %q, want %q", f.Kind, got, want)
		}
	}
}

func TestWide(t *testing.T) {
	for _, c := range []struct {
		fig  Figure
		wide bool
	}{
		{Figure{Kind: Line}, false}, {Figure{Kind: Line, Facet: "model.patch"}, true}, {Figure{Kind: Grid}, true},
		{Figure{Kind: Steps, Y: "block_error"}, true}, {Figure{Kind: Steps, Y: "block_error_ratio"}, false}, {Figure{Kind: "pie"}, false},
	} {
		if got := c.fig.Wide(); got != c.wide {
			t.Errorf("%+v: wide %v", c.fig, got)
		}
	}
}

func TestCheck(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		fig  Figure
		want string
	}{
		{Figure{Kind: Bars, LogY: &yes}, "log_y: bars start at zero"}, {Figure{Kind: Bars, LogY: &no}, ""}, {Figure{Kind: Line, LogY: &yes}, ""},
		{Figure{Kind: Steps, Y: "block_error", Series: "label"}, "series: the lines of block_error are its controls; make label the facet"},
		{Figure{Kind: Steps, Y: "block_error_ratio", Series: "label"}, ""}, {Figure{Kind: "pie"}, ""},
	} {
		err := c.fig.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.fig, err, c.want)
		}
	}
}

func TestStem(t *testing.T) {
	for _, c := range []struct {
		fig  Figure
		want string // empty is refused
	}{
		{Figure{Kind: Line, X: "model.patch", Y: "fid_proxy"}, "line_fid_proxy_model-patch"}, {Figure{Kind: Line, Name: "a.b"}, "a.b"},
		{Figure{Name: "../x"}, ""}, {Figure{Name: ".x"}, ""}, {Figure{Name: `a\b`}, ""},
	} {
		got, err := c.fig.Stem()
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: %q, %v", c.fig, got, err)
		}
	}
}
