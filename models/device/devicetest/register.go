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

// Support is which operations a backend does, and which not.
func Support(be device.Backend) (does, not []device.Kind) {
	for _, k := range device.Kinds() {
		if be.Does(k) {
			does = append(does, k)
		} else {
			not = append(not, k)
		}
	}
	return does, not
}

// counting adds up what is asked of it.
type counting struct {
	*counter.Backend
	bytes float64
}

func (c *counting) Do(op device.Op) {
	c.Backend.Do(op)
	c.bytes += device.Bytes(op)
}

// count runs the trial without computing anything.
func (tr *trial) count() (flops, bytes float64) {
	c := &counting{Backend: counter.New()}
	m, _ := tr.lay(c) // a counter has all the memory that it is asked for
	tr.run(m)
	return c.FLOPs, c.bytes
}

// Largest asks be for the operations of the largest trial of a kind; be need not
// compute anything.
func Largest(be device.Backend, k device.Kind) error {
	tr, _, _ := largest(k)
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
		if !be.Does(k) {
			continue
		}
		tr, flops, bytes := largest(k)
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
func largest(k device.Kind) (tr *trial, flops, bytes float64) {
	for _, t := range trials(k) {
		if f, b := t.count(); f+b > flops+bytes {
			tr, flops, bytes = t, f, b
		}
	}
	return tr, flops, bytes
}
