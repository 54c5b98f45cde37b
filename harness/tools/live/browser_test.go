package live

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"prabench/harness/engine"
	"prabench/internal/browser"
	"prabench/results/resultstest"
)

var pictures = flag.String("pictures", "", "folder in which TestChosenInBrowser leaves what it saw, to look at")

// TestChosenInBrowser chooses cells of two experiments with 300 cells by hand and
// looks at them together: filtered and sorted without loading the page again, by mouse
// and by keyboard, on a desk and on a phone, in light and dark.
func TestChosenInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser: some seconds")
	}
	b := browser.Open(t)
	src := place(t)
	sweep(t, src)
	s := New(src, Hosts{})
	s.pace = 50 * time.Millisecond
	server := httptest.NewServer(s)
	defer server.CloseClientConnections()
	b.Look(1400, 1000, 1, "light")
	b.Go(server.URL)
	b.Wait("the connection", `document.getElementById('connection').textContent === 'live'`)
	is := func(what, script string) {
		t.Helper()
		if !browser.Value[bool](b, script) {
			t.Errorf("the page lacks %s: %s", what, script)
		}
	}
	do := func(script string) { t.Helper(); browser.Value[bool](b, "("+script+", true)") }
	rows := `document.querySelectorAll('#cells tbody tr').length`
	is("a hundred rows of three hundred, and a way on", rows+` === 100 && /1 to 100 of 300/.test(document.getElementById('cells').innerText)`)
	is("no drawing library before a cell is chosen", `!window.uPlot`)

	// Sorting and filtering, by links and a form.
	do(`document.querySelector('#cells thead a[href*="sort=fid_proxy"]').click()`)
	b.Wait("cells by their score", `(v => v.length === 100 && v.every((x, i) => i === 0 || v[i - 1] <= x))(
		[...document.querySelectorAll('#cells tbody td.value:nth-of-type(4)')].map(e => parseFloat(e.textContent.replace(/^[^0-9]*/, ''))))`)
	is("the order, for ears", `document.querySelector('#cells th[aria-sort=ascending] a').textContent === 'fid_proxy'`)
	do(`document.getElementById('filter').focus()`)
	do(`document.getElementById('filter').value = 'pach=2'`)
	b.Press(kb.Enter)
	b.Wait("what is wrong with a filter", `/pach: unknown key/.test((document.querySelector('#cells [role=alert]') || {}).textContent)`)
	do(`document.getElementById('filter').value = 'along,seed=1,until=500'`)
	b.Press(kb.Enter)
	b.Wait("ten rows", rows+` === 10 && document.querySelector('#cells [role=alert]') === null`)
	is("the focus where it was", `document.activeElement.id === 'filter'`)

	pointsInBrowser(t, b)

	// Choosing: one by keyboard, then all shown, then some of another experiment.
	do(`document.querySelector('#cells tbody input').focus()`)
	b.Press(" ")
	b.Wait("a picture with one line", `document.querySelectorAll('#chosen-curves canvas').length === 1 &&
		document.querySelectorAll('#chosen-values tbody tr').length === 1`)
	is("the choice in the address", `new URLSearchParams(location.search).getAll('pick').length === 1`)
	is("a box for all that is neither empty nor full", `document.getElementById('pick-all').indeterminate`)
	do(`document.getElementById('pick-all').click()`)
	b.Wait("ten settings", `document.querySelectorAll('#chosen-values tbody tr').length === 10`)
	do(`document.getElementById('filter').value = 'along,seed=2,until=500'`)
	do(`document.querySelector('form[data-ask]').requestSubmit()`)
	b.Wait("the second seeds, not chosen yet", rows+` === 10 &&
		[...document.querySelectorAll('#cells input[data-pick]')].every(e => !e.checked)`)
	do(`document.getElementById('pick-all').click()`)
	b.Wait("two seeds of each", `[...document.querySelectorAll('#chosen-values tbody td:nth-child(2)')].every(e => e.textContent === '1, 2')`)
	do(`document.getElementById('filter').value = 'patches,seed=3,patch=1,width=8'`)
	do(`document.querySelector('form[data-ask]').requestSubmit()`)
	b.Wait("one cell of the other experiment", rows+` === 1`)
	do(`document.querySelector('#cells input[data-pick]').click()`)
	b.Wait("eleven settings of two experiments", `document.querySelectorAll('#chosen-values tbody tr').length === 11 &&
		/patches patch=1/.test(document.getElementById('chosen-values').innerText)`)
	is("quality along training", `document.querySelectorAll('#chosen-stops canvas').length === 1`)
	is("samples along training", `document.querySelectorAll('#chosen-samples .strip').length === 12 &&
		document.querySelector('#chosen-samples img').alt === 'Samples of along rollout_depth=' +
			document.querySelector('#chosen-samples img').alt.match(/depth=(\d)/)[1] + ', seed 1 after 250 steps'`)

	do(`document.querySelector('#cells nav[aria-label="Cells by experiment"] a').click()`)
	do(`document.getElementById('filter').value = ''`)
	do(`document.querySelector('form[data-ask]').requestSubmit()`)
	b.Wait("all cells again", rows+` === 100`)
	pointAndKeys(t, b)
	looks(t, b)
	againAndErrors(t, b, server.URL, rows)
}

