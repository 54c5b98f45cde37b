package bench

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"

	"prabench/models/device"
)

// history.jsonl holds what earlier revisions reached, the newest last:
// lines that `bench --record` wrote. A result is compared with the last line of
// the same processor, threads, model, patch, batch and precision.
//
//go:embed history.jsonl
var historyFile []byte

// Past is what an earlier revision reached: shares of the peak that was
// measured with them, where it was, and the seconds of one image.
type Past struct {
	Train       float64 `json:"train_mfu,omitempty"`
	Sample      float64 `json:"sample_mfu,omitempty"`
	Latency     float64 `json:"latency_s"`
	GitRevision string  `json:"git_revision"`
}

// History is earlier results, the newest last.
type History []Result

// Committed is the history that the program carries.
func Committed() (History, error) {
	var out History
	lines := bufio.NewScanner(bytes.NewReader(historyFile))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var b Result
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			return nil, fmt.Errorf("history.jsonl:%d: %w", n, err)
		}
		out = append(out, b)
	}
	return out, lines.Err()
}

// Last is the newest result of the same kind as b, nil without one.
func (h History) Last(b *Result) *Past {
	for i := len(h) - 1; i >= 0; i-- {
		p := &h[i]
		if p.kind() == b.kind() {
			past := &Past{p.Train.MFU, p.Sample.MFU, p.Latency, p.GitRevision}
			if d, _ := device.DriverOf(b.Device); d.PeakFLOPS == nil { // older revisions gave shares of the processor's peak
				past.Train, past.Sample = 0, 0
			}
			return past
		}
	}
	return nil
}

// kind is what two results must share to be compared.
func (b *Result) kind() [7]any {
	return [...]any{b.Device, b.CPU, b.Threads, b.Model, b.Patch, b.Train.Batch, b.Precision}
}

// Append adds a result to a file of JSON lines.
func Append(path string, b *Result) error {
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
