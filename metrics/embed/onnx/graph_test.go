package onnx

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func copied(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, name), raw)
	}
	return dir
}

func put(t *testing.T, path string, raw []byte) string {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func available(t *testing.T) {
	t.Helper()
	if RuntimePath() == "" {
		t.Skip("ONNX Runtime is not on this machine: " + Get)
	}
}

// weightsOf is tiny.onnx and a file that has its weights between others, as a file of
// PyTorch has.
func weightsOf(t *testing.T, dir string, spoil func([]byte) []byte) (path, file, sum string, g graph) {
	t.Helper()
	path = filepath.Join(dir, "tiny.onnx")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if g, err = readGraph(raw); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(g.tensors, func(t tensor) bool { return t.float })
	if len(g.tensors) != 1 || at < 0 || len(g.tensors[at].raw) != 6*3*3*3*4 {
		t.Fatalf("%d tensors", len(g.tensors))
	}
	file = put(t, filepath.Join(dir, "weights.pth"), spoil(append(append([]byte("PK header"), g.tensors[at].raw...), "the end of it"...)))
	if sum, err = hashFile(file); err != nil {
		t.Fatal(err)
	}
	return path, file, sum, g
}

// A network is called FID's only with a weights file that is known and of which it has
// every byte.
func TestFIDIsProven(t *testing.T) {
	same := func(b []byte) []byte { return b }
	for _, c := range []struct {
		name  string
		spoil func([]byte) []byte
		known bool
		want  string
	}{
		{"its weights", same, true, ""},
		{"an unknown file", same, false, "none of the known weights of Inception-v3 for FID"},
		{"another weight", func(b []byte) []byte { b[300] ^= 1; return b }, true, "1 of 1 weights of"},
		{"the first bytes alone", func(b []byte) []byte { return b[:40] }, true, "1 of 1 weights of"},
		{"a part of a larger network", func(b []byte) []byte { return append(b, make([]byte, 1000)...) }, true, "is a part of that network"},
	} {
		path, file, sum, g := weightsOf(t, copied(t, "tiny.onnx"), c.spoil)
		known := map[string]string{"0": "another.pth"}
		if c.known {
			known[sum] = "weights.pth"
		}
		err := g.proven(path, file, known)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	path, _, _, g := weightsOf(t, copied(t, "tiny.onnx"), same)
	if err := g.proven(path, path+".none", nil); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Error(err)
	}
}

func TestNotIn(t *testing.T) {
	whole := []byte("aaaaaaaaaaabaaaaaaaacdefghijklmn")
	for piece, missing := range map[string]int{
		"aaaaaaaab": 0, "aaaaaaaac": 0, "aaaaaaaaaaaa": 1, "ghijklmn": 0, "ghijklmno": 1, "zzzzzzzz": 1,
	} {
		if got := notIn(whole, [][]byte{[]byte(piece), []byte("aaaaaaaa")}); got != missing {
			t.Errorf("%s: %d missing", piece, got)
		}
	}
}

// What the file beside a network calls its distance is a part of the identity; a file
// without it keeps its own.
func TestNamesOfDistances(t *testing.T) {
	available(t)
	dir := copied(t, "tiny.onnx")
	path, _, sum, _ := weightsOf(t, dir, func(b []byte) []byte { return b })
	hashes := map[string]string{}
	for _, c := range []struct{ spec, metric, want string }{
		{"", "", ""},
		{`metric = "fd_dinov2"`, "fd_dinov2", ""},
		{`metric = "fd_clip"`, "fd_clip", ""},
		{`metric = "fid_inception"`, "", "allowed: fid, fd_dinov2, fd_clip"},
		{`metric = "fid"`, "", "needs weights"},
		{`weights = "weights.pth"`, "", "goes with metric = \"fid\" alone"},
		{"metric = \"fid\"\nweights = \"weights.pth\"", "", "none of the known weights"},
	} {
		put(t, path+".toml", []byte("size = 12\n"+c.spec+"\n"))
		e, err := Open(path)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.spec, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Fatal(c.spec, err)
		}
		if e.Metric() != c.metric || e.Provider() != "cpu" && e.Provider() != "cuda" {
			t.Errorf("%s: %q on %q", c.spec, e.Metric(), e.Provider())
		}
		if other := hashes[e.Hash()]; other != "" {
			t.Errorf("%s has the identity of %s", c.spec, other)
		}
		hashes[e.Hash()] = c.spec + " "
	}
	inception[sum] = "weights.pth"
	defer delete(inception, sum)
	e, err := Open(path)
	if err != nil || e.Metric() != "fid" {
		t.Fatal(err)
	}
	// The identity of older files holds: that of network and preprocessing.
	put(t, path+".toml", []byte("size = 12\n"))
	if e, err = Open(path); err != nil || e.Hash() != "e9363d8c379b8a7f8278fa02ed34dc9ffeef1a5e9e42c0d1efadc1b35b7c1b1a" {
		t.Errorf("%s (%v)", e.Hash(), err)
	}
}