// againAndErrors opens the address of a choice again, and meets a server that fails.
func againAndErrors(t *testing.T, b *browser.Browser, address, rows string) {
	t.Helper()
	is := func(what, script string) {
		t.Helper()
		if !browser.Value[bool](b, script) {
			t.Errorf("the page lacks %s: %s", what, script)
		}
	}
	do := func(script string) { t.Helper(); browser.Value[bool](b, "("+script+", true)") }
	// The address keeps all of it, and the page finds it again.
	at := browser.Value[string](b, `location.href`)
	b.Go(at)
	b.Wait("the same choice", `document.querySelectorAll('#chosen-values tbody tr').length === 11 && `+rows+` === 100`)
	is("the boxes that are checked", `(picks => [...document.querySelectorAll('#cells input[data-pick]')].every(
		e => e.checked === picks.includes(e.dataset.pick)) &&
		document.querySelector('#cells input[data-pick]:checked') !== null)(new URLSearchParams(location.search).getAll('pick'))`)

	// An error is shown, and goes away by itself.
	do(`window.really = window.fetch, window.fetch = async () => new Response('out of order', {status: 500})`)
	do(`document.getElementById('chosen-metric').value = 'recall',
		document.getElementById('chosen-metric').dispatchEvent(new Event('change'))`)
	b.Wait("what went wrong", `/the server answered 500: out of order/.test(document.getElementById('chosen-problem').textContent)`)
	do(`window.fetch = window.really`)
	do(`document.getElementById('chosen-loss').dispatchEvent(new Event('change'))`)
	b.Wait("that it works again", `document.getElementById('chosen-problem').hidden &&
		/[Rr]ecall/.test(document.getElementById('chosen-stops-title').textContent)`)
	do(`document.getElementById('chosen-none').click()`)
	leave(t, "whole", b.Picture())
	b.Wait("nothing chosen", `document.getElementById('chosen-all').hidden && !location.search.includes('pick')`)

	b.Quiet()
	if n := b.Loads(); n != 2 {
		t.Errorf("the page was loaded %d times, want 2", n)
	}
	for _, r := range b.Requests() {
		if u, err := url.Parse(r); err != nil || u.Scheme+"://"+u.Host != address {
			t.Errorf("the page asks %s", r)
		}
	}
}

