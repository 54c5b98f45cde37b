package layers

import "prabench/models/device"

// Repeats does sequences of operations that come again and again, each step of a
// sampling for example, on devices that can record them. A sequence is done
// plainly the first time, recorded the second and played from then on; where a
// device records nothing, it is done plainly every time. K is all that a sequence
// depends on, apart from what lies in buffers.
type Repeats[K comparable] struct {
	known map[K]device.Recording // nil: done once, or not to be recorded
}

// Do does a sequence.
func (r *Repeats[K]) Do(be device.Backend, what K, f func()) {
	rec := be.Caps().Recorder
	if rec == nil {
		f()
		return
	}
	if r.known == nil {
		r.known = map[K]device.Recording{}
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

// Close gives the recordings back.
func (r *Repeats[K]) Close() {
	for _, recording := range r.known {
		if recording != nil {
			recording.Close()
		}
	}
	r.known = nil
}
