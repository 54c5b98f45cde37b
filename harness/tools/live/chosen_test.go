package live

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/results/record"
)

// said is an answer as a browser reads it.
type said struct {
	Most, Loss, Metric any
	Losses, Metrics    []struct{ Name, Label string }
	Cells              []struct {
		Picks []string
		Name  string
		Group int
		Seed  int
	}
	Curves, Stops []struct {
		Cell int
		X    []float64
		Y    []*float64
		Live bool
	}
	Samples []struct {
		Cell  int
		Grids []struct{ Step, URL string }
	}
	Notes []string
	Live  bool
}

func choose(t *testing.T, s *Server, more string, picks ...string) (a said, size int) {
	t.Helper()
	w := ask(s, "GET", "/chosen?"+url.Values{"pick": picks}.Encode()+more)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return a, w.Body.Len()
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Abs(b) }

// Cells of two experiments come together: losses as they were logged, the scores and
// samples of all stops of a training, whichever of its stops was chosen, and seeds of
// a setting in one group.
func TestChosenCells(t *testing.T) {
	src := place(t)
	sweep(t, src)
	s := New(src, Hosts{})
	a, _ := choose(t, s, "", "along/a4-1-250", "along/a4-2-2000", "along/a4-1-1000", "patches/p7-3")
	if len(a.Cells) != 3 || len(a.Curves) != 3 || len(a.Stops) != 2 || len(a.Samples) != 3 {
		t.Fatalf("%d cells, %d curves, %d lines of stops, %d samples: %+v", len(a.Cells), len(a.Curves), len(a.Stops), len(a.Samples), a)
	}
	if c := a.Cells[0]; fmt.Sprint(c.Picks) != "[along/a4-1-250 along/a4-1-1000]" || c.Name != "along rollout_depth=4" || c.Seed != 1 ||
		c.Group != a.Cells[1].Group || c.Group == a.Cells[2].Group || a.Cells[2].Name != "patches patch=2 width=16" {
		t.Errorf("cells %+v", a.Cells)
	}
	for i, want := range []struct{ setting, seed, until int }{{4, 1, 2000}, {4, 2, 2000}, {7, 3, 1000}} {
		c := a.Curves[i]
		if c.Cell != i || len(c.X) != want.until/everySteps {
			t.Fatalf("curve %d is that of %d with %d points", i, c.Cell, len(c.X))
		}
		for k, x := range c.X {
			if step := (k + 1) * everySteps; x != float64(step) || !near(*c.Y[k], lossAt(want.setting, want.seed, step)) {
				t.Fatalf("curve %d has %g at step %g, want %g", i, *c.Y[k], x, lossAt(want.setting, want.seed, step))
			}
		}
	}
	for i, seed := range []int{1, 2} {
		for k, step := range steps {
			if l := a.Stops[i]; l.X[k] != float64(step) || !near(*l.Y[k], scoreAt(4, seed, step)) {
				t.Errorf("seed %d at step %g: %g, want %g", seed, l.X[k], *l.Y[k], scoreAt(4, seed, step))
			}
		}
	}
	if g := a.Samples[0].Grids; len(g) != 4 || g[3].Step != "2000" || !strings.HasPrefix(g[3].URL, "/samples/sample-a4-1-2000.png?made=") {
		t.Errorf("samples %+v", g)
	}
	if g := a.Samples[1].Grids; len(g) != 1 || g[0].Step != "" {
		t.Errorf("samples of a cell without stops %+v", g)
	}
	if a.Samples[2].Cell != 1 {
		t.Errorf("last comes the second seed of a setting, not %d", a.Samples[2].Cell)
	}
	if w := ask(s, "GET", a.Samples[0].Grids[3].URL); w.Code != http.StatusOK {
		t.Errorf("%s: %d", a.Samples[0].Grids[3].URL, w.Code)
	}

	// Another loss and another metric.
	b, _ := choose(t, s, "&loss=flow&metric=recall", "along/a4-1-250")
	if b.Loss != "flow" || b.Metric != "recall" || !near(*b.Curves[0].Y[9], lossAt(4, 1, 250)/2) ||
		!near(*b.Stops[0].Y[1], 1/scoreAt(4, 1, 500)) {
		t.Errorf("flow and recall: %+v", b)
	}
	if a.Notes == nil || len(a.Losses) != 2 || a.Losses[0].Name != "total" || a.Losses[0].Label != "training loss" ||
		a.Losses[1].Name != "flow" {
		t.Errorf("losses %v", a.Losses)
	}
	if c, _ := choose(t, s, "&loss=none&metric=none", "along/a4-1-250"); len(c.Curves) != 0 || c.Metric != "fid_proxy" ||
		!strings.Contains(strings.Join(c.Notes, " "), "No curve of this loss yet: 1 of 1 chosen") {
		t.Errorf("a loss that is none: %+v", c)
	}
}

