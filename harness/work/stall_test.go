package work

import (
	"testing"
	"time"
)

// A step may take a hundred times the one in the middle, and twenty minutes at least;
// time between steps, and time in which the process did not run, do not count.
func TestAStepThatDoesNotEndIsAStall(t *testing.T) {
	w := &stepWatch{done: make(chan struct{})}
	looks := func(n int) (stalled bool) {
		for range n {
			_, _, stalled = w.look(time.Minute)
			if stalled {
				return true
			}
		}
		return false
	}
	w.begin()
	if looks(60) {
		t.Error("a first step of an hour is a stall")
	}
	w.end()
	if looks(10000) {
		t.Error("time between steps counts")
	}
	w.last = []time.Duration{time.Second, time.Minute, time.Hour}
	w.begin()
	if looks(99) {
		t.Error("99 minutes are a stall where the step in the middle takes one")
	}
	if !looks(1) {
		t.Error("100 minutes are none")
	}
	w.last = []time.Duration{time.Second}
	w.begin()
	w.began = time.Now().Add(-24 * time.Hour) // the process was held for a day
	if looks(19) {
		t.Error("less than twenty minutes are a stall")
	}
	if !looks(1) {
		t.Error("twenty minutes are none")
	}
}
