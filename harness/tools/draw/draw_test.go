package draw

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/experiments"
	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/work"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/plots/report"
	"prabench/results/record"
	"prabench/results/resultstest"
)

// tried is a source with an experiment of two points and two seeds, whose stages
// all ended well, and the experiment as the database knows it.
func tried(t *testing.T) (Source, *engine.Experiment) {
	t.Helper()
	values := func(fid, speed float64) map[string]map[string][]record.Value {
		return map[string]map[string][]record.Value{
			record.Train: {"train_loss": resultstest.Of("1", 1, 1.1)}, record.Draw: {"drawn": resultstest.Of("1", 1, 1)},
			record.Exposure: {"x": resultstest.Of("1", 1, 1)},
			record.Score:    {"fid_proxy": resultstest.Of("1", fid, fid+1)}, record.Time: {"throughput": resultstest.Of("images/s", speed, speed+1)},
		}
	}
	db := resultstest.Small(t, "t", 2,
		resultstest.Point{Label: "patch=7", Params: map[string]any{"model.patch": 7}, Values: values(10, 100)},
		resultstest.Point{Label: "patch=14", Params: map[string]any{"model.patch": 14}, Values: values(20, 300)})
	s := Source{DB: db, Store: artifact.Store{Root: t.TempDir()}}
	return s, known(t, s)
}

