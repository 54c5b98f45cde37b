//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"prabench/models/device"
)

func closed(t *testing.T, b *Backend) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// alone runs this test by itself in a process with other variables; the answer
// is whether this is that process.
func alone(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv("PRABENCH_TEST_ALONE") == t.Name() {
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run", "^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.count=1", "-test.v")
	cmd.Env = append(append(os.Environ(), "PRABENCH_TEST_ALONE="+t.Name()), env...)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("with %v: %v\n%s", env, err, out)
	}
	return false
}

// onStandIn skips a test that plants its fault in the stand-in driver.
func onStandIn(t *testing.T) {
	t.Helper()
	if os.Getenv("PRABENCH_TEST_ALONE") != "" { // asked before this process was started
		return
	}
	devices, err := Devices()
	if err != nil {
		t.Fatal(err)
	}
	if len(devices) == 0 || !strings.Contains(devices[0].Model, "stand-in") {
		t.Skip("only on the stand-in driver, which can be told what to refuse")
	}
}

func buffer(t *testing.T, b *Backend, n int) device.Buffer {
	t.Helper()
	x, err := b.Alloc(device.Activations, n)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Uploads are queued: what the caller or a later upload writes meanwhile must
// not reach the device in their place.
func TestUploadsKeepWhatTheyWereGiven(t *testing.T) {
	b := open(t, Options{})
	defer closed(t, b)
	host := make([]float32, 100)
	var bufs []device.Buffer
	for i := range 5 * slots {
		for j := range host {
			host[j] = float32(100*i + j)
		}
		bufs = append(bufs, buffer(t, b, len(host)))
		b.Upload(bufs[i], host)
	}
	large := make([]float32, slots*slotBytes/4+12345) // more than all slots hold
	for i := range large {
		large[i] = float32(i)
	}
	big := buffer(t, b, len(large))
	b.Upload(big, large)
	clear(host)
	for i, x := range bufs {
		b.Download(host, x)
		if host[0] != float32(100*i) || host[99] != float32(100*i+99) {
			t.Fatalf("upload %d holds %v … %v", i, host[0], host[99])
		}
	}
	got := make([]float32, len(large))
	b.Download(got, big)
	for i, v := range got {
		if v != float32(i) {
			t.Fatalf("element %d of a large upload is %v", i, v)
		}
	}
	if err := b.Err(); err != nil {
		t.Error(err)
	}
}

// A buffer that is freed after an operation on it was asked for is there when
// the operation runs.
func TestQueuedWorkKeepsItsMemory(t *testing.T) {
	b := open(t, Options{})
	defer closed(t, b)
	x, y := buffer(t, b, 1000), buffer(t, b, 1000)
	device.Do(b, device.Fill{Dst: x, Value: 3})
	device.Do(b, device.Copy{Dst: y, Src: x})
	b.Free(x)
	if got := device.SquaredNorm(b, y); got != 9000 || b.Err() != nil {
		t.Errorf("Σ x² is %v, want 9000; error %v", got, b.Err())
	}
}

func TestPrecisions(t *testing.T) {
	for _, o := range []Options{{Precision: "bf16"}, {Precision: "bf16", NoBLAS: true}} {
		b := open(t, o)
		defer closed(t, b)
		const m, n, k = 40, 70, 130
		a, w, y := buffer(t, b, m*k), buffer(t, b, k*n), buffer(t, b, m*n)
		ha, hw := make([]float32, m*k), make([]float32, k*n)
		for i := range ha {
			ha[i] = float32(math.Sin(float64(i)))
		}
		for i := range hw {
			hw[i] = float32(math.Cos(float64(3 * i)))
		}
		b.Upload(a, ha)
		b.Upload(w, hw)
		device.Do(b, device.Gemm{M: m, N: n, K: k, Alpha: 1, A: a, LDA: k, B: w, LDB: n, C: y, LDC: n})
		got := make([]float32, m*n)
		b.Download(got, y)
		round := func(v float32) float64 { // to the nearest bf16, ties to even
			u := math.Float32bits(v)
			return float64(math.Float32frombits((u + 0x7fff + u>>16&1) &^ 0xffff))
		}
		for i := range m {
			for j := range n {
				var want float64
				for l := range k {
					want += round(ha[i*k+l]) * round(hw[l*n+j])
				}
				// cuBLAS may take operands as they are: package shapes holds it to a bound.
				if d := math.Abs(float64(got[i*n+j]) - want); !(d <= 1e-4) && (o.NoBLAS || strings.Contains(b.Details(), "stand-in")) {
					t.Fatalf("%s: element (%d, %d) is %v, the product of the rounded operands is %v", b.Details(), i, j, got[i*n+j], want)
				}
			}
		}
		if !strings.Contains(b.Details(), "bf16") {
			t.Errorf("%q does not tell the precision", b.Details())
		}
	}
	if _, err := New(0, Options{Precision: "fp8"}); err == nil || !strings.Contains(err.Error(), "fp32 or bf16") {
		t.Errorf("fp8: %v", err)
	}
}

// A cache in bf16 rounds keys and values and changes little else.
func TestBF16Cache(t *testing.T) {
	const batch, tokens, heads, width = 3, 40, 2, 24
	sizes := map[string]int{"fp32": 2 * batch * tokens * width, "bf16": batch * tokens * width}
	var outs [2][]float32
	for i, p := range []string{"fp32", "bf16"} {
		b := open(t, Options{Precision: p})
		defer closed(t, b)
		qkv, out, cache := buffer(t, b, 3*batch*width), buffer(t, b, batch*width),
			buffer(t, b, device.CacheElements(b, batch, tokens, heads, width))
		if cache.N != sizes[p] { // the stand-in watches that nothing is written beyond it
			t.Errorf("%s: a cache of %d elements, want %d", p, cache.N, sizes[p])
		}
		host, got := make([]float32, 3*batch*width), make([]float32, batch*width)
		for at := range tokens {
			for j := range host {
				host[j] = float32(math.Sin(float64(at*len(host) + j)))
			}
			b.Upload(qkv, host)
			device.Do(b, device.AttentionDecode{
				Out: out, QKV: qkv, Cache: cache, Batch: batch, At: at, N: 1, Capacity: tokens, Heads: heads,
				Width: width, Half: b.Caps().HalfCache,
			})
			b.Download(got, out)
			outs[i] = append(outs[i], got...)
		}
	}
	var worst float64
	for i, v := range outs[0] {
		worst = max(worst, math.Abs(float64(v-outs[1][i])))
	}
	if !(worst < 0.02) || worst == 0 {
		t.Errorf("largest difference of the two caches: %g", worst)
	}
}

// Without memory an allocation says so by its type, and the device goes on.
func TestOutOfMemory(t *testing.T) {
	onStandIn(t)
	if !alone(t, "STANDIN_MEMORY=8") {
		return
	}
	b := open(t, Options{NoBLAS: true})
	defer closed(t, b)
	_, err := b.Alloc(device.Cache, 3<<20)
	if !errors.Is(err, device.ErrOutOfMemory) || !strings.Contains(err.Error(), "3145728 elements") ||
		!strings.Contains(err.Error(), "bytes are free") {
		t.Errorf("error %v", err)
	}
	x := buffer(t, b, 100)
	device.Do(b, device.Fill{Dst: x, Value: 2})
	if got := device.SquaredNorm(b, x); got != 400 || b.Err() != nil {
		t.Errorf("afterwards: Σ x² %v, error %v", got, b.Err())
	}
}

// The driver's first error stays, names the operation, its sizes and what CUDA
// says, and everything after it is left undone. A process in which it happened
// has lost its devices, and the next backend there says why. Each in a process of
// its own.
func TestErrors(t *testing.T) {
	for _, mode := range []struct {
		name, names string
		o           Options
	}{{"waiting after each", "Copy(7)", Options{EachSync: true}}, {"at the end", "up to Fill(7)", Options{}},
		{"own products", "Copy(7)", Options{EachSync: true, NoBLAS: true}}} {
		t.Run(strings.ReplaceAll(mode.name, " ", "_"), func(t *testing.T) {
			if !alone(t) {
				return
			}
			b := open(t, mode.o)
			x := buffer(t, b, 7)
			device.Do(b, device.Fill{Dst: x, Value: 1})
			b.Do(&device.Copy{Dst: x, Src: device.Buffer{Base: 4096, N: 7}}) // from nowhere
			device.Do(b, device.Fill{Dst: x, Value: 2})
			err := b.Sync()
			if err == nil || !strings.Contains(err.Error(), "illegal memory access") || !strings.Contains(err.Error(), "700") {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(err.Error(), mode.names) {
				t.Errorf("%v does not name %s", err, mode.names)
			}
			if !errors.Is(b.Err(), err) {
				t.Errorf("the first error was %v, now it is %v", err, b.Err())
			}
			if err := b.Close(); err != nil {
				t.Errorf("closing says again what is known: %v", err)
			}
			again, err := New(0, mode.o)
			if err == nil {
				again.Close()
				t.Fatal("a second backend opened in a process that had an illegal access")
			}
			if !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), "illegal memory access") {
				t.Errorf("a second backend says %q", err)
			}
		})
	}
}

