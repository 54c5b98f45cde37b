package devicetest

import (
	"math"
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
)

// watch keeps what the operations that pass through it say of their operands.
type watch struct {
	device.Backend
	uses []device.Use
}

func (w *watch) Do(op device.Op) {
	w.uses = device.Operands(op, w.uses)
	w.Backend.Do(op)
}

// access is what was said of a trial's buffer.
func (w *watch) access(b device.Buffer) (named, written, updated bool) {
	for _, u := range w.uses {
		if u.Buffer.Base == b.Base {
			named = true
			written = written || u.Access != device.Reads
			updated = updated || u.Access == device.Updates
		}
	}
	return named, written, updated
}

// operands compares what the operations of a trial that was run on the reference
// said of their operands with what became of its buffers: one that holds numbers is
// named, one that changed is written.
func (w *watch) operands(t *testing.T, m *machine, be *reference.Backend) {
	t.Helper()
	for s, before := range m.trial.values {
		if m.trial.aside[s] {
			continue
		}
		named, written, _ := w.access(m.bufs[s])
		changed, numbers := false, false
		for i, v := range be.Host(m.bufs[s]) {
			was := float64(before[i])
			numbers = numbers || !math.IsNaN(was)
			changed = changed || v != was && !(math.IsNaN(v) && math.IsNaN(was))
		}
		if numbers && !named {
			t.Errorf("buffer %d (%s) is no operand of what was done with it", s, m.trial.names[s])
		}
		if changed && !written {
			t.Errorf("buffer %d (%s) was written, which no operand says", s, m.trial.names[s])
		}
		if written && !changed && !numbers {
			t.Errorf("buffer %d (%s) was not written, though an operand says so", s, m.trial.names[s])
		}
	}
}
