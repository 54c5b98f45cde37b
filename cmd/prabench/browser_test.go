package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	_ "image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var regen = flag.Bool("regen", false, "run experiments/quick.toml and take docs/live.png anew (minutes)")

// browser is a page in headless Chromium and what it complained about and
// asked for.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string
	loads      int // of documents
}

// openBrowser starts Chromium, or skips the test where there is none.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("Chromium is missing, so the live page is not looked at in a browser; on Debian: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root otherwise
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return b
}

func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console %s", e.Type))
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, "exception "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
		if e.Type == network.ResourceTypeDocument {
			b.loads++
		}
	}
}

// do fails the test when a step does not end well in half a minute.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// look has the page of this size, in light or dark.
func (b *browser) look(width, height int64, scale float64, scheme string) {
	b.t.Helper()
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(scale)}
	if width < 500 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	b.do(chromedp.EmulateViewport(width, height, options...))
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		b.t.Fatal(err)
	}
}

func value[T any](b *browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// wait lets the page change by itself until it shows something.
func (b *browser) wait(what, script string) {
	b.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if value[bool](b, script) {
			return
		}
	}
	b.t.Fatalf("the page did not show %s in two minutes; it has\n%s", what, value[string](b, "document.body.innerText"))
}

// picture is what is seen, as PNG, with all images there.
func (b *browser) picture() []byte {
	b.t.Helper()
	b.wait("all images in sight", `[...document.images].every(i => { const r = i.getBoundingClientRect(); return r.top > innerHeight || r.bottom < 0 || (i.complete && i.naturalWidth > 0) })`)
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}

// ground is the colour of a corner of a picture, from 0 (black) to 255.
func ground(t *testing.T, png []byte) uint32 {
	t.Helper()
	im, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	r, g, bl, _ := im.At(2, im.Bounds().Max.Y/2).RGBA()
	return (r + g + bl) / 3 >> 8
}

// clean fails when the page complained, or asked anyone but its server.
func (b *browser) clean(server string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the page complains: %s", c)
	}
	for _, r := range b.requests {
		if u, err := url.Parse(r); err != nil || u.Scheme+"://"+u.Host+"/" != server {
			b.t.Errorf("the page asks %s", r)
		}
	}
	if len(b.requests) < 4 {
		b.t.Errorf("only %d requests were seen: %v", len(b.requests), b.requests)
	}
}

