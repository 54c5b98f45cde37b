package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
)

// bench_history.jsonl holds what earlier revisions reached, the newest last:
// lines that `bench --record` wrote. A result is compared with the last line of
// the same processor, threads, model, patch, batch and precision.
//
//go:embed bench_history.jsonl
var benchHistoryFile []byte

// past is what an earlier revision reached: shares of the peak that was
// measured with them, and the seconds of one image.
type past struct {
	Train       float64 `json:"train_mfu"`
	Sample      float64 `json:"sample_mfu"`
	Latency     float64 `json:"latency_s"`
	GitRevision string  `json:"git_revision"`
}

type pastBenchmarks []benchmark

func benchHistory() (pastBenchmarks, error) {
	var out pastBenchmarks
	lines := bufio.NewScanner(bytes.NewReader(benchHistoryFile))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var b benchmark
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			return nil, fmt.Errorf("bench_history.jsonl:%d: %w", n, err)
		}
		out = append(out, b)
	}
	return out, lines.Err()
}

// last is the newest result of the same kind as b, nil without one.
func (h pastBenchmarks) last(b *benchmark) *past {
	for i := len(h) - 1; i >= 0; i-- {
		p := &h[i]
		if p.Device == b.Device && p.CPU == b.CPU && p.Threads == b.Threads && p.Model == b.Model && p.Patch == b.Patch && p.Train.Batch == b.Train.Batch && p.Precision == b.Precision {
			return &past{p.Train.MFU, p.Sample.MFU, p.Latency, p.GitRevision}
		}
	}
	return nil
}

// appendRecord appends b to a file of JSON lines.
func appendRecord(path string, b *benchmark) error {
	kept := *b
	kept.Ops, kept.Before = nil, nil
	line, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
