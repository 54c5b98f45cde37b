package main

import (
	"errors"
	"flag"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/internal/browser"
)

// pictured says whether the pictures of the documentation are to be taken: they
// take minutes and change with the machine, so -update alone does not.
func pictured(t *testing.T) {
	t.Helper()
	if !*update || !strings.Contains(flag.Lookup("test.run").Value.String(), "Picture") {
		t.Skipf("runs experiments/quick.toml and takes a picture for docs, in minutes: -run %s -update", t.Name())
	}
}

// clean fails when the page complained, or asked anyone but its server.
func clean(t *testing.T, b *browser.Browser, server string) {
	t.Helper()
	b.Quiet()
	requests := b.Requests()
	for _, r := range requests {
		if u, err := url.Parse(r); err != nil || u.Scheme+"://"+u.Host+"/" != server {
			t.Errorf("the page asks %s", r)
		}
	}
	if len(requests) < 4 {
		t.Errorf("only %d requests were seen: %v", len(requests), requests)
	}
}

// TestLivePage opens the page before a run, follows the run to its end without
// loading the page again, and looks at it as on a desk and on a phone.
func TestLivePage(t *testing.T) {
	if testing.Short() {
		t.Skip("trains two small models and starts a browser: some seconds")
	}
	b := browser.Open(t)
	here(t)
	server, process := serving(t, "tiny.toml", "--set", "train.steps=15000")
	b.Look(1280, 900, 1, "light")
	b.Go(server)
	b.Wait("the connection", `document.getElementById('connection').textContent === 'live'`)
	if text := browser.Value[string](b, `document.getElementById('cells').innerText`); !strings.Contains(text, "to do") {
		t.Errorf("before the run: %s", text)
	}
	browser.Value[bool](b, `(window.unmoved = document.querySelector('#cells h2')) !== null`)
	browser.Value[bool](b, `(document.querySelector('#cells nav a').focus(), true)`)

	// What the page shows in passing is noted by the page: on a busy machine a
	// training may be over before anybody asks.
	browser.Value[bool](b, `(() => {
		window.seen = {};
		const look = () => {
			const s = document.getElementById('running').innerText;
			seen.training ||= /process [0-9]+/.test(s) && /training [0-9]+\/15000/.test(s) && document.querySelector('#running polyline') !== null;
			seen.cell ||= document.querySelector('#cells td.s-running') !== null;
		};
		new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
		return true;
	})()`)
	run := exec.Command(os.Args[0], "run", "tiny.toml", "--set", "train.steps=15000")
	var said strings.Builder
	run.Stdout, run.Stderr = &said, &said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { run.Process.Signal(syscall.SIGTERM); run.Wait() }()
	b.Wait("a training that runs, with its process and its loss", `seen.training === true`)
	b.Wait("a running cell", `seen.cell === true`)
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	b.Wait("the end", `/All 9 stages are done/.test(document.getElementById('progress').innerText)`)
	b.Wait("figures", `document.querySelectorAll('#figures img').length === 3`)
	b.Wait("numbers with intervals", `/fid_proxy[^]*±/.test(document.getElementById('numbers').innerText)`)
	b.Wait("samples", `document.querySelectorAll('#samples img').length === 2`)
	if title := browser.Value[string](b, "document.title"); title != "100 % · tiny" {
		t.Errorf("title %q", title)
	}
	if !browser.Value[bool](b,
		`window.unmoved === document.querySelector('#cells h2') && document.activeElement === document.querySelector('#cells nav a')`) {
		t.Error("what did not change was replaced: the focus is gone")
	}
	if n := b.Loads(); n != 1 {
		t.Errorf("the page was loaded %d times", n)
	}

	for _, size := range []struct{ width, height int64 }{{1280, 3000}, {768, 3000}, {390, 4000}, {320, 4000}} {
		b.Look(size.width, size.height, 1, "light")
		b.Sideways(size.width)
		light := browser.Ground(t, b.Picture())
		b.Look(size.width, size.height, 1, "dark")
		if dark := browser.Ground(t, b.Picture()); light < 200 || dark > 60 {
			t.Errorf("%d pixels wide: the ground is %d in light and %d in dark", size.width, light, dark)
		}
	}
	b.Accessible()
	if text := browser.Value[string](b, `document.querySelector('[aria-live=polite]').textContent`); !strings.Contains(text, "2 done") {
		t.Errorf("the quiet region that tells of changes says %q", text)
	}
	clean(t, b, server)

	// The server goes and comes back: the page says so, and goes on. Chromium
	// tells of the refused connections, which is no fault of the page.
	process.Process.Kill()
	b.Wait("that the server is gone", `/lost/.test(document.getElementById('connection').textContent)`)
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	serving(t, "tiny.toml", "--set", "train.steps=5000", "--listen", at.Host)
	b.Wait("that the server is back", `document.getElementById('connection').textContent === 'live'`)
	if n := b.Loads(); n != 1 {
		t.Errorf("the page was loaded %d times", n)
	}
}