// TestLivePage opens the page before a run, follows the run to its end without
// loading the page again, and looks at it as on a desk and on a phone.
func TestLivePage(t *testing.T) {
	if testing.Short() {
		t.Skip("trains two small models and starts a browser: some seconds")
	}
	b := openBrowser(t)
	here(t)
	server, process := serving(t, "tiny.toml", "--set", "train.steps=5000")
	b.look(1280, 900, 1, "light")
	b.do(chromedp.Navigate(server))
	b.wait("the connection", `document.getElementById('connection').textContent === 'live'`)
	if text := value[string](b, `document.getElementById('cells').innerText`); !strings.Contains(text, "to do") {
		t.Errorf("before the run: %s", text)
	}
	value[bool](b, `(window.unmoved = document.querySelector('#cells h2')) !== null`)
	value[bool](b, `(document.querySelector('#cells nav a').focus(), true)`)

	run := exec.Command(os.Args[0], "run", "tiny.toml", "--set", "train.steps=5000")
	var said strings.Builder
	run.Stdout, run.Stderr = &said, &said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { run.Process.Signal(syscall.SIGTERM); run.Wait() }()
	b.wait("a training that runs, with its process and its loss", `(s => /process [0-9]+/.test(s) && /training [0-9]+\/5000/.test(s) && document.querySelector('#running polyline') !== null)(document.getElementById('running').innerText)`)
	b.wait("a running cell", `document.querySelector('#cells td.s-running') !== null`)
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	b.wait("the end", `/All 9 stages are done/.test(document.getElementById('progress').innerText)`)
	b.wait("figures", `document.querySelectorAll('#figures img').length === 3`)
	b.wait("numbers with intervals", `/fid_proxy[^]*±/.test(document.getElementById('numbers').innerText)`)
	b.wait("samples", `document.querySelectorAll('#samples img').length === 2`)
	if title := value[string](b, "document.title"); title != "100 % · tiny" {
		t.Errorf("title %q", title)
	}
	if !value[bool](b, `window.unmoved === document.querySelector('#cells h2') && document.activeElement === document.querySelector('#cells nav a')`) {
		t.Error("what did not change was replaced: the focus is gone")
	}
	b.mu.Lock()
	if b.loads != 1 {
		t.Errorf("the page was loaded %d times", b.loads)
	}
	b.mu.Unlock()

	for _, size := range []struct{ width, height int64 }{{1280, 3000}, {768, 3000}, {390, 4000}, {320, 4000}} {
		b.look(size.width, size.height, 1, "light")
		if w := value[int64](b, "document.documentElement.scrollWidth"); w > size.width {
			t.Errorf("%d pixels wide, the page is %d: it scrolls sideways because of %s", size.width, w, value[string](b,
				`[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')).map(e => e.tagName + '.' + e.getAttribute('class')).join(' ')`))
		}
		light := ground(t, b.picture())
		b.look(size.width, size.height, 1, "dark")
		if dark := ground(t, b.picture()); light < 200 || dark > 60 {
			t.Errorf("%d pixels wide: the ground is %d in light and %d in dark", size.width, light, dark)
		}
	}
	for what, script := range map[string]string{
		"a table without headers":                                 `[...document.querySelectorAll('table')].every(t => t.querySelector('thead th[scope=col]') && t.querySelector('tbody th[scope=row]'))`,
		"an image without a description":                          `[...document.images].every(i => i.alt)`,
		"a region that scrolls and cannot be reached by keyboard": `[...document.querySelectorAll('.scroll')].every(e => e.tabIndex === 0 && e.getAttribute('aria-label'))`,
		"no quiet region that tells of changes":                   `document.querySelector('[aria-live=polite]').textContent.includes('2 done')`,
		"two elements of one id":                                  `new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size === document.querySelectorAll('[id]').length`,
		"a text too pale to read": `[...document.querySelectorAll('main *')].every(e => {
			const lum = c => { const [r, g, b] = c.match(/[\d.]+/g).slice(0, 3).map(x => (x /= 255) <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
			if (![...e.childNodes].some(n => n.nodeType === 3 && n.nodeValue.trim()) || e.closest('svg') || !e.offsetParent) return true;
			let behind = e; while (behind && /rgba\(0, 0, 0, 0\)|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
			const a = lum(getComputedStyle(e).color), b = lum(getComputedStyle(behind || document.body).backgroundColor);
			return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) >= 4.5 })`,
	} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(1280, 3000, 1, scheme)
			if !value[bool](b, script) {
				t.Errorf("in %s the page has %s", scheme, what)
			}
		}
	}
	b.clean(server)

	// The server goes and comes back: the page says so, and goes on. Chromium
	// tells of the refused connections, which is no fault of the page.
	process.Process.Kill()
	b.wait("that the server is gone", `/lost/.test(document.getElementById('connection').textContent)`)
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	serving(t, "tiny.toml", "--set", "train.steps=5000", "--listen", at.Host)
	b.wait("that the server is back", `document.getElementById('connection').textContent === 'live'`)
	if b.loads != 1 {
		t.Errorf("the page was loaded %d times", b.loads)
	}
}

// TestLivePicture takes the picture of the README: quick.toml, done with one
// seed, while a second seed is being trained.
func TestLivePicture(t *testing.T) {
	if !*regen {
		t.Skip("takes docs/live.png anew with -regen: minutes")
	}
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	quick, err := filepath.Abs("../../experiments/quick.toml")
	if err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	t.Chdir(t.TempDir())
	raw, err := os.ReadFile(quick)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "experiments/quick.toml", string(raw))
	must(t, "run experiments/quick.toml")
	more := []string{"experiments/quick.toml", "--set", "repeats=2"}
	server, _ := serving(t, more...)
	run := exec.Command(os.Args[0], append([]string{"run"}, more...)...)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { run.Process.Signal(syscall.SIGTERM); run.Wait() }()
	b.look(1280, 1800, 1, "light")
	b.do(chromedp.Navigate(server))
	b.wait("two more trainings done and two well on their way",
		`(n => n && +n[1] >= 10)(document.querySelector('#progress .kinds').innerText.match(/train\s+(\d+)/)) && [...document.querySelectorAll('#running .c0, #running .c1')].length >= 4 && /training [4-8]\d\d/.test(document.getElementById('running').innerText)`)
	for _, shot := range []struct {
		name          string
		width, height int64
		scale         float64
		scheme        string
	}{
		{"live.png", 1280, 1560, 1, "light"}, {"live-dark.png", 1280, 1560, 1, "dark"}, {"live-phone.png", 390, 844, 2, "light"}, {"live-phone-dark.png", 390, 844, 2, "dark"},
	} {
		b.look(shot.width, shot.height, shot.scale, shot.scheme)
		into := docs
		if shot.name != "live.png" {
			into = filepath.Join(os.TempDir(), "prabench-live") // to look at
		}
		write(t, filepath.Join(into, shot.name), string(b.picture()))
		t.Log(filepath.Join(into, shot.name))
	}
	b.clean(server)
}
