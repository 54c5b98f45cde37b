package live

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/work"
	"prabench/results"
	"prabench/results/record"
	data "prabench/results/view"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// place is an empty folder with the source that looks at it.
func place(t *testing.T) Source {
	t.Helper()
	dir := t.TempDir()
	return Source{
		Places:  engine.Places{DB: filepath.Join(dir, "results.db"), Artifacts: filepath.Join(dir, ".prabench")},
		Figures: filepath.Join(dir, "figures"),
	}
}

// plan is an experiment of two cells with five stages each.
func plan(name, label string) results.Plan {
	p := results.Plan{Experiment: name, Description: "two <b>cells</b>", FileHash: "f00d"}
	for _, id := range []string{"a", "b"} {
		c := results.PlanCell{ID: id, Seed: 1, Label: label, Patch: new(7), Block: new(1), RolloutDepth: new(0), State: new(0),
			Params: map[string]any{}, Stages: map[string]string{}}
		for _, kind := range []string{record.Reference, record.Train, record.Draw, record.Score, record.Time} {
			key := kind + "-" + id
			c.Stages[kind] = key
			p.Stages = append(p.Stages, results.PlanStage{Key: key, Kind: kind, Config: json.RawMessage(`{}`)})
		}
		p.Cells = append(p.Cells, c)
	}
	return p
}

func attempt(id, kind, cell, outcome, reason string) record.Attempt {
	return record.Attempt{ID: id, Stage: kind + "-" + cell, Kind: kind, Cell: cell, Outcome: outcome, Reason: reason, Device: "cpu",
		Started: noon, Finished: noon.Add(time.Minute), Environment: record.Environment{CPU: "Xeon", Cores: 2, OS: "linux", GitRevision: "abc"}}
}

