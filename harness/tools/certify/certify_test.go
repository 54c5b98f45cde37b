package certify

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/artifact"
	"prabench/harness/certified"
	"prabench/harness/engine"
	"prabench/metrics"
	"prabench/metrics/certificate"
	"prabench/models/dataset"
)

// means are the mean brightness of each quarter of an image.
type means struct {
	calls int
	stop  func() // after some calls
}

func (*means) Name() string { return "means" }
func (*means) Hash() string { return "means" }
func (*means) Dim() int     { return 4 }
func (m *means) Embed(images []uint8, n, size, channels, _ int) ([]float32, error) {
	if m.calls++; m.calls == 30 && m.stop != nil {
		m.stop()
	}
	out := make([]float32, n*4)
	per := size * size * channels
	for i, v := range images {
		y, x := i%per/channels/size*2/size, i%per/channels%size*2/size
		out[i/per*4+2*y+x] += float32(v) / float32(per) / 16
	}
	return out, nil
}

func shapes(t *testing.T) *dataset.Data {
	t.Helper()
	d, err := dataset.Load(context.Background(), dataset.Spec{Set: dataset.Shapes, Size: 8, Limit: 2200}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMeasureStopsGoesOnAndIsFound(t *testing.T) {
	d, store := shapes(t), artifact.Store{Root: t.TempDir()}
	ctx, stop := context.WithCancel(context.Background())
	var out bytes.Buffer
	o := Certifying{Images: 250, Out: &out, Draw: func(*certificate.Certificate) ([]byte, error) { return []byte("a picture"), nil }}
	m := &means{stop: stop}
	if _, err := o.Measure(ctx, store, m, d, "shapes"); !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	unfinished, _ := filepath.Glob(filepath.Join(store.Root, "tmp", "certificate-*"))
	if len(unfinished) != 1 {
		t.Fatal(unfinished)
	}
	// The same with another number of images begins of itself, and leaves this alone.
	if k := kept(unfinished[0]); len(k) < 20 {
		t.Errorf("%d sets were kept", len(k))
	}
	again := &means{}
	c, err := o.Measure(context.Background(), store, again, d, "shapes")
	if err != nil || again.calls >= 45 || c.Images != 250 {
		t.Fatalf("%v, %d calls, %+v", err, again.calls, c)
	}
	if _, err := os.Stat(unfinished[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was kept is left behind: %v", err)
	}
	known := &means{}
	if found, err := o.Measure(context.Background(), store, known, d, "shapes"); err != nil || known.calls > 0 ||
		found.Baseline[0].Value != c.Baseline[0].Value {
		t.Errorf("found: %v, %d calls", err, known.calls)
	}
	if raw, err := store.Read(certified.Ref("means", d.Hash), certified.Figure); err != nil || string(raw) != "a picture" {
		t.Errorf("%q, %v", raw, err)
	}
	o.Images = 100
	if other, err := o.Measure(context.Background(), store, known, d, "shapes"); err != nil || known.calls == 0 || other.Images != 100 {
		t.Errorf("another number of images: %v, %d calls", err, known.calls)
	}
}

// What was kept and is damaged, or of nothing, is as if nothing were kept.
func TestDamagedProgressIsNone(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"none": "", "cut": `{"blur 0.0125": [{"val`, "list": "[1]", "other": `{"blur": 7}`} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if k := kept(path); k != nil {
			t.Errorf("%s: %v", name, k)
		}
	}
	if k := kept(filepath.Join(dir, "nothing")); k != nil {
		t.Error(k)
	}
	path := filepath.Join(dir, "tmp", "whole")
	pair := certificate.Pair{metrics.LeftOut{Value: 1, N: 3, Left: [2][]float64{{1, 2}, {3}}}, metrics.LeftOut{Value: -2}}
	if err := keep(path, map[string]certificate.Pair{"x": pair}); err != nil {
		t.Fatal(err)
	}
	if k := kept(path); len(k) != 1 || k["x"][0].Left[1][0] != 3 || k["x"][1].Value != -2 {
		t.Errorf("%+v", k)
	}
	if err := keep(filepath.Join(path, "below a file"), nil); !engine.IsFailure(err) {
		t.Errorf("a disk that does not take it: %v", err)
	}
}

func TestPage(t *testing.T) {
	end := func(v float64) *float64 { return &v }
	s := certificate.Score{Value: 2, Lo: end(1), Hi: end(3)}
	c := &certificate.Certificate{Extractor: "x", Data: "y", Version: "1", Baseline: [2]certificate.Score{s, s},
		Failed: []certificate.Finding{{Metric: "kid", Text: "falls with more blur"}}, Untested: []certificate.Finding{{Text: "dropped classes"}},
		Responses: []certificate.Response{{Kind: "blur", Unit: "pixels", Severities: []float64{1, 2}, Curves: [2]certificate.Curve{
			{Scores: []certificate.Score{s, s}, Tau: 1, First: 2}, {Scores: []certificate.Score{s, s}, Tau: -1, Falls: [][2]int{{1, 2}}}}}},
		Controls:  []certificate.Control{{Kind: "grey image", Scores: [2]certificate.Score{s, s}, Worse: [2]bool{true, false}}},
		Agreement: []certificate.Agreement{{Extractor: "z", Experiment: "e", Cells: 9, Tau: .5, Lo: .2, Hi: .8, Interval: true}}}
	page := Markdown(c)
	for _, want := range []string{
		"# x on y: fid_proxy not certified (1 not tested), kid not certified (1 failed, 1 not tested)",
		"* failed: kid: falls with more blur", "* not tested: dropped classes", "| blur | 1, 2 pixels | 2 | 1 |  | **never** | -1 | 1 to 2 |",
		"| grey image | 2.000 [1.000, 3.000] | 2.000 [1.000, 3.000] | **not** by kid |",
		"| z | e | 9 | 0.50 [0.20, 0.80] |", certificate.Criteria[0],
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	if got := Verdict(&certificate.Certificate{Extractor: "x", Data: "y"}); got != "x on y: fid_proxy certified, kid certified" {
		t.Error(got)
	}
}
