package pra

import "prabench/models/device"

// repeats does sequences of operations that come again and again, each step of
// a sampling for example, on devices that can record them. A sequence is done
// plainly the first time, recorded the second and played from then on; where a
// device records nothing, it is done plainly every time.
type repeats struct {
	known map[repeat]device.Recording // nil: done once, or not to be recorded
}

// repeat is all that a sequence depends on, apart from what lies in buffers.
type repeat struct {
	step, batch       int
	key               uint64
	flat, anchor, out device.Buffer
}

func (r *repeats) do(be device.Backend, what repeat, f func()) {
	rec := be.Caps().Recorder
	if rec == nil {
		f()
		return
	}
	if r.known == nil {
		r.known = map[repeat]device.Recording{}
	}
	recording, again := r.known[what]
	switch {
	case recording != nil:
		recording.Play()
		return
	case again:
		if recording, ok := rec.Record(f); ok {
			r.known[what] = recording
			recording.Play()
			return
		}
	}
	r.known[what] = nil
	f()
}

func (r *repeats) close() {
	for _, recording := range r.known {
		if recording != nil {
			recording.Close()
		}
	}
	r.known = nil
}
