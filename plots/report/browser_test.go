package report

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"prabench/internal/browser"
)

// opened writes a report to a file and opens it.
func opened(t *testing.T, c Content) (b *browser.Browser, address string) {
	t.Helper()
	b = browser.Open(t)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(text(t, c)), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Look(1280, 900, 1, "light")
	b.Go("file://" + path)
	return b, "file://" + path
}

// alone fails the test when the page asked for anything but itself.
func alone(t *testing.T, b *browser.Browser, address string) {
	t.Helper()
	b.Quiet()
	seen := false
	for _, r := range b.Requests() {
		switch {
		case r == address:
			seen = true
		case !strings.HasPrefix(r, "data:"):
			t.Errorf("the page asks %s", r)
		}
	}
	if !seen {
		t.Error("not even the page itself was seen to be asked for: requests are not heard")
	}
}

// column0 is the texts of a column of the table of points, top down.
const column0 = `(n => [...document.querySelectorAll('#e0-points tbody tr')].filter(r => !r.hidden)
	.map(r => r.cells[n].textContent.replace(/ .*/, '')).join(' '))`

func clickHead(b *browser.Browser, metric string) {
	browser.Value[bool](b, fmt.Sprintf(`(document.querySelector('#e0-points th[data-metric=%s] button').click(), true)`, metric))
}

func TestTableInBrowser(t *testing.T) {
	e := made("a", 12, 2) // with the failed point first
	e.Data.Cells = append(e.Data.Cells[11:], e.Data.Cells[:11]...)
	e.Means, e.Of = append(e.Means[11:], e.Means[:11]...), append(e.Of[11:], e.Of[:11]...)
	e.Cells = append(e.Cells[22:], e.Cells[:22]...)
	b, address := opened(t, Content{Database: "results.db", Experiments: []Experiment{e}})
	order := func() string { return browser.Value[string](b, column0+`(0)`) }
	planned := order()
	if !strings.HasPrefix(planned, "patch=84 patch=7 patch=14") {
		t.Errorf("at first: %s", planned)
	}
	sorted := func(metric string) string {
		return browser.Value[string](b, `document.querySelector('#e0-points th[data-metric=`+metric+`]').getAttribute('aria-sort')`)
	}
	// Numbers as numbers: 43 comes after 10, and 11,000 after 2,000. What
	// failed is last either way.
	clickHead(b, "throughput")
	if got := order(); !strings.HasPrefix(got, "patch=7 patch=14 patch=21") || !strings.HasSuffix(got, "patch=77 patch=84") ||
		sorted("throughput") != "ascending" {
		t.Errorf("by throughput, ascending (%s): %s", sorted("throughput"), got)
	}
	clickHead(b, "throughput")
	if got := order(); !strings.HasPrefix(got, "patch=77 patch=70 patch=63") || !strings.HasSuffix(got, "patch=7 patch=84") ||
		sorted("throughput") != "descending" {
		t.Errorf("by throughput, descending (%s): %s", sorted("throughput"), got)
	}
	clickHead(b, "latency")
	if got := order(); !strings.HasPrefix(got, "patch=77") || !strings.HasSuffix(got, "patch=7 patch=84") || sorted("throughput") != "none" {
		t.Errorf("by latency, ascending: %s", got)
	}
	clickHead(b, "latency")
	clickHead(b, "latency")
	if got := order(); got != planned || sorted("latency") != "none" {
		t.Errorf("the third click does not give the plan's order: %s", got)
	}
	browser.Value[bool](b, `(document.querySelector('#e0-points th button').focus(), true)`)
	b.Press(kb.Enter)
	if got := order(); !strings.HasPrefix(got, "patch=7 patch=14") || !strings.HasSuffix(got, "patch=77 patch=84") { // not 14 21 … 7
		t.Errorf("by name: %s", got)
	}
	b.Press(kb.Enter)
	if got := order(); !strings.HasPrefix(got, "patch=84 patch=77") || !strings.HasSuffix(got, "patch=14 patch=7") {
		t.Errorf("by name, descending: %s", got)
	}

	if got := browser.Value[string](b, `(r => r.innerText)(document.querySelector('#e0-p0'))`); !strings.Contains(got, "oom") ||
		strings.Count(got, "×") < 3 {
		t.Errorf("the failed point: %q", got)
	}

	filter := func(text string) string {
		return browser.Value[string](b,
			fmt.Sprintf(`(i => { i.value = %q; i.dispatchEvent(new Event('input'));
				return document.querySelector('.hits').textContent })(document.querySelector('.tools input'))`, text))
	}
	for words, want := range map[string]string{"patch=7": "3 of 12 points, 6 of 24 cells",
		"PATCH=7 rollout_depth=0": "2 of 12 points, 4 of 24 cells",
		"oom":                     "1 of 12 points, 2 of 24 cells", "9 gib": "1 of 12 points, 2 of 24 cells",
		"nowhere": "0 of 12 points, 0 of 24 cells", "": ""} {
		if got := filter(words); got != want {
			t.Errorf("the filter %q leaves %q, want %q", words, got, want)
		}
	}
	filter("patch=14")
	if n := browser.Value[int](b, `document.querySelectorAll('.samples > li:not([hidden])').length`); n != 1 {
		t.Errorf("the filter leaves %d sheets of samples", n)
	}
	if n := browser.Value[int](b, `document.querySelectorAll('#e0-pareto0 .marks .mark:not(.faded)').length`); n != 1 {
		t.Errorf("the filter leaves %d points of the chart", n)
	}
	filter("")

	shows := func(metric string) bool {
		return browser.Value[bool](b, `document.querySelector('#e0-points th[data-metric=`+metric+`]').offsetParent !== null`)
	}
	if !shows("fid_proxy") || shows("disturbed_rounds") {
		t.Error("at first the main columns are shown")
	}
	browser.Value[bool](b, `(document.querySelector('[data-show=speed]').click(), true)`)
	if shows("fid_proxy") || !shows("disturbed_rounds") || !shows("throughput") {
		t.Error("the speed columns are not those that are shown")
	}
	browser.Value[bool](b, `(document.querySelector('[data-show=all]').click(), true)`)
	if !shows("fid_proxy") || !shows("disturbed_rounds") {
		t.Error("not all columns are shown")
	}
	alone(t, b, address)
}

