package plots

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"prabench/metrics/quantity"
	"prabench/plots/figure"
)

func TestSameBytes(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			fig := g.fig
			fig.Name = "f"
			var first map[string][]byte
			rounds := 2
			if fig.Kind == figure.Grid { // an order of eight images can come out right by chance
				rounds = 4
			}
			for round := 0; round < rounds; round++ {
				dir := t.TempDir()
				files, err := Draw(fig, g.data(), dir, nil)
				if err != nil {
					t.Fatal(err)
				}
				got := map[string][]byte{}
				for _, f := range files {
					b, err := os.ReadFile(f)
					if err != nil {
						t.Fatal(err)
					}
					got[filepath.Ext(f)] = b
				}
				if len(got) != 3 {
					t.Fatalf("files %v, want png, svg and pdf", files)
				}
				if first == nil {
					first = got
					continue
				}
				for ext, b := range got {
					if !bytes.Equal(b, first[ext]) {
						t.Errorf("%s differs between two drawings", ext)
					}
				}
			}
			if !bytes.HasPrefix(first[".pdf"], []byte("%PDF-")) || !bytes.Contains(first[".svg"], []byte("</svg>")) {
				t.Error("a file is not what its name says")
			}
			if len(first[".pdf"]) > 150_000 {
				t.Errorf("the PDF has %d bytes: are whole fonts in it?", len(first[".pdf"]))
			}
			img, err := png.DecodeConfig(bytes.NewReader(first[".png"]))
			if err != nil || img.Width < 2*250 {
				t.Errorf("PNG %v wide, %v: want twice the screen's resolution", img.Width, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	yes := true
	mixed := tradeoff()
	m := mixed.Cells[3].Metrics["fid_proxy"]
	m.Protocol = "embedder=other"
	mixed.Cells[3].Metrics["fid_proxy"] = m
	units := tradeoff()
	u := units.Cells[3].Metrics["throughput"]
	u.Unit = "images/h"
	units.Cells[3].Metrics["throughput"] = u
	dead := tradeoff()
	for i := range dead.Cells {
		dead.Cells[i].Metrics, dead.Cells[i].Outcome = nil, []string{"oom", "timeout"}[min(1, i/10)]
	}
	half := tradeoff()
	for i := range half.Cells {
		delete(half.Cells[i].Metrics, []string{"fid_proxy", "throughput"}[i%2])
	}
	negative := sweep(4, 1, func(i int) float64 { return -float64(i) })
	badGrid := methods()
	badGrid.Cells[0].Grid.Images = badGrid.Cells[0].Grid.Images[1:]
	pareto := Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy"}
	crowd := sheets(mostSheets + 1)

	for name, c := range map[string]struct {
		fig  Figure
		data Data
		want []string // parts of the message
	}{
		"no cells":   {pareto, Data{Experiment: "empty"}, []string{`"empty" has no cells`}},
		"all failed": {pareto, dead, []string{"none of the 24 cells has a value of throughput", "timeout (14)", "oom (10)"}},
		"never both": {pareto, half, []string{"none of the 24 cells has both throughput and fid_proxy", "no throughput (12)",
			"no fid_proxy (10)", "oom (1)"}},
		"protocols":       {pareto, mixed, []string{"fid_proxy", "2 different protocols", protocol, "embedder=other"}},
		"units":           {pareto, units, []string{"throughput", "2 different units", "images/s | images/h"}},
		"table protocols": {Figure{Kind: figure.Table}, mixed, []string{"2 different protocols"}},
		"unknown axis": {Figure{Kind: figure.Pareto, X: "speed", Y: "fid_proxy"}, tradeoff(),
			[]string{`x: "speed" is neither a metric (fid_proxy, latency`, "model.block"}},
		"no axis": {Figure{Kind: figure.Line, Y: "fid_proxy"}, tradeoff(), []string{"x is missing"}},
		"metric as series": {Figure{Kind: figure.Line, X: "patch", Y: "fid_proxy", Series: "latency"}, tradeoff(),
			[]string{"series: latency is a metric"}},
		"hidden key": {Figure{Kind: figure.Line, X: "patch", Y: "fid_proxy", Series: "block"}, tradeoff(),
			[]string{"patch = 4, block = 1", "train.rollout_depth (0 and 1)", "facet"}},
		"hidden key, bars": {Figure{Kind: figure.Bars, X: "patch", Y: "fid_proxy"}, tradeoff(), []string{"differ in"}},
		"hidden key, map": {Figure{Kind: figure.Heatmap, X: "patch", Y: "block", Value: "fid_proxy"}, tradeoff(),
			[]string{"heatmap has one value at patch = 4, block = 1"}},
		"where key": {Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Where: map[string]any{"pach": 7}}, tradeoff(),
			[]string{`no cell has the key "pach"`, "model.patch"}},
		"where value": {Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Where: map[string]any{"patch": 8}}, tradeoff(),
			[]string{"none of the 24 cells", "patch = 8 (there are 4, 7, 14)"}},
		"log of names": {Figure{Kind: figure.Line, X: "variant", Y: "fid_proxy", LogX: &yes},
			sweep(3, 3, func(i int) float64 { return float64(i + 1) }), []string{"log_x: variant has values that are no numbers"}},
		"log of negatives": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", LogY: &yes}, negative,
			[]string{"log_y: no value of fid_proxy is positive"}},
		"log bars":       {Figure{Kind: figure.Bars, Y: "fid_proxy", LogY: &yes}, methods(), []string{"bars start at zero"}},
		"heatmap metric": {Figure{Kind: figure.Heatmap, X: "patch", Y: "block"}, tradeoff(), []string{"value is missing"}},
		"heatmap key":    {Figure{Kind: figure.Heatmap, X: "patch", Y: "block", Value: "state"}, tradeoff(), []string{"value: state is a key"}},
		"no curves":      {Figure{Kind: figure.Curve}, tradeoff(), []string{"none of the 24 cells has a training curve", "oom (1)"}},
		"no such curve":  {Figure{Kind: figure.Curve, Y: "los"}, methods(), []string{`no curve has "los"; logged are flow_loss, train_loss`}},
		"no grids": {Figure{Kind: figure.Grid, Where: map[string]any{"patch": 4}}, tradeoff(),
			[]string{"none of the 9 cells has images: no images (8), oom (1)"}},
		"short grid": {Figure{Kind: figure.Grid}, badGrid,
			[]string{"images of teacher forcing", "62719 bytes do not make 10 × 8 images of 28 × 28 × 1"}},
		"crowded grid": {Figure{Kind: figure.Grid}, crowd, []string{"room for 40 cells and 41 are selected", "where"}},
		"kind":         {Figure{Kind: "pie"}, tradeoff(), []string{`kind "pie" is unknown`, "pareto, line"}},
		"name":         {Figure{Kind: figure.Pareto, Name: "../x"}, tradeoff(), []string{"file name without folders"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files, err := Draw(c.fig, c.data, dir, nil)
			if err == nil {
				t.Fatalf("drew %v", files)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left %v behind", left)
			}
		})
	}
	var e *MixedError
	if _, err := Draw(pareto, mixed, t.TempDir(), nil); !errors.As(err, &e) || e.Metric != "fid_proxy" || len(e.Values) != 2 {
		t.Errorf("error %v is no MixedError of fid_proxy", err)
	}
	if _, err := Draw(pareto, tradeoff(), t.TempDir(), []string{"gif"}); err == nil ||
		!strings.Contains(err.Error(), `format "gif" is unknown`) {
		t.Errorf("gif: %v", err)
	}
}

