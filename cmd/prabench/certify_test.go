package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"prabench/metrics/certificate"
)

// fewImages are drawn images, enough for a certificate of 97 or more and no more.
const fewImages = " --set data.size=8 --set data.limit=1500 --images 120"

func certified(t *testing.T, out string) (c certificate.Certificate) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return c
}

// A certificate is measured, kept and found again; a measurement that is killed goes on
// and comes to the same as one that was not.
func TestCertify(t *testing.T) {
	if testing.Short() {
		t.Skip("measures two certificates")
	}
	t.Chdir(t.TempDir())
	out, errs, code := prabench("embedder certify ternary --data shapes --json" + fewImages)
	if code != exitFailed { // too few images for all criteria
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	whole := certified(t, out)
	if whole.Extractor != "ternary" || whole.Images != 120 || len(whole.Untested) == 0 || whole.Channels != 3 {
		t.Errorf("%+v", whole)
	}
	kept, _ := filepath.Glob(".prabench/certificate/*/certificate.*")
	left, _ := filepath.Glob(".prabench/tmp/*")
	if len(kept) != 3 || len(left) != 0 {
		t.Errorf("kept %q, left behind %q", kept, left)
	}
	page, errs, code := prabench("embedder certify ternary --data shapes" + fewImages)
	if code != exitFailed || !strings.Contains(page, "# ternary on shapes: fid_proxy not certified") || strings.Contains(errs, " of 56") {
		t.Errorf("again: exit code %d\n%s%s", code, page, errs)
	}
	raw, err := os.ReadFile(strings.TrimSuffix(kept[0], ".json") + ".md")
	if err != nil || string(raw) != page {
		t.Errorf("the page that is kept is another one, %v", err)
	}

	const there = "embedder certify ternary --data shapes --json --artifacts killed" + fewImages
	cmd := exec.Command(os.Args[0], strings.Fields(there)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var unfinished []string
	waitFor(t, "progress", func() bool {
		unfinished, _ = filepath.Glob("killed/tmp/certificate-*.json")
		return len(unfinished) == 1
	})
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if kept, _ := filepath.Glob("killed/certificate/*"); len(kept) > 0 {
		t.Fatal("it was done before it was killed")
	}
	out, _, _ = prabench(there)
	sameCertificate(t, "killed", whole, certified(t, out))
	if left, _ := filepath.Glob("killed/tmp/*.json"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func sameCertificate(t *testing.T, what string, want, got certificate.Certificate) {
	t.Helper()
	want.Made, got.Made = "", ""
	a, err1 := json.Marshal(want)
	b, err2 := json.Marshal(got)
	if err1 != nil || err2 != nil || string(a) != string(b) {
		t.Errorf("%s: another certificate, %v, %v\n%s\n%s", what, err1, err2, a, b)
	}
}

// What cannot be certified is refused before anything is read, with what to do.
func TestWhatCertifyRefuses(t *testing.T) {
	here(t)
	for args, want := range map[string]string{
		"embedder certify ternary":                                             "--data SET or --experiment FILE",
		"embedder certify ternary --data shapes --experiment tiny.toml":        "not both",
		"embedder certify ternary --data shapes --agree classifier":            "--experiment FILE",
		"embedder certify classifier/mnist --data shapes":                      "is the classifier of mnist",
		"embedder certify tenary --data shapes":                                "tenary",
		"embedder certify ternary --data shaps":                                "shaps",
		"embedder certify ternary --data shapes --images -1":                   "--images -1",
		"embedder certify ternary --data shapes --images 50 --set data.size=8": "96 features",
		"embedder certify ternary --data imagenet":                             "by --set data.root=FOLDER",
		"embedder certify ternary --data images --set data.size=8":             "by --set data.root=FOLDER",
		"embedder certify onnx:none.onnx --data shapes":                        "none.onnx",
		"embedder certify ternary --experiment none.toml":                      "none.toml",
		"embedder certify": "usage",
	} {
		if out, errs, code := prabench(args); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s%s", args, code, exitUsage, want, out, errs)
		}
	}
}

// Numbers of an extractor that is not certified say so under tables, figures and in the
// report, whatever was found; two extractors are compared over the trained cells.
func TestNumbersSayWhatIsUncertified(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	here(t)
	const set = " --set data.limit=1500 --set sample.count=100"
	says := func(want string) {
		t.Helper()
		if out := must(t, "results tiny.toml"+set); strings.Count(out, "features: ") != 1 || !strings.Contains(out, want) {
			t.Errorf("the table does not say %q:\n%s", want, out)
		}
		must(t, "report tiny.toml"+set)
		must(t, "plot tiny.toml --format md"+set)
		for _, file := range []string{"report.html", "figures/tiny/cells.md"} {
			if raw, err := os.ReadFile(file); err != nil || !strings.Contains(string(raw), want) {
				t.Errorf("%s does not say %q, %v", file, want, err)
			}
		}
	}
	out := must(t, "run tiny.toml --no-figures"+set)
	says("ternary on shapes: uncertified, ")
	if !strings.Contains(out, "random filters that barely see shapes") {
		t.Errorf("the end of a run does not say it:\n%s", out)
	}
	page, errs, code := prabench("embedder certify ternary --experiment tiny.toml --images 120 --agree auto" + set)
	if code != exitFailed || !strings.Contains(page, "| ternary | tiny | 2 | 1 |") { // auto is ternary here: the same order
		t.Fatalf("exit code %d\n%s%s", code, page, errs)
	}
	says("criteria fail")
	if _, errs, code := prabench("embedder certify ternary --experiment tiny.toml --images 120 --agree auto --set train.steps=21" +
		set); code != exitUsage || !strings.Contains(errs, "prabench run tiny.toml") {
		t.Errorf("of cells that were not run: exit code %d, %s", code, errs)
	}
	if again := must(t, "results tiny.toml --format csv"+set); strings.Contains(again, "uncertified") {
		t.Error("tables for programs have another form")
	}
}