// fill makes a database with a plan and attempts.
func fill(t *testing.T, src Source, p results.Plan, as ...record.Attempt) {
	t.Helper()
	db, err := results.Open(src.Places.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.RecordPlan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for _, a := range as {
		if _, err := db.Ingest(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ask sends a request as a browser on this machine would.
func ask(s *Server, method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:8642"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func pageOf(t *testing.T, s *Server, path string) string {
	t.Helper()
	w := ask(s, "GET", path)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not have %q:\n%s", text, page)
		}
	}
}

// later makes the next look see what changed.
func later(s *Server) {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	s.watch.at, s.watch.baseAt = time.Time{}, time.Time{}
}

func TestOnlyReading(t *testing.T) {
	src := place(t)
	s := New(src, Hosts{})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"} {
		if w := ask(s, method, "/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
	for _, path := range []string{"/", "/events", "/assets/live.css"} {
		if w := ask(s, "HEAD", path); w.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(src.Places.DB)); len(left) != 0 {
		t.Errorf("looking has made %v", left)
	}
	if w := ask(s, "GET", "/nothing"); w.Code != http.StatusNotFound {
		t.Errorf("GET /nothing: %d", w.Code)
	}
}

func TestHosts(t *testing.T) {
	local, network := Hosts{}, Hosts{Network: true, Names: []string{"node7"}}
	for host, allowed := range map[string][2]bool{ // by local, by network
		"127.0.0.1:8642":       {true, true},
		"127.0.0.1":            {true, true},
		"127.3.2.1:80":         {true, true},
		"localhost:8642":       {true, true},
		"LOCALHOST":            {true, true},
		"localhost.:8642":      {true, true},
		"[::1]:8642":           {true, true},
		"[::ffff:127.0.0.1]:1": {true, true},
		"192.168.1.5:8642":     {false, true},
		"[fe80::1]:8642":       {false, true},
		"node7:8642":           {false, true},
		"node8:8642":           {false, false},
		"evil.example:8642":    {false, false},
		"127.0.0.1.evil.test":  {false, false},
		"localhost.evil.test":  {false, false},
		"":                     {false, false},
		"[::1":                 {true, true}, // brackets are not what matters
		"0.0.0.0:8642":         {false, true},
	} {
		if got := [2]bool{local.allow(host), network.allow(host)}; got != allowed {
			t.Errorf("Host %q: %v, want %v", host, got, allowed)
		}
	}
	s := New(place(t), Hosts{})
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = "evil.example"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "results.db") {
		t.Errorf("a rebound name: %d %s", w.Code, w.Body)
	}
}

func TestListen(t *testing.T) {
	for _, c := range []struct {
		address string
		network bool
		says    string // "" when it is opened
	}{
		{"127.0.0.1:0", false, ""},
		{"localhost:0", false, ""},
		{":0", false, "all addresses of this machine"},
		{"0.0.0.0:0", false, "--allow-network"},
		{"192.0.2.1:0", false, "--allow-network"},
		{"[::]:0", false, "--allow-network"},
		{"127.0.0.1:0", true, ""},
		{"0.0.0.0:0", true, ""},
		{"8642", false, "host:port"},
		{"127.0.0.1:99999", false, "port"},
	} {
		l, err := Listen(t.Context(), c.address, c.network)
		if err == nil {
			l.Close()
		}
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s, network %v: %v, want %q", c.address, c.network, err, c.says)
		}
		var known *AddressError
		if err != nil && !errors.As(err, &known) {
			t.Errorf("%s: %T", c.address, err)
		}
	}
	first, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := Listen(t.Context(), first.Addr().String(), false); err == nil ||
		!strings.Contains(err.Error(), "another program listens there") {
		t.Errorf("a taken address: %v", err)
	}
}

func TestNoWayOutOfFigures(t *testing.T) {
	src := place(t)
	fill(t, src, plan("quick", "patch=7"))
	above := filepath.Dir(src.Figures)
	put(t, filepath.Join(above, "secret.png"), "secret")
	put(t, filepath.Join(src.Figures, "quick", "speed.png"), "picture")
	put(t, filepath.Join(src.Figures, "quick", "speed.svg"), "<svg/>")
	put(t, filepath.Join(src.Figures, "quick", "notes.txt"), "secret")
	put(t, filepath.Join(src.Figures, "quick", ".hidden.png"), "secret")
	put(t, filepath.Join(src.Figures, "loose.png"), "secret")
	for link, to := range map[string]string{"out.png": filepath.Join(above, "secret.png"), "up.png": "../../secret.png"} {
		if err := os.Symlink(to, filepath.Join(src.Figures, "quick", link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(above, filepath.Join(src.Figures, "link")); err != nil {
		t.Fatal(err)
	}
	s := New(src, Hosts{})
	for _, path := range []string{
		"/figures/quick/notes.txt", "/figures/quick/.hidden.png", "/figures/quick/out.png", "/figures/quick/up.png", "/figures/link/secret.png",
		"/figures/../secret.png", "/figures/quick/../../secret.png", "/figures/%2e%2e/secret.png", "/figures/quick/..%2f..%2fsecret.png",
		"/figures/..%2fsecret/x.png",
		"/figures/quick%2f..%2f../secret.png", "/figures/%2fetc/passwd.png", "/figures//secret.png", "/figures/./loose.png",
		"/figures/quick/none.png", "/figures/quick/%00.png",
		"/samples/..%2f..%2fsecret.png", "/samples/none.png", "/samples/sample-a.png", "/assets/..%2flive.go", "/assets/page.html", "/assets/",
		"/assets/uplot/", "/assets/uplot/LICENSE", "/assets/uplot/..%2f..%2flive.go",
	} {
		w := ask(s, "GET", path)
		if w.Code == http.StatusOK || strings.Contains(w.Body.String(), "secret") && !strings.Contains(w.Header().Get("Location"), "secret") {
			t.Errorf("GET %s: %d %q", path, w.Code, w.Body)
		}
	}
	if w := ask(s, "GET", "/figures/quick/speed.png?drawn=1"); w.Code != http.StatusOK || w.Body.String() != "picture" ||
		w.Header().Get("Content-Type") != "image/png" {
		t.Errorf("a figure: %d %v", w.Code, w.Header())
	}
	if w := ask(s, "GET", "/figures/quick/speed.svg"); w.Code != http.StatusOK ||
		!strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("an SVG by itself: %d %v", w.Code, w.Header())
	}
	page := pageOf(t, s, "/")
	wants(t, page, "/figures/quick/speed.png?drawn=", ">svg</a>")
	if strings.Contains(page, "notes.txt") || strings.Contains(page, ".hidden") || strings.Contains(page, "loose") ||
		strings.Contains(page, "out.png") {
		t.Error("the page names files that are not served")
	}
}

// Names come from experiment files and database, and neither is trusted.
func TestNamesAreText(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	src := place(t)
	fill(t, src, plan(evil, evil+`' onload='x`), attempt("t", record.Train, "a", record.Crash, evil))
	put(t, filepath.Join(src.Figures, "x"), "")
	s := New(src, Hosts{})
	page := pageOf(t, s, "/?experiment="+`%22%3E%3Cscript%3Ealert(1)%3C/script%3E`+"&state="+`%22%3E%3Cscript%3E`)
	if n := strings.Count(page, "<script"); n != 3 {
		t.Errorf("%d scripts on the page", n)
	}
	if strings.Contains(page, "<b>cells</b>") || strings.Contains(page, "<svg/onload") {
		t.Error("the description is markup")
	}
	wants(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;")
}

func TestPageInAllStates(t *testing.T) {
	src := place(t)
	s := New(src, Hosts{})
	empty := pageOf(t, s, "/")
	wants(t, empty, "Nothing here yet", "<title>prabench</title>")

	crash := attempt("t", record.Train, "b", record.Crash, "the worker died (segmentation fault)")
	stopped := attempt("u", record.Train, "a", record.Interrupted, "the run was stopped")
	timed := attempt("m", record.Time, "a", record.OK, "")
	lo, hi := 0.0118, 0.0128
	timed.Values = []record.Value{{Metric: "latency", Unit: "s", Value: 0.01234, Lo: &lo, Hi: &hi, N: 5}}
	fill(t, src, plan("quick", "patch=7"), attempt("r", record.Reference, "a", record.OK, ""), crash, stopped, timed)
	later(s)
	page := pageOf(t, s, "/")
	wants(t, page, "<h1>quick</h1>", "two &lt;b&gt;cells&lt;/b&gt;", "crash: the worker died (segmentation fault)",
		"last: interrupted: the run was stopped",
		"2 of 10 stages done", "1 failed", "No run goes on", `aria-live="polite"`, "12.34", "±0.50", "latency <small>ms</small>",
		`<td>1 of 2</td>`, `<td class="text">interrupted: the run was stopped`,
		"± half of the 95 % interval, [its ends]",
		"2 cells: 1 failed, 1 to do. No run goes on.")

	only := pageOf(t, s, "/?state=failed")
	if rows := strings.Count(only, `<td class="state`); rows != 1 {
		t.Errorf("%d rows for ?state=failed, want 1", rows)
	}
	wants(t, pageOf(t, s, "/?state=running"), "No such cell now.")

	// While a run holds the database.
	db := src.Places
	release := hold(t, db)
	mark(t, db, engine.Running{Attempt: "v", Stage: "train-a", Kind: "train", Label: "patch=7, seed 1",
		Started: time.Now().Add(-65 * time.Second), Seen: time.Now(),
		Left: 10 * time.Minute, Curve: []engine.LossPoint{{Step: 10, Loss: 2}, {Step: 20, Loss: 0.5}}})
	later(s)
	page = pageOf(t, s, "/")
	wants(t, page, "Running now", "About 10m", "left", "1m05s", "Training loss over steps", `<polyline class="c0"`, "A run goes on.",
		"process 4711 on here")
	release()

	// A database that is none.
	if err := os.Remove(src.Places.DB); err != nil {
		t.Fatal(err)
	}
	for _, beside := range []string{"-wal", "-shm"} {
		os.Remove(src.Places.DB + beside)
	}
	put(t, src.Places.DB,
		"this is a text file that somebody put in the place of the database, long enough to be read as one of a hundred bytes")
	later(s)
	wants(t, pageOf(t, s, "/"), "Something cannot be read", "not an SQLite database", "Shown is what was there at", "crash: the worker died")

	// Gone altogether, and another one in its place.
	os.Remove(src.Places.DB)
	later(s)
	wants(t, pageOf(t, s, "/"), "Nothing here yet")
	fill(t, src, plan("other", "patch=14"))
	later(s)
	page = pageOf(t, s, "/")
	wants(t, page, "<h1>other</h1>", "0 of 10 stages done")
	if strings.Contains(page, "cannot be read") {
		t.Error("the error stays after the database was replaced")
	}
}

// A damaged database is reported; nothing is shown in place of what cannot be read.
func TestDamagedDatabase(t *testing.T) {
	src := place(t)
	fill(t, src, plan("quick", "patch=7"))
	raw, err := os.ReadFile(src.Places.DB)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(raw); i++ { // the header says a database, the pages do not
		raw[i] = 0xA5
	}
	put(t, src.Places.DB, string(raw))
	page := pageOf(t, New(src, Hosts{}), "/")
	wants(t, page, "Something cannot be read", "results.db")
	if strings.Contains(page, "Nothing here yet") || strings.Contains(page, `id="cells"><h2`) {
		t.Error("a damaged database looks like an empty one")
	}
}

func TestSamplesOfTheStore(t *testing.T) {
	src := place(t)
	fill(t, src, plan("quick", "patch=7"), attempt("s", record.Draw, "a", record.OK, ""))
	dir := src.Places.Store().Dir(artifact.Ref{Kind: record.Draw, Key: "sample-a"})
	put(t, filepath.Join(dir, work.GridFile), "grid")
	other := src.Places.Store().Dir(artifact.Ref{Kind: record.Draw, Key: "foreign"})
	put(t, filepath.Join(other, work.GridFile), "foreign")
	s := New(src, Hosts{})
	wants(t, pageOf(t, s, "/"), "/samples/sample-a.png?made=", "Samples of patch=7")
	if w := ask(s, "GET", "/samples/sample-a.png"); w.Code != http.StatusOK || w.Body.String() != "grid" {
		t.Errorf("a grid: %d", w.Code)
	}
	if w := ask(s, "GET", "/samples/foreign.png"); w.Code != http.StatusNotFound {
		t.Errorf("a grid of no cell shown: %d", w.Code)
	}
}

// What a page shows of points: each with its interval in the unit of its column,
// and their outcomes only where one says more than seeds and cells.
func TestNumbers(t *testing.T) {
	lo, hi := 0.0014, 0.0016
	points := []data.Point{
		{Label: "a", Seeds: 3, Outcome: record.OK, Means: map[string]data.Mean{"latency": {Unit: "s", Value: 0.0015, Lo: &lo, Hi: &hi, N: 3},
			"fid_proxy": {Unit: "1", Value: 12, N: 2}}},
		{Label: "b", Seeds: 3, Outcome: record.Pending},
	}
	got := numbersOf(data.Summarize(points, nil, 6))
	want := numbers{Columns: []column{{"fid_proxy", "", 1}, {"latency", "ms", 1e3}}, Rows: []point{
		{Name: "a", Seeds: "2 of 3", Values: []number{{Value: "12.00"}, {"1.500", "±0.10"}}, Outcome: "ok"},
		{Name: "b", Seeds: "3", Values: []number{{}, {}}, Outcome: "pending"},
	}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(column{})); d != "" {
		t.Error(d)
	}
	points[1].Outcome, points[1].Reason = record.OutOfMemory, "of all"
	if got := numbersOf(data.Summarize(points, nil, 6)); !got.Outcomes || got.Rows[1].Outcome != "oom: of all" {
		t.Errorf("%+v", got)
	}
	many := make([]data.Point, shownPoints+7)
	if got := numbersOf(data.Summarize(many, nil, 0)); len(got.Rows) != shownPoints || got.Hidden != 7 {
		t.Errorf("%d rows, %d hidden", len(got.Rows), got.Hidden)
	}
}

// Only what changed is sent, and all of it when the page connects.
func TestEvents(t *testing.T) {
	src := place(t)
	fill(t, src, plan("quick", "patch=7"))
	s := New(src, Hosts{})
	s.pace = 5 * time.Millisecond
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/events", nil)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type %q", kind)
	}
	events := make(chan [2]string)
	go read(answer.Body, events)
	if e := <-events; e[0] != "version" || e[1] != version {
		t.Errorf("first comes %v", e)
	}
	for _, name := range partNames {
		if p := nextPart(t, events); p.ID != name {
			t.Errorf("part %s, want %s", p.ID, name)
		}
	}
	fill(t, src, plan("quick", "patch=7"), attempt("r", record.Reference, "a", record.OK, ""))
	later(s)
	changed := map[string]bool{}
	for !changed["progress"] {
		changed[nextPart(t, events).ID] = true
	}
	if changed["heading"] || changed["figures"] || changed["numbers"] {
		t.Errorf("parts that did not change were sent: %v", changed)
	}
}

func read(body io.Reader, events chan<- [2]string) {
	defer close(events)
	var name string
	var line strings.Builder
	one := make([]byte, 1)
	for {
		if _, err := body.Read(one); err != nil {
			return
		}
		if one[0] != '\n' {
			line.WriteByte(one[0])
			continue
		}
		if e, ok := strings.CutPrefix(line.String(), "event: "); ok {
			name = e
		}
		if d, ok := strings.CutPrefix(line.String(), "data:"); ok {
			events <- [2]string{name, strings.TrimPrefix(d, " ")}
		}
		line.Reset()
	}
}

func nextPart(t *testing.T, events <-chan [2]string) part {
	t.Helper()
	for e := range events {
		var p part
		if e[0] != "part" {
			continue
		}
		if err := json.Unmarshal([]byte(e[1]), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Fatal("the stream has ended")
	return part{}
}

func TestAssetsAreKeptByVersion(t *testing.T) {
	s := New(place(t), Hosts{})
	for _, name := range []string{"page.css", "live.css", "live.js", "numbers.js", "chosen.js", "icon.svg",
		"uplot/uPlot.min.js", "uplot/uPlot.min.css"} {
		w := ask(s, "GET", "/assets/"+name+"?v="+version)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %s", name, w.Code, w.Header().Get("Cache-Control"))
		}
		if old := ask(s, "GET", "/assets/"+name+"?v=old"); strings.Contains(old.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s under an old version is kept for good", name)
		}
		if strings.Contains(w.Body.String(), "://") && name != "icon.svg" && !strings.HasPrefix(name, "uplot/") { // its comment does
			t.Errorf("%s names another site", name)
		}
	}
}

// Curves of what runs differ in dash and mark from the next ones, not in colour alone.
func TestCurvesDifferInForm(t *testing.T) {
	var marks []engine.Running
	for i := range 60 {
		marks = append(marks, engine.Running{Label: string(rune('0'+i/10)) + string(rune('0'+i%10)),
			Curve: []engine.LossPoint{{Step: 1, Loss: 2}, {Step: 9, Loss: 1}}})
	}
	c := newChart(marks, nil)
	seen := map[[3]string]string{}
	for i, l := range c.Running {
		look := [3]string{l.Class, l.Dash, l.Mark}
		if other := seen[look]; other != "" {
			t.Errorf("%s looks as %s does", l.Label, other)
		}
		seen[look] = l.Label
		if i > 0 && (l.Dash == c.Running[i-1].Dash || l.Mark == c.Running[i-1].Mark || l.Mark == "") {
			t.Errorf("%s and %s differ in colour alone", c.Running[i-1].Label, l.Label)
		}
	}
}

// The figures beside a version are its own, not those of the version that is shown under
// the name, and there are none of what was never planned.
func TestFiguresAreOfTheServedVersion(t *testing.T) {
	src := place(t)
	whole, narrowed := plan("quick", "patch=7"), plan("quick", "patch=7")
	narrowed.Cells, narrowed.Stages, narrowed.Narrowed = narrowed.Cells[:1], narrowed.Stages[:5], "--set train.steps=10"
	fill(t, src, whole)
	fill(t, src, narrowed)
	put(t, filepath.Join(src.Figures, "quick", "speed.png"), "of the whole file")
	put(t, filepath.Join(src.Figures, "quick@2", "speed.png"), "of the other version")
	for _, c := range []struct {
		cells []string
		want  string
	}{{[]string{"a", "b"}, "quick"}, {[]string{"a"}, "quick@2"}, {[]string{"a", "c"}, ""}} {
		e := &engine.Experiment{Name: "quick"}
		for _, id := range c.cells {
			e.Cells = append(e.Cells, engine.Cell{ID: id})
		}
		w := newWatcher(src)
		w.base = &base{plan: &engine.Plan{Experiments: []*engine.Experiment{e}}, experiments: []experiment{{Name: "quick"}}}
		db, err := results.OpenReadOnly(src.Places.DB)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.base.readNumbers(t.Context(), db, src.Places.Artifacts); err != nil {
			t.Error(err)
		}
		db.Close()
		got := ""
		for _, f := range w.assemble("", nil).Figures {
			got += f.Experiment
		}
		if got != c.want {
			t.Errorf("cells %v: the figures are those of %q, want %q", c.cells, got, c.want)
		}
	}
}