// pointAndKeys reads values under the mouse and by arrow keys and changes how lines
// are drawn.
func pointAndKeys(t *testing.T, b *browser.Browser) {
	t.Helper()
	head := func(column int) string {
		return browser.Value[string](b, `document.querySelector('#chosen-values thead th:nth-child(`+strconv.Itoa(column)+`)').textContent`)
	}
	if h := head(3); !strings.HasSuffix(h, ", last") {
		t.Errorf("without a pointer the values are those of %q", h)
	}
	browser.Value[bool](b, `(document.getElementById('chosen-curves').scrollIntoView({block: 'center'}), true)`)
	where := browser.Value[[]float64](b, `(r => [r.left + r.width / 2, r.top + r.height / 2])(
		document.querySelector('#chosen-curves .u-over').getBoundingClientRect())`)
	b.Point(where[0], where[1])
	b.Wait("values at the middle of the axis", `(m => m && m[1] > 900 && m[1] < 1100)(
		document.querySelector('#chosen-values thead th:nth-child(3)').textContent.match(/near step (\d+)/))`)
	// What it says of the first setting is the mean of its two seeds and their range there.
	step := browser.Value[int](b, `+document.querySelector('#chosen-values thead th:nth-child(3)').textContent.match(/near step (\d+)/)[1]`)
	text := browser.Value[string](b, `(r => r.cells[0].textContent.match(/depth=(\d)/)[1] + ' ' + r.cells[2].textContent)(
		document.querySelector('#chosen-values tbody tr'))`)
	words := strings.Fields(strings.NewReplacer("(", "", ")", "", "to", "").Replace(text))
	if len(words) != 4 {
		t.Fatalf("the values of the first setting are %q", text)
	}
	setting, _ := strconv.Atoi(words[0])
	logged := (step + everySteps/2) / everySteps * everySteps
	for i, want := range []float64{(lossAt(setting, 1, logged) + lossAt(setting, 2, logged)) / 2,
		min(lossAt(setting, 1, logged), lossAt(setting, 2, logged)), max(lossAt(setting, 1, logged), lossAt(setting, 2, logged))} {
		if got, err := strconv.ParseFloat(words[i+1], 64); err != nil || got < want*0.999 || got > want*1.001 {
			t.Errorf("%q near step %d: %g, want %g", text, step, got, want)
		}
	}
	b.Point(5, 5)
	b.Wait("the last values again", `/, last$/.test(document.querySelector('#chosen-values thead th:nth-child(3)').textContent)`)
	browser.Value[bool](b, `(document.getElementById('chosen-stops').focus(), true)`)
	b.Press(kb.Home)
	b.Wait("the first stop", `/near step 250$/.test(document.querySelector('#chosen-values thead th:nth-child(4)').textContent)`)
	b.Press(kb.ArrowRight)
	b.Wait("the second stop", `/near step 500$/.test(document.querySelector('#chosen-values thead th:nth-child(4)').textContent)`)
	b.Press(kb.Escape)

	ink := `document.querySelector('#chosen-curves canvas').toDataURL()`
	before := browser.Value[string](b, ink)
	if len(before) < 10000 {
		t.Errorf("the picture has only %d bytes", len(before))
	}
	for control, title := range map[string]string{"chosen-smooth": "smoothed", "chosen-logy": "log scale",
		"chosen-seeds": "mean and range of seeds",
		"chosen-logx":  "over steps"} {
		browser.Value[bool](b, `(e => { if (e.type === 'checkbox') e.checked = true; else e.value = e.type === 'range' ? 80 : 'mean';
			e.dispatchEvent(new Event('input', {bubbles: true})); return true })(document.getElementById('`+control+`'))`)
		b.Wait(title, `document.getElementById('chosen-curves-title').textContent.includes('`+title+`')`)
		b.Wait("another picture", ink+` !== `+strconv.Quote(before))
		before = browser.Value[string](b, ink)
	}
	browser.Value[bool](b, `(['chosen-logx', 'chosen-logy'].map(id => document.getElementById(id).click()), true)`)
}

// looks sees the page on a desk and on a phone, in light and dark.
func looks(t *testing.T, b *browser.Browser) {
	t.Helper()
	b.Accessible()
	for _, size := range []struct{ width, height int64 }{{1400, 1800}, {390, 2600}, {320, 2600}} {
		grounds := map[string]uint32{}
		for _, scheme := range []string{"light", "dark"} {
			b.Look(size.width, size.height, 1, scheme)
			browser.Value[bool](b, `(document.getElementById('chosen').scrollIntoView(), true)`)
			b.Wait("pictures as wide as the page", `[...document.querySelectorAll('.plot')].every(p =>
				Math.abs(p.querySelector('.uplot').getBoundingClientRect().width - p.clientWidth) < 2)`)
			b.Sideways(size.width)
			png := b.Picture()
			grounds[scheme] = browser.Ground(t, png)
			leave(t, "chosen-"+scheme+"-"+strconv.FormatInt(size.width, 10), png)
			browser.Value[bool](b, `(document.getElementById('cells').scrollIntoView(), true)`)
			leave(t, "cells-"+scheme+"-"+strconv.FormatInt(size.width, 10), b.Picture())
		}
		if grounds["light"] < 200 || grounds["dark"] > 60 {
			t.Errorf("%d pixels wide: the ground is %d in light and %d in dark", size.width, grounds["light"], grounds["dark"])
		}
	}
	b.Look(1400, 1000, 1, "light")
}