// sheets is n cells with small images, no two alike.
func sheets(n int) Data {
	d := Data{Experiment: "sheets"}
	for i := range n {
		d.Cells = append(d.Cells, CellData{Label: fmt.Sprintf("patch=%d noise=%d", i%6, i/6), Seeds: 1, Outcome: "ok",
			Params: map[string]any{"model.patch": int64(i % 6), "noise": int64(i / 6)}, Grid: classes(2, 4, 8, 1, uint64(i))})
	}
	return d
}

// A sweep of 36 cells is one grid, and each of its panels has its own images.
func TestAGridOf36Cells(t *testing.T) {
	d := sheets(36)
	s, err := sheetOf(Figure{Kind: figure.Grid}, d)
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, p := range s.Panels {
		headings[p.Heading] = true
	}
	for _, c := range d.Cells {
		if !headings[c.Label] {
			t.Errorf("no panel is headed %q", c.Label)
		}
	}
	if files, err := Draw(Figure{Kind: figure.Grid, Name: "f"}, d, t.TempDir(), []string{"png"}); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		kind    string
		formats []string
		want    string
	}{
		{figure.Pareto, nil, "png svg pdf"},
		{figure.Pareto, []string{".PDF", "pdf", "md"}, "pdf"},
		{figure.Pareto, []string{"md"}, ""},
		{figure.Table, []string{"png"}, ""},
		{figure.Table, []string{"tex", "png"}, "tex"},
	} {
		got, err := formatsFor(c.kind, c.formats)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s from %v: %v, %v; want %s", c.kind, c.formats, got, err, c.want)
		}
	}
}

