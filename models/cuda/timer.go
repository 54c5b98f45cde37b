//go:build cuda

package cuda

import (
	"gorgonia.org/cu"

	"prabench/models/device"
)

var _ device.Timer = (*Backend)(nil)

// Time implements [device.Timer] with a pair of events on the stream.
func (b *Backend) Time(f func() error) (seconds float64, err error) {
	if err := b.Sync(); err != nil {
		return 0, err
	}
	var begin, end cu.Event
	made := func(doing string, f func() error) {
		if err == nil {
			if err = b.on(f); err != nil {
				err = b.failed(doing, err)
			}
		}
	}
	made("making an event", func() (err error) { begin, err = cu.MakeEvent(cu.DefaultEvent); return })
	if err != nil {
		return 0, err
	}
	defer b.destroy(&begin)
	made("making an event", func() (err error) { end, err = cu.MakeEvent(cu.DefaultEvent); return })
	if err != nil {
		return 0, err
	}
	defer b.destroy(&end)
	made("recording an event", func() error { return begin.Record(b.stream) })
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	b.queue.flush()
	made("recording an event", func() error { return end.Record(b.stream) })
	if err == nil {
		err = b.Sync()
	}
	made("reading two events", func() error {
		ms, err := begin.Elapsed(end)
		seconds = ms / 1e3
		return err
	})
	return seconds, err
}

// destroy ends an event; the context takes with it what cannot be destroyed.
func (b *Backend) destroy(e *cu.Event) { _ = b.on(func() error { return cu.DestroyEvent(e) }) }