// leave writes a picture for somebody to look at, if asked to.
func leave(t *testing.T, name string, png []byte) {
	t.Helper()
	if *pictures == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// pointsInBrowser sorts and filters a table of points, which stays so when the server
// sends other numbers.
func pointsInBrowser(t *testing.T, b *browser.Browser) {
	t.Helper()
	is := func(what, script string) {
		t.Helper()
		if !browser.Value[bool](b, script) {
			t.Errorf("the page lacks %s: %s", what, script)
		}
	}
	do := func(script string) { t.Helper(); browser.Value[bool](b, "("+script+", true)") }
	const table = `document.querySelector('[aria-label="Numbers of patches"] table')`
	const shown = `[...` + table + `.tBodies[0].rows].filter(r => !r.hidden)`
	values := func(column string) string {
		return `(v => v.length === 60 && v.every((x, i) => i === 0 || (` + column + `)))(
			` + shown + `.map(r => parseFloat(r.cells[2].textContent)))`
	}
	head := table + `.tHead.rows[0].cells[2]`
	is("sixty points", shown+`.length === 60`)
	do(head + `.querySelector('button').click()`)
	is("points from the least score", values(`v[i-1] <= x`)+` && `+head+`.getAttribute('aria-sort') === 'ascending'`)
	is("the focus on the heading", `document.activeElement === `+head+`.querySelector('button')`)
	b.Press(kb.Enter)
	is("points from the greatest score", values(`v[i-1] >= x`)+` && `+head+`.getAttribute('aria-sort') === 'descending'`)
	do(`document.querySelector('#points-patches').value = 'patch=2 width=8'`)
	do(`document.querySelector('#points-patches').dispatchEvent(new Event('input', {bubbles: true}))`)
	is("one of sixty", shown+`.length === 1 && document.querySelector('.filter.points .found') !== null &&
		/1 of 60 points/.test(document.querySelector('#points-patches').parentElement.textContent)`)
	// The same part once more from the server, in the order of the plan.
	do(`fetch('/').then(r => r.text()).then(t => { const d = new DOMParser().parseFromString(t, 'text/html');
		const fresh = d.getElementById('numbers'), old = document.getElementById('numbers');
		old.replaceChildren(...fresh.childNodes);
		document.dispatchEvent(new CustomEvent('updated', {detail: 'numbers'})); window.replaced = true; })`)
	b.Wait("the part again", `window.replaced === true`)
	is("the order that was asked for", `(v => v.length === 60 && v.every((x, i) => i === 0 || v[i-1] >= x))(
		[...`+table+`.tBodies[0].rows].map(r => parseFloat(r.cells[2].textContent)))`)
	do(`document.querySelector('#points-patches').value = 'nowhere'`)
	do(`document.querySelector('#points-patches').dispatchEvent(new Event('input', {bubbles: true}))`)
	is("no row", shown+`.length === 0`)
	do(`document.querySelector('#points-patches').value = ''`)
	do(`document.querySelector('#points-patches').dispatchEvent(new Event('input', {bubbles: true}))`)
	is("all rows", shown+`.length === 60`)
}

// TestTenThousandCellsInBrowser opens the page of 10,000 cells: until the first table,
// until it is sorted by a metric of all of them and filtered, and how long a frame of
// scrolling takes.
func TestTenThousandCellsInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a database of 10,000 cells and starts a browser: some seconds")
	}
	b := browser.Open(t)
	db := resultstest.Large(t, 1, 10_000)
	s := New(Source{Places: engine.Places{DB: db, Artifacts: filepath.Join(t.TempDir(), "artifacts")}, Figures: t.TempDir()}, Hosts{})
	server := httptest.NewServer(s)
	defer server.CloseClientConnections()
	timed := func(what string, most time.Duration, do func()) {
		t.Helper()
		begin := time.Now()
		do()
		took := time.Since(begin)
		t.Logf("%s: %v", what, took.Round(time.Millisecond))
		if took > most {
			t.Errorf("%s took %v, more than %v", what, took, most)
		}
	}
	for _, size := range []struct{ width, height int64 }{{1400, 1000}, {390, 844}} {
		b.Look(size.width, size.height, 1, "light")
		timed(fmt.Sprintf("first table, %d pixels", size.width), 20*time.Second, func() {
			b.Go(server.URL)
			b.Wait("the first cells", `/1 to 100 of 10,?000/.test(document.getElementById('cells').innerText)`)
		})
		timed("sorted by fid_proxy", 10*time.Second, func() {
			browser.Value[bool](b, `(document.querySelector('#cells thead a[href*="sort=fid_proxy"]').click(), true)`)
			b.Wait("cells by their score", `document.querySelector('#cells th[aria-sort=ascending]') !== null`)
		})
		timed("filtered", 10*time.Second, func() {
			browser.Value[bool](b, `(document.getElementById('filter').value = 'patch=4,seed=1',
				document.querySelector('form[data-ask]').requestSubmit(), true)`)
			b.Wait("fewer cells", `!/of 10,?000/.test(document.getElementById('cells').innerText) &&
				document.querySelectorAll('#cells tbody tr').length > 0`)
		})
		browser.Value[bool](b, `(window.frames60 = null, (async () => {
			let worst = 0, last = performance.now();
			for (let i = 0; i < 60; i++) {
				scrollTo(0, i * document.documentElement.scrollHeight / 60);
				await new Promise(requestAnimationFrame);
				worst = Math.max(worst, performance.now() - last);
				last = performance.now();
			}
			window.frames60 = worst;
		})(), true)`)
		b.Wait("sixty frames of scrolling", `window.frames60 !== null`)
		worst := browser.Value[float64](b, `window.frames60`)
		t.Logf("the slowest of sixty frames of scrolling: %.0f ms", worst)
		if worst > 2000 {
			t.Errorf("a frame of scrolling takes %.0f ms", worst)
		}
		b.Sideways(size.width)
	}
	b.Quiet()
}
