package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// serving starts `prabench serve` at a free port, as a process of its own, and
// gives its address and what ends it.
func serving(t *testing.T, args ...string) (url string, process *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"serve", "--listen", "127.0.0.1:0", "--json"}, args...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var said struct{ URL string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&said); err != nil {
		t.Fatalf("serve: %v\n%s", err, errs.String())
	}
	return said.URL, cmd
}

// An address that others can reach is refused; one of this machine is not, and
// Ctrl-C ends the view, also with a page open.
func TestServe(t *testing.T) {
	here(t)
	for args, says := range map[string]string{
		"serve --listen 0.0.0.0:0":            "--allow-network",
		"serve --listen :8642":                "--allow-network",
		"serve --listen nonsense":             "host:port",
		"serve nofile.toml":                   "nofile.toml",
		"serve tiny.toml --set model.pach=4":  "model.patch",
		"serve --listen 127.0.0.1:0 --nonse":  "unknown flag",
		"serve --listen 203.0.113.7:0 --json": "--allow-network",
	} {
		if _, errs, code := prabench(args); code != exitUsage || !strings.Contains(errs, says) {
			t.Errorf("prabench %s: exit code %d, %s", args, code, errs)
		}
	}
	url, process := serving(t, "tiny.toml")
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	for _, want := range []string{"<h1>tiny</h1>", "two rollout depths on drawn shapes", "0 of 9 stages done", "2 to do", "rollout_depth=1"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("before the run the page does not have %q:\n%s", want, page)
		}
	}
	open, err := http.Get(url + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Body.Close()
	process.Process.Signal(syscall.SIGINT)
	if err := process.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if _, err := os.Stat("results.db"); err == nil {
		t.Error("looking has made a database")
	}
}

// The experiment file may change while it is shown: a mistake in it is shown,
// with the experiment as it was before, until it is mended.
func TestServeFollowsTheFile(t *testing.T) {
	here(t)
	tiny, _ := os.ReadFile("tiny.toml")
	url, _ := serving(t, "tiny.toml")
	shows := func(want ...string) {
		t.Helper()
		var page string
		waitFor(t, "a page with "+strings.Join(want, ", "), func() bool {
			answer, err := http.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			raw, _ := io.ReadAll(answer.Body)
			page = string(raw)
			for _, w := range want {
				if !strings.Contains(page, w) {
					return false
				}
			}
			return true
		})
	}
	shows("0 of 9 stages done")
	write(t, "tiny.toml", strings.Replace(string(tiny), "patch = 4", "pach = 4", 1))
	shows("the experiment files cannot be used", "tiny.toml:11:1", "Shown are the experiments as they were before", "0 of 9 stages done")
	write(t, "tiny.toml", strings.Replace(string(tiny), `"train.rollout_depth" = [0, 1]`, `"train.rollout_depth" = [0, 1, 2]`, 1))
	shows("0 of 13 stages done", "3 to do")
}