// A point says what it is to the mouse and to the keyboard, and a number where
// it comes from.
func TestChartAndOriginsInBrowser(t *testing.T) {
	b, address := opened(t, Content{Database: "results.db", Experiments: []Experiment{made("a", 5, 2)}})
	tip := func() string {
		return browser.Value[string](b, `(t => t.hidden ? '' : t.textContent)(document.getElementById('tip'))`)
	}
	at := func(mark int) (x, y float64) {
		p := browser.Value[[]float64](b,
			fmt.Sprintf(`(e => { e.scrollIntoView({ block: 'center' }); const r = e.getBoundingClientRect();
				return [r.x + r.width / 2, r.y + r.height / 2] })
				(document.querySelectorAll('#e0-pareto0 .marks .mark')[%d])`, mark))
		return p[0], p[1]
	}
	// Points come by throughput. The means over two seeds, ± Student's half
	// width: 12.706 · 0.0707/√2 = 0.635.
	b.Point(at(1))
	if got, want := tip(), "patch=14\nthroughput 2000.15 ± 0.64 images/s\nFD (proxy) 13.15 ± 0.64\n2 seeds, on the frontier"; got != want {
		t.Errorf("the tooltip says %q, want %q", got, want)
	}
	b.Point(2, 2)
	if got := tip(); got != "" {
		t.Errorf("away from all points: %q", got)
	}
	x, y := at(1)
	b.Point(x+9, y-8)
	if got := tip(); !strings.HasPrefix(got, "patch=14") {
		t.Errorf("near a point: %q", got)
	}
	browser.Value[bool](b, `(document.querySelector('#e0-pareto0 .marks .mark[tabindex="0"]').focus(), true)`)
	if got := tip(); !strings.HasPrefix(got, "patch=7\nthroughput 1000.15") {
		t.Errorf("the first point by keyboard: %q", got)
	}
	b.Press(kb.ArrowRight)
	b.Press(kb.ArrowRight)
	if got := tip(); !strings.HasPrefix(got, "patch=21\nthroughput 3000.15") {
		t.Errorf("the third point by keyboard: %q", got)
	}
	b.Press(kb.Escape)
	if got := tip(); got != "" {
		t.Errorf("after Escape: %q", got)
	}
	b.Press(kb.Enter)
	origin := func() string {
		return browser.Value[string](b, `(d => d.open ? d.innerText : '')(document.getElementById('origin'))`)
	}
	for _, want := range []string{"patch=21, seeds 2", "score-2-1", "score-2-2", "abc123", "cpu Xeon", "kind=score", "16.15",
		"95 % over training seeds", "2026-03-04 12:00:00 UTC", "8.0 GiB"} {
		if got := origin(); !strings.Contains(got, want) {
			t.Errorf("the origin of a point does not say %q:\n%s", want, got)
		}
	}
	b.Press(kb.Escape)
	if got := origin(); got != "" {
		t.Error("Escape does not close the origin")
	}
	browser.Value[bool](b, `(document.querySelector('#e0-c0 td[data-v]').click(), true)`)
	if got := origin(); !strings.Contains(got, "patch=7, seed 1") || !strings.Contains(got, "score-0-1") ||
		strings.Contains(got, "score-0-2") || !strings.Contains(got, "95 % over images") {
		t.Errorf("the origin of a cell's number:\n%s", got)
	}
	if n := browser.Value[int](b, `document.querySelectorAll('#origin tr.asked').length`); n != 1 {
		t.Errorf("%d numbers are shown as the one that was asked for", n)
	}
	b.Press(kb.Escape)
	if got := browser.Value[string](b, `document.querySelector('#e0-pareto0 .missing').textContent`); !strings.Contains(got,
		"patch=35 (oom: needs 9 GiB of 8)") {
		t.Errorf("what has no place in the chart: %s", got)
	}
	b.Point(at(0))
	browser.Value[bool](b, `(document.querySelector('#e0-curves .marks .mark').focus(), true)`)
	if got := tip(); !strings.HasPrefix(got, "patch=7\nloss 0.5025 after step 300") {
		t.Errorf("a curve: %q", got)
	}
	alone(t, b, address)
}