// Weights in a file beside the network are a part of the identity, also when they
// change under a process that has it open.
func TestWeightsBesideANetwork(t *testing.T) {
	available(t)
	dir := copied(t, "external.onnx", "external.bin")
	path := put(t, filepath.Join(dir, "external.onnx.toml"), []byte("size = 12\n"))[:len(dir)+len("/external.onnx")]
	before, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Open(path); err != nil || again != before {
		t.Error("the same network is read twice", err)
	}
	images := bytes.Repeat([]byte{9, 200, 31, 77}, 12*12*3/4)
	x, err := before.Embed(images, 1, 12, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	tiny := copied(t, "tiny.onnx")
	put(t, tiny+"/tiny.onnx.toml", []byte("size = 12\n"))
	inside, err := Open(tiny + "/tiny.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if y, err := inside.Embed(images, 1, 12, 3, 1); err != nil || !slices.Equal(x, y) || inside.Hash() == before.Hash() {
		t.Errorf("%v, with weights inside %v (%v)", x, y, err)
	}
	raw, err := os.ReadFile(dir + "/external.bin")
	if err != nil {
		t.Fatal(err)
	}
	raw[3] ^= 0x80 // the sign of a weight
	put(t, dir+"/external.bin", append(raw, 0))
	after, err := Open(path)
	if err != nil || after.Hash() == before.Hash() {
		t.Fatalf("other weights, the same identity (%v)", err)
	}
	if y, err := after.Embed(images, 1, 12, 3, 1); err != nil || slices.Equal(x, y) {
		t.Errorf("other weights, the same features (%v)", err)
	}
	if err := os.Remove(dir + "/external.bin"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "weights in a file beside it that cannot be read") {
		t.Error(err)
	}
	// A network that reaches outside its folder is refused.
	network, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, bytes.Replace(network, []byte("external.bin"), []byte("../ernal.bin"), 1))
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "which is not beside it") {
		t.Error(err)
	}
}

