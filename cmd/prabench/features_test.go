package main

import (
	"os"
	"strings"
	"testing"

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
}
