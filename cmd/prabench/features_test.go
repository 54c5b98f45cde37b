package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/harness/outside"
	"prabench/metrics/embed/onnx"
)

// A network in a file gives the features of an experiment; another way to prepare images
// is another extractor; what cannot be used is refused before anything is trained.
func TestNetworkAsExtractor(t *testing.T) {
	if onnx.RuntimePath() == "" {
		t.Skip("ONNX Runtime is not on this machine: " + onnx.Get)
	}
	network, err := os.ReadFile("../../metrics/embed/onnx/testdata/tiny.onnx")
	if err != nil {
		t.Fatal(err)
	}
	here(t)
	write(t, "net.onnx", string(network))
	set := " --no-figures --set measure.rounds=0 --set train.rollout_depth=1 --set metrics.embedder=onnx:net.onnx"
	_, errs, code := prabench("plan tiny.toml --set metrics.embedder=onnx:net.onnx")
	if code == exitOK || !strings.Contains(errs, "net.onnx.toml") {
		t.Errorf("without the file beside it: exit code %d, %s", code, errs)
	}
	write(t, "net.onnx.toml", "size = 12\nname = \"six\"\n")
	out, errs, code := prabench("run tiny.toml" + set)
	if code != exitOK {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	value := func() string {
		return must(t, "results tiny.toml --metric fid_proxy --format csv"+strings.Replace(set, " --no-figures", "", 1))
	}
	first := value()
	if !strings.Contains(first, "onnx:six") {
		t.Errorf("the protocol does not name the extractor:\n%s", first)
	}
	if _, errs, _ := prabench("run tiny.toml" + set); strings.Contains(errs, "score") {
		t.Errorf("the same again is done again:\n%s", errs)
	}
	write(t, "net.onnx.toml", "size = 12\nname = \"six\"\nresize = \"tensorflow1\"\n")
	_, errs, code = prabench("run tiny.toml" + set)
	if code != exitOK || !strings.Contains(errs, "score") || strings.Contains(errs, "] train ") {
		t.Errorf("another way to prepare images: exit code %d\n%s", code, errs)
	}
	if second := value(); second == first {
		t.Error("another way to prepare images gave the same value")
	}
	// The distance gets the name that the file gives it, beside its own.
	write(t, "net.onnx.toml", "size = 12\nname = \"six\"\nmetric = \"fd_clip\"\n")
	must(t, "run tiny.toml"+set)
	named := must(t, "results tiny.toml --format csv"+strings.Replace(set, " --no-figures", "", 1))
	of := map[string]string{}
	rows, err := csv.NewReader(strings.NewReader(named)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		of[r[slices.Index(rows[0], "metric")]] = r[slices.Index(rows[0], "value")] + " " + r[slices.Index(rows[0], "hi")]
	}
	for _, m := range []string{"", "_floor"} {
		if v := of["fd_clip"+m]; v == "" || v != of["fid_proxy"+m] {
			t.Errorf("fd_clip%s is %q, fid_proxy%[1]s %q", m, v, of["fid_proxy"+m])
		}
	}
	attempts, err := filepath.Glob(".prabench/score/*/attempt.json")
	if err != nil || len(attempts) != 3 {
		t.Fatal(attempts, err)
	}
	for _, a := range attempts {
		if raw, err := os.ReadFile(a); err != nil || !strings.Contains(string(raw), `"features":"ONNX Runtime `) &&
			!strings.Contains(string(raw), `"features": "ONNX Runtime `) {
			t.Errorf("%s does not say what the network ran on (%v)", a, err)
		}
	}
	write(t, "few.npy", string(append(outside.Header("|u1", 40, 8, 8, 3), make([]byte, 40*8*8*3)...)))
	const by = " --experiment tiny.toml --set metrics.embedder=onnx:net.onnx"
	if out := must(t, "score few.npy --write-stats six.npz"+by); !strings.Contains(out, "of 6 features") {
		t.Error(out)
	}
	if out := must(t, "score few.npy --stats six.npz"+by); !strings.Contains(out, "\nfd_clip ") {
		t.Error(out)
	}
}
