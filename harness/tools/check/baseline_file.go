package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"prabench/internal/atomicfile"
)

// Write keeps the baseline as a file.
func (bl *Baseline) Write(path string) error {
	raw, err := json.MarshalIndent(bl, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.OutputBytes(path, 0o644, append(compact(raw), '\n'))
}

// compact puts arrays of numbers on one line each: a file that is committed is
// also read.
func compact(raw []byte) []byte {
	var out bytes.Buffer
	inside := false
	for _, line := range bytes.Split(raw, []byte("\n")) {
		text := bytes.TrimSpace(line)
		switch {
		case inside:
			out.Write(text)
			if bytes.HasPrefix(text, []byte("]")) {
				inside = false
			} else if bytes.HasSuffix(text, []byte(",")) {
				out.WriteByte(' ')
			}
			if !inside {
				out.WriteByte('\n')
			}
		case bytes.HasSuffix(text, []byte(`"rounds": [`)):
			inside = true
			out.Write(line)
		default:
			out.Write(line)
			out.WriteByte('\n')
		}
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

// ReadBaseline reads a file.
func ReadBaseline(path string) (*Baseline, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &Refusal{fmt.Sprintf("there is no baseline %s: `prabench check FILE --save NAME` makes one", path)}
	}
	if err != nil {
		return nil, err
	}
	bl := &Baseline{}
	if err := json.Unmarshal(raw, bl); err != nil {
		return nil, &Refusal{fmt.Sprintf("%s is no baseline: %v", path, err)}
	}
	if bl.Format != BaselineFormat {
		return nil, &Refusal{fmt.Sprintf("%s has the format %q, this program reads %q: save the baseline again", path, bl.Format, BaselineFormat)}
	}
	for _, c := range bl.Cells {
		for name, m := range c.Metrics {
			for unit, s := range m.Series {
				if len(s.Rounds) < 6 || slices.Min(s.Rounds) <= 0 || s.Between < 0 {
					return nil, &Refusal{fmt.Sprintf("%s is damaged: %s of %s has no usable rounds by %s", path, name, c.Label, unit)}
				}
			}
		}
	}
	return bl, nil
}
