package devicetest

import (
	"testing"

	"prabench/models/device"
	"prabench/models/device/counter"
)

var makers = map[device.Kind]func() []*trial{}

// of registers the trials of an operation.
func of[O any, P interface {
	*O
	device.Op
}](list func() []*trial) struct{} {
	var none P
	makers[none.Kind()] = list
	return struct{}{}
}

func trials(k device.Kind) []*trial {
	if list := makers[k]; list != nil {
		return list()
	}
	return nil
}

// Support is which operations a backend does, and which others take the place of.
func Support(be device.Backend) (does, byParts, not []device.Kind) {
	for _, k := range device.Kinds() {
		switch {
		case be.Does(k):
			does = append(does, k)
		case supports(be, k):
			byParts = append(byParts, k)
		default:
			not = append(not, k)
		}
	}
	return does, byParts, not
}

// supports reports whether the operations of a kind's first trial, or others in
// their place, are there: it runs the trial on a backend that computes nothing.
func supports(be device.Backend, k device.Kind) bool {
	ts := trials(k)
	return len(ts) > 0 && ts[0].on(be)
}

// on reports whether all that the trial asks for is done by be.
func (tr *trial) on(be device.Backend) (ok bool) {
	defer func() { ok = recover() == nil }()
	tr.count(be.Does)
	return true
}

// counting adds up what is asked of it, and answers for another backend what that
// does.
type counting struct {
	*counter.Backend
	bytes float64
	does  func(device.Kind) bool
}

func (c *counting) Does(k device.Kind) bool { return c.does(k) }

func (c *counting) Do(op device.Op) {
	c.Backend.Do(op)
	c.bytes += device.Bytes(op)
}

// count runs the trial without computing anything.
func (tr *trial) count(does func(device.Kind) bool) (flops, bytes float64) {
	c := &counting{Backend: counter.New(), does: does}
	m, _ := tr.lay(c) // a counter has all the memory that it is asked for
	tr.run(m)
	return c.FLOPs, c.bytes
}

// Largest asks be for the operations of the largest trial of a kind; be need not
// compute anything.
func Largest(be device.Backend, k device.Kind) error {
	tr, _, _ := largest(be, k)
	m, err := tr.lay(be)
	if err == nil {
		tr.run(m)
		m.free()
	}
	return err
}

// Benchmark times the largest trial of every operation: seconds, and the rates of
// operations and of bytes that it cannot avoid to move.
func Benchmark(b *testing.B, be device.Backend) {
	for _, k := range device.Kinds() {
		if !supports(be, k) {
			continue
		}
		tr, flops, bytes := largest(be, k)
		b.Run(k.String(), func(b *testing.B) {
			m := tr.place(b, be)
			defer m.free()
			for b.Loop() {
				tr.run(m)
				m.scalars = m.scalars[:0]
			}
			m.settle(b)
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(bytes/seconds/1e9, "GB/s")
			if flops > 0 {
				b.ReportMetric(flops/seconds/1e9, "GFLOP/s")
			}
		})
	}
}

// largest is the trial of a kind that takes most.
func largest(be device.Backend, k device.Kind) (tr *trial, flops, bytes float64) {
	for _, t := range trials(k) {
		if f, b := t.count(be.Does); f+b > flops+bytes {
			tr, flops, bytes = t, f, b
		}
	}
	return tr, flops, bytes
}
