package work

import (
	"fmt"
	"os"
	"time"

	"prabench/metrics/quantity"
	"prabench/models/device"
)

// healthInterval is how often the device is asked; an answer takes in the order
// of a millisecond of another thread.
const healthInterval = 50 * time.Millisecond

// healthWatch asks a device for its health until it is stopped.
type healthWatch struct {
	stop        chan struct{}
	done        chan struct{}
	first, last device.Health
	clock       float64 // sum over the readings
	power       float64
	others      int // most
	readings    float64
}

// watchHealth begins to watch; nil where the device tells nothing.
func watchHealth(be device.Backend) *healthWatch {
	m := be.Caps().Monitor
	if m == nil {
		return nil
	}
	first, err := m.Health()
	if err != nil {
		return nil
	}
	w := &healthWatch{stop: make(chan struct{}), done: make(chan struct{}), first: first}
	go func() {
		defer close(w.done)
		for {
			stopped := false
			select {
			case <-w.stop:
				stopped = true
			case <-time.After(healthInterval):
			}
			if h, err := m.Health(); err == nil {
				w.last = h
				w.clock += h.Clock
				w.power += h.Power
				w.others = max(w.others, h.Others)
				w.readings++
			}
			if stopped {
				return
			}
		}
	}()
	return w
}

// health ends the watch and keeps what it saw while images were drawn.
func (t *task) health(w *healthWatch, images int) {
	if w == nil {
		return
	}
	close(w.stop)
	<-w.done
	if w.readings == 0 {
		return
	}
	clock := w.clock / w.readings
	if clock > 0 {
		t.add(quantity.DeviceClock, clock)
	}
	if clock > 0 && w.last.DefaultClock > 0 {
		t.add(quantity.DeviceClockShare, clock/w.last.DefaultClock)
	}
	t.add(quantity.DeviceOthers, float64(w.others))
	if w.last.Temperature > 0 {
		t.add(quantity.DeviceTemperature, w.last.Temperature)
	}
	if w.power > 0 {
		t.add(quantity.DevicePower, w.power/w.readings)
	}
	if joules := w.last.Energy - w.first.Energy; joules > 0 && images > 0 {
		t.add(quantity.JoulesImage, joules/float64(images))
	}
	if w.last.Throttled != "" {
		fmt.Fprintln(os.Stderr, "the device's clock is held down by:", w.last.Throttled)
	}
}
