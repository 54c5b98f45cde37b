// Package browser lets tests look at pages in headless Chromium.
//
// Its principle is that a page is tested as its reader meets it: what the page
// complains of, what it asks for and what it looks like are seen from outside,
// by Chromium's own protocol. Where there is no Chromium a test is skipped, and
// says so.
package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/png" // what screenshots are
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a page in headless Chromium and what it complained about and
// asked for.
type Browser struct {
	Patience time.Duration // of Wait

	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string
	loads      int // of documents
}

// Open starts Chromium, or skips the test where there is none.
func Open(t *testing.T) *Browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("Chromium is missing, so the page is not looked at in a browser; on Debian: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root otherwise
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	b := &Browser{Patience: 2 * time.Minute, t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return b
}

func (b *Browser) hear(event any) {
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

// Do fails the test when a step does not end well in half a minute.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// Go opens an address.
func (b *Browser) Go(address string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(address))
}

// Look gives the page a size, in light or dark.
func (b *Browser) Look(width, height int64, scale float64, scheme string) {
	b.t.Helper()
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(scale)}
	if width < 500 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	b.Do(chromedp.EmulateViewport(width, height, options...))
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		b.t.Fatal(err)
	}
}

// Value is what a script gives in the page.
func Value[T any](b *Browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// Wait lets the page change by itself until it shows something.
func (b *Browser) Wait(what, script string) {
	b.t.Helper()
	for end := time.Now().Add(b.Patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if Value[bool](b, script) {
			return
		}
	}
	b.t.Fatalf("the page did not show %s in %v; it has\n%s", what, b.Patience, Value[string](b, "document.body.innerText"))
}

// Picture is what is seen, as PNG, with all images there.
func (b *Browser) Picture() []byte {
	b.t.Helper()
	b.Wait("all images in sight",
		`[...document.images].every(i => { const r = i.getBoundingClientRect();
			return r.top > innerHeight || r.bottom < 0 || (i.complete && i.naturalWidth > 0) })`)
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}

// Print is the page on paper, as PDF.
func (b *Browser) Print() []byte {
	b.t.Helper()
	printed, err := chromedp.Call(b.ctx, page.PrintToPDF, page.PrintToPDFParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	return printed.Data
}

// Point moves the mouse to a place of the page as it is seen.
func (b *Browser) Point(x, y float64) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved,
		X: x, Y: y}); err != nil {
		b.t.Fatal(err)
	}
}

// Press types a key, such as kb.ArrowRight of chromedp.
func (b *Browser) Press(key string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(key))
}

// Ground is the colour of the left border of a picture, from 0 (black) to 255.
func Ground(t *testing.T, png []byte) uint32 {
	t.Helper()
	im, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	r, g, bl, _ := im.At(2, im.Bounds().Max.Y/2).RGBA()
	return (r + g + bl) / 3 >> 8
}

// Loads is how many documents were loaded.
func (b *Browser) Loads() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.loads
}

// Requests are the addresses that were asked for.
func (b *Browser) Requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.requests...)
}

// Quiet fails the test for everything that the page complained of.
func (b *Browser) Quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the page complains: %s", c)
	}
}

// Sideways fails the test when the page is wider than what is seen of it, and
// names what sticks out.
func (b *Browser) Sideways(width int64) {
	b.t.Helper()
	if w := Value[int64](b, "document.documentElement.scrollWidth"); w > width {
		b.t.Errorf("%d pixels wide, the page is %d: it scrolls sideways because of %s", width, w, Value[string](b,
			fmt.Sprintf(`[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > %d && !e.closest('.scroll'))
		.map(e => e.tagName + '.' + e.getAttribute('class')).join(' ')`, width+1)))
	}
}

// Accessible fails the test for what keeps a reader out: in light and in dark,
// on a desk.
func (b *Browser) Accessible() {
	b.t.Helper()
	for what, script := range accessible {
		for _, scheme := range []string{"light", "dark"} {
			b.Look(1280, 3000, 1, scheme)
			if said := Value[string](b, script); said != "" {
				b.t.Errorf("in %s the page has %s: %s", scheme, what, said)
			}
		}
	}
}

// accessible gives what must not be, and a script that says where it is.
var accessible = map[string]string{
	"a table without headers": `[...document.querySelectorAll('table')].filter(t =>
		!t.querySelector('thead th[scope=col]') || !t.querySelector('tbody th[scope=row]')).map(t => t.outerHTML.slice(0, 200)).join()`,
	"an image without a description": `[...document.images].filter(i => !i.alt).map(i => i.src.slice(0, 80)).join()`,
	"a region that scrolls and cannot be reached by keyboard": `[...document.querySelectorAll('.scroll')].filter(e =>
		e.tabIndex !== 0 || !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML.slice(0, 200)).join()`,
	"two elements of one id": `[...document.querySelectorAll('[id]')].map(e => e.id)
		.filter((id, i, all) => all.indexOf(id) !== i).join()`,
	"a text too pale to read": strings.TrimSpace(`[...document.querySelectorAll('main *')].filter(e => {
		const lum = c => { const [r, g, b] = c.match(/[\d.]+/g).slice(0, 3)
			.map(x => (x /= 255) <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.nodeValue.trim()) || e.closest('svg') || !e.offsetParent) return false;
		let behind = e;
		while (behind && /rgba\(0, 0, 0, 0\)|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
		const a = lum(getComputedStyle(e).color), b = lum(getComputedStyle(behind || document.body).backgroundColor);
		return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5 })
		.map(e => e.tagName + '.' + e.getAttribute('class') + ' ' + e.textContent.slice(0, 40)).join()`),
}
