package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// What --format go prints is read back by the reader that benchstat uses.
func TestBenchFormat(t *testing.T) {
	b := benchmark{Model: "nano", Patch: 4, Precision: "fp32", Threads: 2, CPU: "a processor", Backend: "own", Latency: 0.25, FirstBlock: 0.125,
		Train: rate{ImagesPerS: 640, MFU: 0.5, N: 7, Batch: 64, AllocBytes: 256}, Sample: rate{ImagesPerS: 320, MFU: 0.25, N: 5, Batch: 64}}
	var out bytes.Buffer
	if err := b.printGo(&out); err != nil {
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
	for what, want := range map[string]float64{"Train sec/op": 0.1, "Train images/s": 640, "Train B/op": 256, "Sample sec/op": 0.2, "Sample mfu": 0.25, "Latency sec/op": 0.25, "FirstBlock sec/op": 0.125} {
		if v := got[what]; v < want*0.999 || v > want*1.001 {
			t.Errorf("%s: %v, want %v; there are %v", what, v, want, got)
		}
	}
}

// The committed history loads, and a result is held against the newest of its kind only.
func TestBenchHistory(t *testing.T) {
	past, err := benchHistory()
	if err != nil {
		t.Fatal(err)
	}
	if len(past) == 0 {
		t.Error("the history is empty")
	}
	one := benchmark{Device: "cpu", CPU: "p", Threads: 2, Model: "nano", Patch: 4, Precision: "fp32", Train: rate{MFU: 0.5, Batch: 64}}
	newer, other := one, one
	newer.Train.MFU, other.Precision = 0.6, "bf16"
	h := pastBenchmarks{one, newer, other}
	if p := h.last(&one); p == nil || p.Train != 0.6 {
		t.Errorf("held against %+v", p)
	}
	other.Threads = 1
	if p := h.last(&other); p != nil {
		t.Errorf("another number of threads is held against %+v", p)
	}

	file := filepath.Join(t.TempDir(), "h.jsonl")
	for range 2 {
		if err := appendRecord(file, &one); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := os.ReadFile(file)
	if n := bytes.Count(text, []byte("\n")); n != 2 {
		t.Errorf("%d lines after two records:\n%s", n, text)
	}
}