// TestLivePicture takes the picture of the README: quick.toml with stops on the way,
// while it runs, with the cells chosen that are done, the best of them first.
func TestLivePicture(t *testing.T) {
	pictured(t)
	docs, err := filepath.Abs("../../docs/reference")
	if err != nil {
		t.Fatal(err)
	}
	quick, err := filepath.Abs("../../experiments/quick.toml")
	if err != nil {
		t.Fatal(err)
	}
	b := browser.Open(t)
	t.Chdir(t.TempDir())
	raw, err := os.ReadFile(quick)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "experiments/quick.toml", string(raw))
	if *from != "" { // what was done before it was stopped
		if err := errors.Join(os.RemoveAll("experiments"), os.CopyFS(".", os.DirFS(*from))); err != nil {
			t.Fatal(err)
		}
	}
	b.Patience = 30 * time.Minute // on a machine that others use
	more := []string{"experiments/quick.toml", "--set", "repeats=2", "--set", "train.evaluate=250", "--set", "measure.rounds=0"}
	server, _ := serving(t, more...)
	program := os.Args[0]
	if _, err := os.Stat(filepath.Join(*from, "prabench")); *from != "" && err == nil {
		program = filepath.Join(*from, "prabench") // of one revision with what it goes on with
	}
	run := exec.Command(program, append([]string{"run"}, more...)...)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { run.Process.Signal(syscall.SIGTERM); run.Wait() }()
	b.Look(1280, 1800, 1, "light")
	b.Go(server + "?sort=fid_proxy&filter=until%3D1000,done")
	b.Wait("three settings with two seeds that are done", `document.querySelectorAll('#cells input[data-pick]').length >= 6`)
	browser.Value[bool](b, `(document.getElementById('pick-all').click(), true)`)
	b.Wait("their curves, and a training that is on its way", `document.querySelectorAll('#chosen-values tbody tr').length >= 3 &&
		[...document.images].length > 0 && document.querySelector('#chosen-stops canvas') !== null &&
		document.querySelector('#running .c0') !== null && /training 1\d\d/.test(document.getElementById('running').innerText)`)
	for _, shot := range []struct {
		name          string
		width, height int64
		scale         float64
		scheme        string
	}{
		{"live.png", 1280, 1500, 1, "light"}, {"live-dark.png", 1280, 1500, 1, "dark"}, {"live-phone.png", 390, 844, 2, "light"},
		{"live-phone-dark.png", 390, 844, 2, "dark"},
	} {
		b.Look(shot.width, shot.height, shot.scale, shot.scheme)
		into := docs
		if strings.Contains(shot.name, "phone") {
			into = filepath.Join(os.TempDir(), "prabench-live") // to look at
		}
		write(t, filepath.Join(into, shot.name), string(b.Picture()))
		t.Log(filepath.Join(into, shot.name))
	}
	clean(t, b, server)
}