func TestNoSuchDevice(t *testing.T) {
	devices, err := Devices()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("sees %d CUDA devices", len(devices))
	if _, err := New(len(devices), Options{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one that says %q", err, want)
	}
}

// Kernels that the driver refuses: those for bf16 are left out, and bf16 then
// says why; without the others there is no backend.
func TestPTXThatTheDriverRefuses(t *testing.T) {
	onStandIn(t)
	for name, env := range map[string][]string{
		"an old device":               {"STANDIN_CAPABILITY=75"},
		"an old driver":               {"STANDIN_PTX=63"},
		"a driver too old for all":    {"STANDIN_PTX=50"},
		"a device too old for all":    {"STANDIN_CAPABILITY=61"},
		"a driver without any graphs": {"STANDIN_GRAPHS=0"},
	} {
		t.Run(name, func(t *testing.T) {
			if !alone(t, env...) {
				return
			}
			b, err := New(0, Options{})
			if strings.HasSuffix(name, "for all") {
				if err == nil || !strings.Contains(err.Error(), "compute") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			x := buffer(t, b, 10)
			device.Do(b, device.Fill{Dst: x, Value: 1})
			if got := device.SquaredNorm(b, x); got != 10 {
				t.Errorf("Σ x² is %v", got)
			}
			if name == "a driver without any graphs" {
				if _, ok := b.Record(func() { device.Do(b, device.Fill{Dst: x, Value: 5}) }); ok {
					t.Error("a graph was recorded")
				}
				if got := device.SquaredNorm(b, x); got != 10 || !strings.Contains(b.Details(), "no graphs") {
					t.Errorf("Σ x² is %v; %s", got, b.Details())
				}
			} else if _, err := New(0, Options{Precision: "bf16"}); err == nil || !strings.Contains(err.Error(), "use fp32") {
				t.Errorf("bf16: %v", err)
			}
			closed(t, b)
		})
	}
}

// A graph does what was recorded, where it is played, as often as it is.
func TestRecord(t *testing.T) {
	b := open(t, Options{})
	defer closed(t, b)
	x, y := buffer(t, b, 300), buffer(t, b, 300)
	device.Do(b, device.Fill{Dst: x, Value: 1})
	device.Do(b, device.Fill{Dst: y, Value: 1})
	double, ok := b.Record(func() { device.Do(b, device.Mix{Dst: x, A: 2, X: x, Y: y}) })
	if !ok {
		t.Fatal("nothing was recorded")
	}
	if got := device.SquaredNorm(b, x); got != 300 {
		t.Errorf("recording computes: Σ x² is %v", got)
	}
	for range 3 {
		double.Play()
	}
	device.Do(b, device.Mix{Dst: x, A: 1, X: x, B: 1, Y: y})
	double.Play()
	double.Close()
	if got := device.SquaredNorm(b, x); got != 300*18*18 {
		t.Errorf("((1·2·2·2)+1)·2 squared 300 times is %v", got)
	}
	seconds, err := b.Time(func() error { device.Do(b, device.Fill{Dst: x}); return nil })
	if err != nil || !(seconds >= 0 && seconds < 60) {
		t.Errorf("%v s, %v", seconds, err)
	}
}

// A cuBLAS that refuses to be recorded costs the graph, not the stage.
func TestFailedCaptureFallsBack(t *testing.T) {
	onStandIn(t)
	if !alone(t, "STANDIN_CUBLAS_CAPTURE=0") {
		return
	}
	b := open(t, Options{})
	defer closed(t, b)
	if _, ok := b.BLAS(); !ok {
		t.Fatal("there is no cuBLAS to refuse: ", b.Details())
	}
	x, y := buffer(t, b, 16), buffer(t, b, 16)
	device.Do(b, device.Fill{Dst: x, Value: 1})
	double := func() {
		device.Do(b, device.Gemm{M: 4, N: 4, K: 4, Alpha: 1, A: x, LDA: 4, B: x, LDB: 4, C: y, LDC: 4})
	}
	double()
	if _, ok := b.Record(double); ok {
		t.Error("a graph was recorded")
	}
	double()
	if got := device.SquaredNorm(b, y); got != 16*16 || b.Err() != nil {
		t.Errorf("plainly afterwards: Σ y² is %v, error %v", got, b.Err())
	}
	if !strings.Contains(b.Details(), "no graphs (") || !strings.Contains(b.Details(), "cuBLAS status 14") {
		t.Errorf("%q does not tell why nothing is recorded", b.Details())
	}
}

// A product with 2³¹ results or more reaches cuBLAS in parts that its 32-bit
// interface holds, and the parts are the whole.
func TestLargestProducts(t *testing.T) {
	for _, transA := range []bool{false, true} {
		b := open(t, Options{})
		defer closed(t, b)
		if _, ok := b.BLAS(); !ok {
			t.Skip("there is no cuBLAS: own products have 64-bit sizes")
		}
		x := buffer(t, b, 16)
		device.Do(b, device.Gemm{M: 4, N: 4, K: 4, Alpha: 1, A: x, LDA: 4, B: x, LDB: 4, C: x, LDC: 4}) // the workspace is there
		if err := b.Sync(); err != nil {
			t.Fatal(err)
		}
		const m, n, k, ldc = 300_000, 16_000, 8, 16_384
		lda := k
		if transA {
			lda = m
		}
		const a, c = 1 << 40, 1 << 41 // addresses that nothing reads: the queue is dropped
		b.queue.note(&device.Gemm{M: m, N: n, K: k})
		b.multiply(&device.Gemm{
			TransA: transA, M: m, N: n, K: k, Alpha: 1, A: device.Buffer{Base: a, N: m * k}, LDA: lda, B: device.Buffer{Base: 1 << 42, N: k * n},
			LDB: n, LDC: ldc,
		}, c)
		rows, words := 0, b.queue.words
		for len(words) > 0 {
			w := words[1:]
			at := a + 4*k*rows
			if transA {
				at = a + 4*rows
			}
			if int(w[1])*ldc > math.MaxInt32 || w[2] != n || w[3] != k || w[5] != uint64(at) || w[9] != uint64(c+4*ldc*rows) {
				t.Fatalf("transposed %v, from row %d: %v", transA, rows, w[:11])
			}
			rows += int(w[1])
			words = words[1+words[0]>>8:]
		}
		if rows != m {
			t.Errorf("the parts have %d rows of %d", rows, m)
		}
		b.queue.words, b.queue.of = b.queue.words[:0], b.queue.of[:0]
	}
}

// The buffers in which the driver's compiler writes for seconds are not given
// back to Go meanwhile.
func TestCompilerLogsStay(t *testing.T) {
	onStandIn(t)
	if !alone(t, "STANDIN_COMPILE_MS=30") {
		return
	}
	stop, done := make(chan struct{}), make(chan string)
	go func() { // takes what is given back, and looks whether somebody writes there
		var kept [][]byte
		for {
			select {
			case <-stop:
				for _, b := range kept {
					if i := strings.IndexFunc(string(b), func(r rune) bool { return r != 0 }); i >= 0 {
						done <- string(b[i:min(len(b), i+40)])
						return
					}
				}
				done <- ""
				return
			default:
				runtime.GC()
				for range 64 {
					kept = append(kept, make([]byte, 8<<10))
				}
			}
		}
	}()
	b := open(t, Options{})
	close(stop)
	if wrote := <-done; wrote != "" {
		t.Errorf("the driver wrote %q into memory of somebody else", wrote)
	}
	closed(t, b)
}
