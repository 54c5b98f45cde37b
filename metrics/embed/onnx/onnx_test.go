package onnx_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/metrics/embed/onnx"
)

// runtime skips where there is no ONNX Runtime.
func runtime(t *testing.T) {
	t.Helper()
	if onnx.RuntimePath() == "" {
		t.Skip("ONNX Runtime is not on this machine: " + onnx.Get)
	}
	if _, err := onnx.Version(); err != nil {
		t.Fatal(err)
	}
}

// pictures are those of testdata/make.py.
func pictures(n, size, channels int) []uint8 {
	var out []uint8
	for i := range n {
		for y := range size {
			for x := range size {
				for c := range channels {
					out = append(out, uint8((x*7+y*13+c*29+i*31+(x*y*(i+1))%17*5)%256))
				}
			}
		}
	}
	return out
}

// beside copies a network into a folder, with a file beside it.
func beside(t *testing.T, network, spec string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + network + ".onnx")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), network+".onnx")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if spec != "" {
		if err := os.WriteFile(path+".toml", []byte(spec), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

type expected struct {
	Network, Output, Resize, Order, Pool, Layout string
	Size, Channels                               int
	Mean, Std                                    []float64
	Features                                     [][]float64
}

func (e expected) spec() string {
	list := func(v []float64) string { return strings.ReplaceAll(fmt.Sprint(v), " ", ", ") }
	return fmt.Sprintf("size = 12\noutput = %q\nresize = %q\norder = %q\npool = %q\nlayout = %q\nmean = %s\nstd = %s\n",
		e.Output, e.Resize, e.Order,
		e.Pool, e.Layout, list(e.Mean), list(e.Std))
}

// Features are those of ONNX Runtime's Python on what Pillow and NumPy prepared, at any
// number of threads to the bit.
func TestFeaturesAreThoseOfPython(t *testing.T) {
	runtime(t)
	raw, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []expected
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	hashes := map[string]bool{}
	for _, c := range cases {
		e, err := onnx.Open(beside(t, c.Network, c.spec()))
		if err != nil {
			t.Fatal(err)
		}
		hashes[e.Hash()] = true
		n := len(c.Features)
		images := pictures(n, c.Size, c.Channels)
		x, err := e.Embed(images, n, c.Size, c.Channels, 1)
		if err != nil {
			t.Fatal(err)
		}
		if e.Dim() != len(c.Features[0]) || len(x) != n*e.Dim() {
			t.Fatalf("%+v: %d features, dimension %d", c, len(x), e.Dim())
		}
		for i, row := range c.Features {
			for k, want := range row {
				if got := float64(x[i*e.Dim()+k]); math.Abs(got-want) > 1e-5*math.Max(1, math.Abs(want)) {
					t.Errorf("%s, %s, image %d, feature %d: %g, want %g", c.Network, c.Resize, i, k, got, want)
				}
			}
		}
		many := slices.Repeat(images, 9)
		one, err1 := e.Embed(many, 9*n, c.Size, c.Channels, 1)
		three, err3 := e.Embed(many, 9*n, c.Size, c.Channels, 3)
		if err1 != nil || err3 != nil || !slices.Equal(one, three) {
			t.Errorf("%s: the number of threads changes features (%v, %v)", c.Network, err1, err3)
		}
	}
	if len(hashes) != len(cases)-1 { // two differ in the images alone
		t.Errorf("%d cases have %d identities", len(cases), len(hashes))
	}
}

// What cannot be used is refused with what to do.
func TestWhatIsNoExtractor(t *testing.T) {
	runtime(t)
	good := "size = 12\n"
	damaged := beside(t, "tiny", good)
	if err := os.WriteFile(damaged, []byte("no network"), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"testdata/none.onnx":                                                 "cannot be read: no such file",
		beside(t, "tiny", ""):                                                "which has to say what the network wants to be given",
		beside(t, "tiny", "size = 12\nmeen = [1]"):                           `unknown key "meen"`,
		beside(t, "tiny", "size = 12\nmean = [1, 2]"):                        "mean has 2 values; the network has 3 channels",
		beside(t, "tiny", "size = 12\nresize = \"lanczos\""):                 "allowed: bicubic, bilinear, tensorflow1, none",
		beside(t, "tiny", "size = \"x\""):                                    "size",
		beside(t, "tiny", "layout = \"nchw\""):                               "size = 0 is no side of an image",
		beside(t, "tiny", "size = 12\nmean = [nan]"):                         "is no number",
		beside(t, "tiny", "size = 12\nscale = inf"):                          "is no number",
		beside(t, "tiny", "size = 12\nstd = [0]"):                            "nothing can be divided by",
		beside(t, "tiny", "size = 24\n"):                                     "has the shape",
		beside(t, "tiny", "size = 12\nlayout = \"nhwc\""):                    "has the shape",
		beside(t, "tiny", "size = 12\norder = \"grey\""):                     "has the shape",
		beside(t, "tiny", "size = 12\noutput = \"feature\""):                 "there are: pooled, spatial",
		beside(t, "tiny", "size = 12\ninput = \"x\""):                        "there are: pixels",
		beside(t, "tiny", "size = 12\noutput = \"spatial\""):                 `write pool = "mean"`,
		beside(t, "two", good):                                               "images are four dimensions",
		beside(t, "fixed", "size = 12\norder = \"grey\"\nlayout = \"nchw\""): "has the shape",
		damaged: "is no network that ONNX Runtime",
	} {
		if _, err := onnx.Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	e, err := onnx.Open(beside(t, "tiny", good+"resize = \"none\""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Embed(pictures(1, 20, 3), 1, 20, 3, 1); err == nil || !strings.Contains(err.Error(), `resize = "none"`) {
		t.Error(err)
	}
	if _, err := e.Embed(pictures(1, 12, 4), 1, 12, 4, 1); err == nil || !strings.Contains(err.Error(), "4 channels") {
		t.Error(err)
	}
}