// Sizes that a file leaves open are those of the file beside it; what does not run so
// is refused when it is opened.
func TestOpenSizes(t *testing.T) {
	available(t)
	dir := copied(t, "dynamic.onnx", "loose.onnx", "double.onnx")
	spec := func(name, text string) string {
		put(t, dir+"/"+name+".toml", []byte(text))
		return dir + "/" + name
	}
	for _, size := range []string{"12", "31"} {
		e, err := Open(spec("dynamic.onnx", "size = "+size+"\n"))
		if err != nil || e.Dim() != 6 {
			t.Errorf("size %s: %v", size, err)
		}
	}
	if _, err := Open(spec("loose.onnx", "size = 12\n")); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{
		spec("loose.onnx", "size = 16\n"):  "a black image cannot be run",
		spec("double.onnx", "size = 12\n"): "export the network in float32",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// Spatial features are flattened place by place, the first channels of each.
func TestFlattened(t *testing.T) {
	available(t)
	dir := copied(t, "tiny.onnx")
	open := func(text string) (*Extractor, error) {
		put(t, dir+"/tiny.onnx.toml", []byte("size = 12\noutput = \"spatial\"\n"+text))
		return Open(dir + "/tiny.onnx")
	}
	images := make([]byte, 2*12*12*3)
	for i := range images {
		images[i] = byte(i * i >> 3)
	}
	embed := func(text string, dim int) []float32 {
		e, err := open(text)
		if err != nil {
			t.Fatal(text, err)
		}
		x, err := e.Embed(images, 2, 12, 3, 1)
		if err != nil || e.Dim() != dim || len(x) != 2*dim {
			t.Fatalf("%s: %d of %d features (%v)", text, len(x), e.Dim(), err)
		}
		return x
	}
	all, two, mean := embed("pool = \"flatten\"", 6*25), embed("pool = \"flatten\"\nchannels = 2", 2*25), embed("pool = \"mean\"", 6)
	for i := range 2 {
		for c := range 6 {
			var sum float64
			for p := range 25 {
				v := all[i*150+p*6+c]
				sum += float64(v) / 25
				if c < 2 && two[i*50+p*2+c] != v {
					t.Fatalf("image %d, place %d, channel %d: %g of two channels, %g of all", i, p, c, two[i*50+p*2+c], v)
				}
			}
			if d := sum - float64(mean[i*6+c]); d > 1e-5 || d < -1e-5 {
				t.Errorf("image %d, channel %d: %g, mean %g", i, c, sum, mean[i*6+c])
			}
		}
	}
	for text, want := range map[string]string{
		"pool = \"flatten\"\nchannels = 7":  "has 6 channels, channels = 7",
		"pool = \"mean\"\nchannels = 2":     "goes with pool = \"flatten\" alone",
		"pool = \"flatten\"\nchannels = -1": "goes with pool",
	} {
		if _, err := open(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestNewestLibrary(t *testing.T) {
	for want, of := range map[string][]string{
		"/b/libonnxruntime.so.1.10.0": {"/b/libonnxruntime.so.1.9.0", "/b/libonnxruntime.so.1.10.0", "/b/libonnxruntime.so"},
		"/a/libonnxruntime.so.2":      {"/a/libonnxruntime.so.1.32.1", "/a/libonnxruntime.so.2"},
		"/a/libonnxruntime.so":        {"/a/libonnxruntime.so"},
	} {
		if got := newest(of); got != want {
			t.Errorf("%s of %q", got, of)
		}
	}
}

// Without the library, and with one that is none, an extractor says what to do. The
// library is looked for once in a process, so this needs others.
func TestWithoutTheRuntime(t *testing.T) {
	if os.Getenv("PRABENCH_TEST_OPEN") != "" {
		_, err := Open(os.Getenv("PRABENCH_TEST_OPEN"))
		t.Fatal(err)
	}
	dir := copied(t, "tiny.onnx")
	put(t, dir+"/tiny.onnx.toml", []byte("size = 12\n"))
	none := put(t, dir+"/libonnxruntime.so", []byte("no library"))
	for _, library := range []string{dir + "/absent.so", none} {
		c := exec.Command(os.Args[0], "-test.run=^TestWithoutTheRuntime$", "-test.v")
		c.Env = append(os.Environ(), LibraryVariable+"="+library, "PRABENCH_TEST_OPEN="+dir+"/tiny.onnx")
		out, err := c.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "ONNX Runtime at "+library+" cannot be used") ||
			!strings.Contains(string(out), "pip install onnxruntime") {
			t.Errorf("%v: %s", err, out)
		}
	}
}

// A damaged graph is no reason to crash.
func FuzzGraph(f *testing.F) {
	for _, name := range []string{"tiny.onnx", "external.onnx"} {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if g, err := readGraph(raw); err == nil {
			g.files()
		}
	})
}
