package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/models/device"
	"prabench/models/device/profile"

	"golang.org/x/perf/benchfmt"
)

// What --format go prints is read back by the reader that benchstat uses.
func TestBenchFormat(t *testing.T) {
	b := Result{Model: "nano", Patch: 4, Precision: "fp32", Threads: 2, CPU: "a processor", Backend: "own", Latency: 0.25, FirstBlock: 0.125,
		Train: Rate{ImagesPerS: 640, MFU: 0.5, N: 7, Batch: 64, AllocBytes: 256}, Sample: Rate{ImagesPerS: 320, MFU: 0.25, N: 5, Batch: 64}}
	var out bytes.Buffer
	if err := b.PrintGo(&out); err != nil {
		t.Fatal(err)
	}
	r := benchfmt.NewReader(&out, "out")
	got := map[string]float64{}
	for r.Scan() {
		x, ok := r.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("%v", r.Result())
		}
		for _, v := range x.Values {
			got[string(x.Name.Base())+" "+v.Unit] = v.Value
		}
		if x.GetConfig("cpu") != "a processor" {
			t.Errorf("%s: no processor in its configuration", x.Name)
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	for what, want := range map[string]float64{"Train sec/op": 0.1, "Train images/s": 640, "Train B/op": 256, "Sample sec/op": 0.2,
		"Sample mfu": 0.25, "Latency sec/op": 0.25, "FirstBlock sec/op": 0.125} {
		if v := got[what]; v < want*0.999 || v > want*1.001 {
			t.Errorf("%s: %v, want %v; there are %v", what, v, want, got)
		}
	}
}

// The committed history loads, and a result is held against the newest of its kind only.
func TestBenchHistory(t *testing.T) {
	past, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	if len(past) == 0 {
		t.Error("the history is empty")
	}
	one := Result{Device: "cpu", CPU: "p", Threads: 2, Model: "nano", Patch: 4, Precision: "fp32", Train: Rate{MFU: 0.5, Batch: 64}}
	newer, other := one, one
	newer.Train.MFU, other.Precision = 0.6, "bf16"
	h := History{one, newer, other}
	if p := h.Last(&one); p == nil || p.Train != 0.6 {
		t.Errorf("held against %+v", p)
	}
	other.Threads = 1
	if p := h.Last(&other); p != nil {
		t.Errorf("another number of threads is held against %+v", p)
	}

	file := filepath.Join(t.TempDir(), "h.jsonl")
	for range 2 {
		if err := Append(file, &one); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := os.ReadFile(file)
	if n := bytes.Count(text, []byte("\n")); n != 2 {
		t.Errorf("%d lines after two records:\n%s", n, text)
	}
}

// A case is measured end to end: the numbers agree with each other, and every
// operation has its line.
func TestMeasure(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for a second")
	}
	cases, err := Cases([]string{"nano"}, []int{14}, []int{4})
	if err != nil || len(cases) != 1 {
		t.Fatal(cases, err)
	}
	r, err := Measure(t.Context(), cases[0], Options{Threads: 1, Precision: "fp32", Spend: 10 * time.Millisecond, Ops: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Device != "cpu" || r.Threads != 1 || r.Params != cases[0].Model.Params() || r.Patch != 14 {
		t.Errorf("it was asked for other things: %+v", r)
	}
	for what, x := range map[string]Rate{"training": r.Train, "sampling": r.Sample} {
		if x.N < 3 || x.ImagesPerS <= 0 || x.MFU <= 0 || x.MFU > 1.5 || x.Batch != 4 {
			t.Errorf("%s: %+v", what, x)
		}
	}
	if r.Latency <= 0 || r.FirstBlock <= 0 || r.PeakGFLOPS <= 0 || r.CopyGBPerS <= 0 || r.GEMMGFLOPS <= 0 || r.MemoryPeak <= 0 {
		t.Errorf("%+v", r)
	}
	if len(r.Ops) != 3 {
		t.Fatalf("%d tables of operations, not of training, sampling and one image", len(r.Ops))
	}
	for _, o := range r.Ops {
		sum := 0.0
		for _, x := range o.Ops {
			sum += x.Seconds
		}
		if o.Calls < 3 || len(o.Ops) < 5 || sum <= 0 || sum > o.Seconds {
			t.Errorf("%s: %d calls, operations take %v of %v s", o.Work, o.Calls, sum, o.Seconds)
		}
	}
	var out bytes.Buffer
	if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "between the operations") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestCases(t *testing.T) {
	cases, err := Cases([]string{"nano", "micro"}, []int{4, 7}, []int{1, 8, 64})
	if err != nil || len(cases) != 12 || cases[11].Name != "micro" || cases[11].Model.Patch != 7 || cases[11].Batch != 64 {
		t.Errorf("%d cases, %v: %+v", len(cases), err, cases)
	}
	for _, bad := range []struct {
		names            []string
		patches, batches []int
	}{{[]string{"huge"}, nil, []int{1}}, {[]string{"nano"}, []int{5}, []int{1}}, {[]string{"nano"}, nil, []int{0}}} {
		if _, err := Cases(bad.names, bad.patches, bad.batches); !engine.IsMistake(err) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// A device whose peak nobody measures has no share of one in any output, and none of the
// processor's.
func TestNoPeakNoShares(t *testing.T) {
	b := Result{Device: "gpu:0", Model: "nano", Precision: "bf16", Threads: 2, CPU: "p", Latency: 0.25, FirstBlock: 0.125}
	b.yardsticks(device.Driver{Name: "gpu"})
	b.Train, b.Sample = newRate([]float64{1, 1, 1}, 64, 1e12, b.PeakGFLOPS, 0), newRate([]float64{1, 1, 1}, 64, 1e12, b.PeakGFLOPS, 0)
	older := b
	older.Train.MFU, older.Sample.MFU, older.PeakGFLOPS = 12, 34, 100 // as they once were
	b.Before = History{older}.Last(&b)
	b.Ops = []OpTable{{Work: "training", Calls: 1, Seconds: 1, Ops: []profile.Op{{Name: "product", Calls: 1, Seconds: 0.5, FLOPs: 1e12}}}}
	raw, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var text, goes bytes.Buffer
	if err := b.Print(&text); err != nil {
		t.Error(err)
	}
	if err := b.PrintGo(&goes); err != nil {
		t.Error(err)
	}
	for name, out := range map[string]string{"json": string(raw), "text": text.String(), "go": goes.String()} {
		for _, no := range []string{"mfu", "peak_gflops", "gemm", "copy_gb", "the peak", "of peak", "peak  ", "matrix product", "NaN", "Inf"} {
			if strings.Contains(out, no) {
				t.Errorf("%s has %q:\n%s", name, no, out)
			}
		}
	}
	if !strings.Contains(text.String(), "64.0 images/s (batch 64)") || !strings.Contains(text.String(), "one image took 250 ms") {
		t.Error(text.String())
	}
}