// Whatever is chosen, the answer stays small, and says what it leaves out.
func TestChosenIsBounded(t *testing.T) {
	src := place(t)
	sweep(t, src)
	s := New(src, Hosts{})
	var picks []string
	for setting := range 60 {
		for seed := 1; seed <= 3; seed++ {
			picks = append(picks, fmt.Sprintf("patches/p%d-%d", setting, seed))
		}
	}
	a, size := choose(t, s, "", picks...)
	if len(a.Cells) != mostChosen || a.Most != float64(mostChosen) || len(a.Samples) != mostTrainings {
		t.Errorf("%d cells, %d samples", len(a.Cells), len(a.Samples))
	}
	if all := strings.Join(a.Notes, " "); !strings.Contains(all, "Shown are the first 60 of 180 chosen cells.") ||
		!strings.Contains(all, "No curve of this loss yet: 24 of 60 chosen.") {
		t.Errorf("notes %v", a.Notes)
	}
	if most := mostChosen * (mostPoints*30 + 200); size > most {
		t.Errorf("%d bytes, at most %d", size, most)
	}
	for _, picks := range [][]string{nil, {""}, {"/"}, {"none"}, {"along/none"}, {"../../etc/passwd"}, {"along/a4-1-250", "along/a4-1-250"}} {
		a, _ := choose(t, s, "", picks...)
		if want := map[bool]int{true: 1}[len(picks) == 2]; len(a.Cells) != want {
			t.Errorf("%q: %+v", picks, a.Cells)
		}
	}
}

// Long curves come as means of equal stretches; what is no number is left out of
// a mean, and a stretch without any is a gap.
func TestThin(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		losses []float64
		most   int
		x, y   string
		each   int
	}{
		{[]float64{1, 2, 3}, 3, "[1 2 3]", "[1 2 3]", 1},
		{[]float64{1, 2, 3, 4, 5}, 2, "[2 4.5]", "[2 4.5]", 3},
		{[]float64{1, nan, nan, nan, math.Inf(1), 6, 7}, 4, "[1.5 3.5 5.5 7]", "[1 NaN 6 7]", 2},
		{nil, 4, "[]", "[]", 0},
	} {
		var points []engine.LossPoint
		for i, v := range c.losses {
			points = append(points, engine.LossPoint{Step: int64(i + 1), Loss: v})
		}
		x, y, each := thin(points, c.most)
		if fmt.Sprint(x) != c.x || fmt.Sprint(y) != c.y || each != c.each {
			t.Errorf("%v in %d: %v %v, %d each", c.losses, c.most, x, y, each)
		}
	}
	if raw, err := json.Marshal([]amount{amount(nan), 0.1234567891, 2000}); err != nil || string(raw) != "[null,0.1234568,2000]" {
		t.Errorf("%s, %v", raw, err)
	}
}

// A training that goes on from a stop adds what it has told to the stop's curve.
func TestChosenWhileItTrains(t *testing.T) {
	src := place(t)
	sweep(t, src)
	p := plan("now", "until=500")
	p.Cells = p.Cells[:1]
	p.Cells[0].Params = map[string]any{"train.until": 500}
	p.Stages = p.Stages[:5]
	fill(t, src, p)
	release := hold(t, src.Places)
	defer release()
	mark(t, src.Places, engine.Running{Attempt: "v", Stage: "train-a", Kind: "train", Label: "now", Started: time.Now(), Seen: time.Now(),
		Curve: []engine.LossPoint{{Step: 10, Loss: 2}, {Step: 20, Loss: 0.5}}})
	s := New(src, Hosts{})
	a, _ := choose(t, s, "", "now/a", "along/a0-1-250")
	if !a.Live || len(a.Curves) != 2 || !a.Curves[0].Live || a.Curves[1].Live || len(a.Curves[0].X) != 2 || *a.Curves[0].Y[1] != 0.5 {
		t.Errorf("%+v", a)
	}
	got := goOn([]engine.LossPoint{{Step: 10, Loss: 3}, {Step: 20, Loss: 2}}, []engine.LossPoint{{Step: 15, Loss: 9}, {Step: 30, Loss: 1}})
	if fmt.Sprint(got) != "[{10 3} {20 2} {30 1}]" {
		t.Errorf("%v", got)
	}
}

// Scores of two protocols share no axis.
func TestStopsOfTwoProtocols(t *testing.T) {
	src := place(t)
	sweep(t, src)
	again := attempt("other", record.Score, "a0-1-250", record.OK, "")
	again.Started, again.Finished = noon.Add(time.Hour), noon.Add(2*time.Hour)
	again.Values = []record.Value{{Metric: "fid_proxy", Unit: "1", Value: 9, N: 100, Protocol: "other features"}}
	fill(t, src, plan("extra", "patch=7"), again)
	s := New(src, Hosts{})
	a, _ := choose(t, s, "", "along/a0-1-2000")
	if len(a.Stops) != 0 ||
		!strings.Contains(strings.Join(a.Notes, " "), "fid_proxy was measured by 2 protocols, whose values share no axis") {
		t.Errorf("%+v %v", a.Stops, a.Notes)
	}
	if b, _ := choose(t, s, "", "along/a1-1-2000"); len(b.Stops) != 1 {
		t.Errorf("another training: %+v", b.Stops)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		n, most int
		want    string
	}{{3, 5, "[1 2 3]"}, {8, 4, "[2 4 6 8]"}, {10, 3, "[3 6 10]"}, {0, 3, "[]"}} {
		var list []int
		for i := range c.n {
			list = append(list, i+1)
		}
		if got := fmt.Sprint(spread(list, c.most)); got != c.want {
			t.Errorf("%d in %d: %s, want %s", c.n, c.most, got, c.want)
		}
	}
}