func TestFrontier(t *testing.T) {
	points := []Point{{X: 1, Y: 5}, {X: 2, Y: 3}, {X: 3, Y: 4}, {X: 4, Y: 4}, {X: 4, Y: 6}, {X: 0, Y: 5}}
	xs := func(p []Point) string {
		var b strings.Builder
		for _, q := range p {
			fmt.Fprintf(&b, "(%g,%g)", q.X, q.Y)
		}
		return b.String()
	}
	for _, c := range []struct {
		bx, by int
		want   string
	}{
		{+1, -1, "(2,3)(4,4)"},
		{-1, -1, "(0,5)(2,3)"},
		{+1, +1, "(4,6)"},
		{-1, +1, "(0,5)(4,6)"},
	} {
		if got := xs(Frontier(points, c.bx, c.by)); got != c.want {
			t.Errorf("frontier %+d %+d: %s, want %s", c.bx, c.by, got, c.want)
		}
	}
}

func TestTables(t *testing.T) {
	odd := tradeoff()
	odd.Cells[0].Params["model.target"], odd.Cells[1].Params["model.target"] = "v_50%", "x|y & z"
	odd.Cells[0].Metrics["fid_proxy"] = MetricValue{Value: math.NaN(), Protocol: protocol}
	odd.Cells[3].Metrics["fid_proxy"] = MetricValue{Value: 21.234, Lo: ptr(20.1), Hi: ptr(25.9), Protocol: protocol,
		Interval: "95 % jackknife"}
	for name, c := range map[string]struct {
		fig  Figure
		data Data
	}{
		"table_methods": {Figure{Kind: figure.Table, Title: "Methods at equal steps", Columns: []string{"fid_proxy", "precision", "train_seconds",
			"params"}}, methods()},
		"table_odd": {Figure{Kind: figure.Table, Columns: []string{"fid_proxy", "throughput", "memory_peak"},
			Where: map[string]any{"patch": 4}}, odd},
	} {
		t.Run(name, func(t *testing.T) {
			c.fig.Name = name
			dir := t.TempDir()
			files, err := Draw(c.fig, c.data, dir, nil)
			if err != nil || len(files) != 2 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				got, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				golden := filepath.Join("testdata", filepath.Base(f)+".golden")
				if *update {
					if err := os.WriteFile(golden, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(want), string(got)); d != "" {
					t.Errorf("%s: %s", golden, d)
				}
			}
		})
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		unit    string
		largest float64
		shown   string // of the largest
	}{
		{"bytes", 500, "500 bytes"}, {"bytes", 3 << 20, "3 MiB"}, {"s", 0.25, "250 ms"}, {"s", 2e-5, "20 µs"}, {"s", 90, "90 s"},
		{"s", 1200, "20 min"}, {"s", 36000, "10 h"}, {"FLOP", 2.5e9, "2.5 GFLOP"}, {"share", 0.5, "50 %"}, {"images/s", 12, "12 images/s"},
		{"1", 4, "4 "},
		{"count", 135e6, "135 millions"}, {"s", 0, "0 s"},
	} {
		f, u := quantity.Scaled(c.unit, c.largest)
		if got := fmt.Sprintf("%.6g %s", f*c.largest, u); got != c.shown {
			t.Errorf("%g %s is shown as %s, want %s", c.largest, c.unit, got, c.shown)
		}
	}
}

func TestShortProtocol(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"v2":                     "v2",
		strings.Repeat("a1", 32): "a1a1a1a1",
		protocol:                 "7e3ce39b",
	} {
		if got := ShortProtocol(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