func known(t *testing.T, s Source) *engine.Experiment {
	t.Helper()
	cells, err := s.DB.Cells(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	stages, err := s.DB.CellStages(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	return reader{Source: s, stages: stages}.planned("t", cells)
}

// put leaves an artifact of a stage.
func put(t *testing.T, s Source, kind, key string, files map[string]string) {
	t.Helper()
	d, err := s.Store.Begin(artifact.Ref{Kind: kind, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := d.Write(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Commit(); err != nil {
		t.Fatal(err)
	}
}

// images is a NumPy file of n grey images of 2 × 2.
func images(n int) string {
	header := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,2,2,1,), }", n)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	b.WriteString(header)
	for i := range 4 * n {
		b.WriteByte(byte(i))
	}
	return b.String()
}

func leaveAll(t *testing.T, s Source) {
	t.Helper()
	for point := range 2 {
		for seed := 1; seed <= 2; seed++ {
			put(t, s, record.Train, resultstest.StageKey(record.Train, point, seed), map[string]string{
				work.CurveFile: `{"step":10,"total":2,"flow":1.5,"rec":0.5,"grad_norm":3,"lr":0.001}` + "\n" + `{"step":20,"total":1}` + "\n"})
			put(t, s, record.Draw, resultstest.StageKey(record.Draw, point, seed), map[string]string{
				work.DrawnFile: `{"count":4,"size":2,"channels":1,"classes":2,"class_names":["a","b"]}`, work.SamplesFile: images(4)})
			put(t, s, record.Exposure, resultstest.StageKey(record.Exposure, point, seed), map[string]string{
				work.StepsFile: fmt.Sprintf(`[{"step":1,"free":{"value":%d,"lo":1,"hi":9},
					"given":{"value":2,"lo":1,"hi":3},"real":{"value":1,"lo":0.5,"hi":1.5}}]`, 2*seed)})
		}
	}
}

// Curves, images and errors of AR steps are read only for figures that show
// them, of the first seed or of all.
func TestDataHoldsWhatAFigureNeeds(t *testing.T) {
	s, exp := tried(t)
	leaveAll(t, s)
	e, err := s.read(t.Context(), exp)
	if err != nil {
		t.Fatal(err)
	}
	for _, needs := range []figure.Need{figure.Means, figure.Curves, figure.Images, figure.StepErrors} {
		d, warnings := e.data(needs)
		if len(warnings) > 0 || len(d.Cells) != 2 {
			t.Fatal(warnings, d)
		}
		c := d.Cells[0]
		if (c.Curve != nil) != (needs == figure.Curves) || (c.Grid != nil) != (needs == figure.Images) ||
			(c.Steps != nil) != (needs == figure.StepErrors) {
			t.Errorf("%v: %+v", needs, c)
		}
		if (c.Code != "") != (needs != figure.Means) || c.Metrics["fid_proxy"].Value != 10.5 || len(c.Metrics["fid_proxy"].Values) != 2 {
			t.Errorf("%v: %+v", needs, c)
		}
		switch needs {
		case figure.Curves:
			if len(c.Curve) != 2 || c.Curve[0].Step != 10 || c.Curve[0].Values["train_loss"] != 2 || c.Curve[0].Values["rec_loss"] != 0.5 {
				t.Errorf("%+v", c.Curve)
			}
		case figure.Images:
			if g := c.Grid; g.Rows != 2 || g.Cols != 2 || strings.Join(g.RowLabels, " ") != "a b" || len(g.Images) != 16 {
				t.Errorf("%+v", g)
			}
		case figure.StepErrors:
			for i, want := range []struct {
				name  string
				value float64
			}{{"block_error_free", 3}, {"block_error_given", 2}, {"block_error_real", 1}, {"block_error_ratio", 1.5}} {
				if l := c.Steps[i]; l.Name != want.name || l.Points[0].Y != want.value || l.Points[0].X != 1 {
					t.Errorf("%+v, want %v", l, want)
				}
			}
		}
	}
}

// A figure that names seeds has what each of them made; one that does not has the first.
func TestFiguresOfAnySeed(t *testing.T) {
	s, exp := tried(t)
	for point := range 2 {
		for seed := 1; seed <= 2; seed++ { // the curve of a seed ends at its own loss
			put(t, s, record.Train, resultstest.StageKey(record.Train, point, seed), map[string]string{
				work.CurveFile: fmt.Sprintf(`{"step":10,"total":2,"flow":1.5,"rec":0.5,"grad_norm":3,"lr":0.001}`+"\n"+
					`{"step":20,"total":%d}`+"\n", seed)})
		}
	}
	e, err := s.read(t.Context(), exp)
	if err != nil {
		t.Fatal(err)
	}
	curve := figure.Figure{Kind: figure.Curve}
	where := func(v any) figure.Figure { f := curve; f.Where = map[string]any{"seed": v}; return f }
	bySeed := curve
	bySeed.Series = "seed"
	for name, c := range map[string]struct {
		fig   figure.Figure
		cells int
	}{
		"no seed":         {curve, 2},
		"the second":      {where(int64(2)), 4}, // of which where leaves two
		"a series":        {bySeed, 4},
		"means have none": {figure.Figure{Kind: figure.Line, X: "model.patch", Y: "fid_proxy", Where: map[string]any{"seed": 2}}, 2},
	} {
		d, warnings := e.dataOf(c.fig)
		if len(warnings) > 0 || len(d.Cells) != c.cells {
			t.Errorf("%s: %d cells, want %d: %q", name, len(d.Cells), c.cells, warnings)
			continue
		}
		for _, cell := range d.Cells {
			seed, named := cell.Params["seed"]
			if named != (c.cells == 4) || named && (cell.Seeds != 1 || len(cell.IDs) != 1) {
				t.Errorf("%s: %+v", name, cell)
			}
			if last := cell.Curve; named && cell.Label == "patch=14" && last[len(last)-1].Values["train_loss"] != float64(seed.(int64)) {
				t.Errorf("%s: seed %v has the curve of another: %v", name, seed, last)
			}
		}
	}
	if e.points[0].Params["seed"] != nil {
		t.Error("the experiment's own points have a seed now")
	}
	d, _ := e.dataOf(where(int64(2)))
	if chosen, err := plots.Selected(where(int64(2)), d); err != nil || len(chosen) != 2 || chosen[0].Params["seed"] != int64(2) {
		t.Errorf("%v, %v", chosen, err)
	}
	d, _ = e.dataOf(figure.Figure{Kind: figure.Line})
	_, err = plots.Selected(figure.Figure{Kind: figure.Line, X: "model.patch", Y: "fid_proxy", Where: map[string]any{"seed": 2}}, d)
	if err == nil || !strings.Contains(err.Error(), "shows means over all seeds") || !strings.Contains(err.Error(), "curve") {
		t.Errorf("seeds of a figure of means: %v", err)
	}
}

// What is not there leaves a gap; what is damaged is named, and the rest drawn.
func TestDamagedArtifactsAreToldOf(t *testing.T) {
	s, exp := tried(t)
	leaveAll(t, s)
	path, err := s.Store.Path(artifact.Ref{Kind: record.Train, Key: resultstest.StageKey(record.Train, 0, 1)}, work.CurveFile)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ToUpper(raw), 0o644); err != nil { // of the same size, which is looked at first
		t.Fatal(err)
	}
	e, err := s.read(t.Context(), exp)
	if err != nil {
		t.Fatal(err)
	}
	d, warnings := e.data(figure.Curves)
	again := "; prabench run FILE --force " + exp.Cells[0].ID + " makes it again"
	if len(warnings) != 1 || !strings.HasSuffix(warnings[0], again) || d.Cells[0].Curve != nil ||
		d.Cells[1].Curve == nil {
		t.Errorf("%q %+v", warnings, d.Cells)
	}
	s.Store.Root = t.TempDir() // nothing is there
	if e, err = s.read(t.Context(), exp); err != nil {
		t.Fatal(err)
	}
	for _, needs := range []figure.Need{figure.Curves, figure.Images, figure.StepErrors} {
		d, warnings := e.data(needs)
		if c := d.Cells[0]; len(warnings) > 0 || c.Curve != nil || c.Grid != nil || c.Steps != nil {
			t.Errorf("%q %+v", warnings, c)
		}
	}
}

// What is drawn has the names that the file gives now, not those it had when it
// was run.
func TestNamesOfTheFile(t *testing.T) {
	s, exp := tried(t)
	exp.Cells = exp.Cells[:2] // of the second point the file knows nothing
	for i := range exp.Cells {
		exp.Cells[i].Label, exp.Cells[i].Params = "new", map[string]any{"label": "new"}
	}
	e, err := s.read(t.Context(), exp)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := e.data(figure.Images)
	if a, b := d.Cells[0], d.Cells[1]; a.Label != "new" || a.Params["label"] != "new" || a.Params["patch"] != 7 || b.Label != "patch=14" ||
		b.Params["model.patch"] != int64(14) {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestFigures(t *testing.T) {
	s, exp := tried(t)
	file := &experiments.Experiment{Name: "t", Figures: []figure.Figure{
		{Kind: figure.Pareto, Name: "good", X: "throughput", Y: "fid_proxy"},
		{Kind: figure.Line, Name: "bad", X: "model.patch", Y: "kid", Source: "t.toml:7:1"},
	}}
	var wrote, warned []string
	say := Say{Wrote: func(f string) { wrote = append(wrote, f) }, Warning: func(w string) { warned = append(warned, w) }}
	dir := t.TempDir()
	failed, err := s.Figures(t.Context(), engine.Loaded{File: file, Exp: exp}, dir, []string{"svg"}, say)
	if err != nil || failed != 1 || strings.Join(wrote, " ") != dir+"/t/good.svg" || len(warned) != 1 ||
		!strings.HasPrefix(warned[0], "t.toml:7:1: figure \"bad\"") {
		t.Errorf("%d %v\n%q\n%q", failed, err, wrote, warned)
	}
}

func TestReport(t *testing.T) {
	s, exp := tried(t)
	leaveAll(t, s)
	file := &experiments.Experiment{Name: "t", Figures: []figure.Figure{{Kind: figure.Pareto, Name: "p", X: "throughput", Y: "fid_proxy"},
		{Kind: figure.Table, Name: "all"}}}
	c, err := s.Report(t.Context(), "results.db", []engine.Loaded{{File: file, Exp: exp}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	e := c.Experiments[0]
	if len(e.Cells) != 4 || len(e.Rows) != 20 || len(e.Data.Cells) != 2 || e.SheetsLeft != 1 || len(e.Notes) > 0 ||
		e.Pareto.X != "throughput" {
		t.Errorf("%d cells, %d rows, %d points, %d sheets left, %q", len(e.Cells), len(e.Rows), len(e.Data.Cells), e.SheetsLeft, e.Notes)
	}
	if a, b := e.Data.Cells[0], e.Data.Cells[1]; a.Curve == nil || b.Curve == nil || a.Grid == nil || b.Grid != nil {
		t.Errorf("%+v %+v", a, b)
	}
	if f := e.Figures; len(f) != 2 || len(f[0].SVG) == 0 || f[1].Markdown == "" || f[1].LaTeX == "" || f[0].Problem+f[1].Problem != "" {
		t.Errorf("%+v", f)
	}
	// Without files it is of all experiments, and without artifacts it says so.
	s.Store.Root = t.TempDir()
	if c, err = s.Report(t.Context(), "results.db", nil, 1); err != nil || len(c.Experiments) != 1 || len(c.Experiments[0].Figures) != 0 {
		t.Fatalf("%+v %v", c, err)
	}
	if n := c.Experiments[0].Notes; len(n) != 1 ||
		!strings.HasPrefix(n[0], "4 artifacts with samples or training curves are not in "+s.Store.Root) {
		t.Errorf("%q", n)
	}
	if err := report.Write(&bytes.Buffer{}, c); err != nil {
		t.Error(err)
	}
}

func TestPaper(t *testing.T) {
	s, exp := tried(t)
	file := &experiments.Experiment{Name: "t", Description: "about", File: "t.toml", Repeats: 2,
		Axes:    []experiments.Axis{{Keys: []string{"model.patch"}}, {Keys: []string{"model.state"}}},
		Figures: []figure.Figure{{Kind: figure.Bars, Name: "b", Y: "fid_proxy", Facet: "model.state"}, {Kind: figure.Table, Name: "a_table"}},
		Claims: []experiments.Claim{{Metric: "fid_proxy", Of: map[string]any{"model.patch": 7}, Over: map[string]any{"model.patch": 14},
			Expect: "better"}}}
	missing := &engine.Experiment{Name: "other", File: "other.toml", Cells: make([]engine.Cell, 6)}
	exp.File = "t.toml"
	doc, err := s.Paper(t.Context(), "all", []Part{{Loaded: engine.Loaded{File: file, Exp: exp}, Command: "one"},
		{Loaded: engine.Loaded{File: &experiments.Experiment{Repeats: 3}, Exp: missing}, Command: "prabench paper other"}})
	if err != nil || len(doc.Parts) != 2 || doc.Command != "all" {
		t.Fatal(doc, err)
	}
	if p := doc.Parts[1]; p.Problem != "the database has nothing of it, or another version: prabench paper other makes it" ||
		p.Points != 2 || p.Seeds != 3 {
		t.Errorf("%+v", p)
	}
	p := doc.Parts[0]
	if p.Problem != "" || p.Points != 2 || len(p.Attempts) != 20 || p.Attempts[0].Label != "patch=7" || len(p.Environments) != 1 ||
		len(p.Data.Cells) != 2 {
		t.Errorf("%+v", p)
	}
	if f := p.Figures; f[0].Width != bothColumns || f[1].Width != oneColumn || f[1].Title != "a table: about" {
		t.Errorf("%+v", f)
	}
	if c := p.Claims[0]; c.Sign != -1 || strings.Join(c.Match, " ") != "model.state" {
		t.Errorf("%+v", c)
	}
}

// A table has a caption in any case: its name, and what the file says of the experiment.
func TestCaptionsOfTables(t *testing.T) {
	s, exp := tried(t)
	for about, want := range map[string]string{"": "a table", " \n": "a table", "what\nit is \n": "a table: what it is"} {
		file := &experiments.Experiment{Name: "t", Description: about, Repeats: 2,
			Figures: []figure.Figure{{Kind: figure.Table, Name: "a_table"}}}
		doc, err := s.Paper(t.Context(), "all", []Part{{Loaded: engine.Loaded{File: file, Exp: exp}}})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, problems, err := doc.Write(dir); err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		for name, text := range map[string]string{"t/a_table.tex": "\\caption{" + want + "}\n", "t/a_table.md": "**" + want + "**\n",
			"index.md": "\n### " + want + "\n\n| ", "index.html": ">" + want + "</h3>"} {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || !strings.Contains(string(raw), text) {
				t.Errorf("description %q: %s has no %q: %v\n%s", about, name, text, err, raw)
			}
		}
	}
}

// An experiment is the file's only if the database holds its very cells.
func TestCheckPlanned(t *testing.T) {
	s, exp := tried(t)
	exp.File = "t.toml"
	if err := exp.CheckPlanned(t.Context(), s.DB); err != nil {
		t.Error(err)
	}
	exp.Cells[0].ID = "another"
	err := exp.CheckPlanned(t.Context(), s.DB)
	var other *engine.NotPlanned
	if !errors.As(err, &other) || other.Same != 3 ||
		!strings.HasPrefix(err.Error(), `t.toml: the database holds another version of "t": 4 cells, of which 3 are among the 4 of the file`) {
		t.Errorf("%+v %v", other, err)
	}
	exp.Name = "nobody"
	if err := exp.CheckPlanned(t.Context(), s.DB); !errors.As(err, &other) || other.Stored != 0 ||
		!strings.Contains(err.Error(), `has nothing of "nobody" yet; run it first: prabench run t.toml`) {
		t.Error(err)
	}
}

func TestLeftOutMeansAreWarnedOf(t *testing.T) {
	db := resultstest.Small(t, "t", 2, resultstest.Point{Label: "a", Values: map[string]map[string][]record.Value{
		record.Score: {"kid": {{Unit: "1", Value: 1, N: 1, Protocol: "embedder=a"}, {Unit: "1", Value: 3, N: 1, Protocol: "embedder=b"}}}}})
	s := Source{DB: db, Store: artifact.Store{Root: t.TempDir()}}
	var warned []string
	say := Say{Warning: func(w string) { warned = append(warned, w) }}
	if _, err := s.Figures(t.Context(), engine.Loaded{File: &experiments.Experiment{}, Exp: known(t, s)}, t.TempDir(), nil, say); err != nil {
		t.Fatal(err)
	}
	if len(warned) != 1 || !strings.HasPrefix(warned[0], "t: left out: the mean of kid") ||
		!strings.HasSuffix(warned[0], "; --across NAME accepts a difference") {
		t.Errorf("%q", warned)
	}
	s.Across = []string{"protocol"}
	warned = nil
	if _, err := s.Figures(t.Context(), engine.Loaded{File: &experiments.Experiment{}, Exp: known(t, s)}, t.TempDir(), nil,
		say); err != nil || len(warned) > 0 {
		t.Errorf("%q %v", warned, err)
	}
}

// A comparison that was not made has no difference, not even of 0.
func TestWhatWasNotTestedHasNoDifference(t *testing.T) {
	values := func(metrics ...string) map[string]map[string][]record.Value {
		score := map[string][]record.Value{}
		for i, m := range metrics {
			score[m] = resultstest.Of("1", float64(i+1), float64(i+2))
		}
		return map[string]map[string][]record.Value{record.Score: score}
	}
	db := resultstest.Small(t, "t", 2,
		resultstest.Point{Label: "patch=7", Params: map[string]any{"model.patch": 7}, Values: values("fid_proxy", "kid")},
		resultstest.Point{Label: "patch=14", Params: map[string]any{"model.patch": 14}, Values: values("fid_proxy")})
	s := Source{DB: db, Store: artifact.Store{Root: t.TempDir()}}
	all, err := s.Compare(t.Context(), Comparing{Of: "patch=7", Over: "patch=14", Experiment: "t", Metrics: []string{"fid_proxy", "kid"}})
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	made := ComparedOf(all)
	if made[0].Difference == nil || *made[0].Difference != 0 {
		t.Errorf("equal values: %+v", made[0])
	}
	raw, err := json.Marshal(made[1])
	if err != nil || strings.Contains(string(raw), `"difference"`) || !strings.Contains(string(raw), "not tested") {
		t.Errorf("%s, %v", raw, err)
	}
}