// On a desk, on a phone, in the dark, on paper.
func TestReportIsReadableInBrowser(t *testing.T) {
	e := renamed(made("a", 12, 2), `<b>"längere" name</b> `+strings.Repeat("x", 90))
	e.Figures = []Figure{{Name: "drawn",
		SVG: []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" width="40" height="20">` +
			`<rect width="40" height="20" fill="#0072b2"/></svg>`)}}
	b, address := opened(t, Content{Database: "results.db", Experiments: []Experiment{made("plain", 12, 2), e, made("third", 3, 1)}})
	for _, size := range []struct{ width, height int64 }{{1280, 3000}, {768, 3000}, {390, 844}, {320, 700}} {
		b.Look(size.width, size.height, 1, "light")
		b.Sideways(size.width)
		light := browser.Ground(t, b.Picture())
		b.Look(size.width, size.height, 1, "dark")
		if dark := browser.Ground(t, b.Picture()); light < 200 || dark > 60 {
			t.Errorf("%d pixels wide: the ground is %d in light and %d in dark", size.width, light, dark)
		}
	}
	b.Accessible()
	if pdf := b.Print(); len(pdf) < 20000 || string(pdf[:5]) != "%PDF-" {
		t.Errorf("printed it has %d bytes", len(pdf))
	}
	if n := browser.Value[int](b, `[...document.images].filter(i => i.naturalWidth > 0).length`); n != 3+3+1+3 {
		t.Errorf("%d images are seen", n)
	}
	alone(t, b, address)
}

// A thousand cells with thirty metrics each, twice: as points and as cells. Run
// with -v it says how long the page takes.
func TestThousandCellsInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and opens a page of 40,000 numbers: some seconds")
	}
	content := Content{Database: "results.db", Experiments: []Experiment{madeWith("a", 500, 2, 25)}}
	begin := time.Now()
	page := text(t, content)
	t.Logf("written in %v: %.1f MiB", time.Since(begin).Round(time.Millisecond), float64(len(page))/(1<<20))
	b := browser.Open(t)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Look(1280, 900, 1, "light")
	b.Go("file://" + path)
	b.Wait("the end of loading", `document.readyState === 'complete'`)
	t.Logf("opened: interactive after %.0f ms, complete after %.0f ms",
		browser.Value[float64](b, `performance.timing.domInteractive - performance.timing.navigationStart`),
		browser.Value[float64](b, `performance.timing.loadEventEnd - performance.timing.navigationStart`))
	took := func(what, script string) {
		t.Logf("%s: %.0f ms", what, browser.Value[float64](b,
			`(() => { const from = performance.now(); `+script+`; document.body.getBoundingClientRect(); return performance.now() - from })()`))
	}
	took("sorted", `document.querySelector('#e0-cells th[data-metric=metric_07] button').click()`)
	took("filtered", `(i => { i.value = 'patch=77'; i.dispatchEvent(new Event('input')) })(document.querySelector('.tools input'))`)
	took("all columns", `document.querySelector('[data-show=all]').click()`)
	// 77, 770, 777
	if got := browser.Value[string](b, `document.querySelector('.hits').textContent`); got != "3 of 500 points, 6 of 1000 cells" {
		t.Errorf("the filter leaves %s", got)
	}
	b.Quiet()
}

// The policy in the file holds: what a page could be made to do, it does not.
func TestPolicyInBrowser(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	b, _ := opened(t, Content{Database: "results.db", Experiments: []Experiment{made("a", 3, 1)}})
	browser.Value[bool](b, strings.ReplaceAll(`(() => {
		window.refused = [];
		document.addEventListener('securitypolicyviolation', e => refused.push(e.effectiveDirective));
		const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s);
		const i = new Image(); i.src = 'SERVER/x.png'; document.body.append(i);
		fetch('SERVER/').catch(() => {});
		setTimeout(() => { window.over = true }, 500);
		return true;
	})()`, "SERVER", server.URL))
	b.Wait("the end of its attempts", `window.over === true`)
	got := browser.Value[string](b, `[...new Set(refused)].sort().join()`)
	if got != "connect-src,img-src,script-src-elem" || browser.Value[bool](b, `window.ran === true`) {
		t.Errorf("refused: %s", got)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests reached a server", n)
	}
}
