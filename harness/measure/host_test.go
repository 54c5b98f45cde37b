package measure

import (
	"strings"
	"testing"
	"time"

	"prabench/harness/machine"
)

// What is measured is bounded by what machines are: a thread does a billion to a
// trillion operations, memory moves a tenth to ten thousand GB/s.
func TestLookAtHost(t *testing.T) {
	h := LookAtHost()
	if h.Peak < 1e8 || h.Peak > 1e13 || h.Bandwidth < 1e8 || h.Bandwidth > 1e13 || h.Jitter < 0 {
		t.Errorf("%+v", h)
	}
	if h.Load.Wall <= 0 || h.Load.Steal < 0 || h.Load.Foreign < 0 {
		t.Errorf("load %+v", h.Load)
	}
}

func TestUneven(t *testing.T) {
	long := time.Minute // ticks blur nothing
	for name, c := range map[string]struct {
		host Host
		want []string
	}{
		"quiet":             {Host{Load: machine.Load{Wall: long, Foreign: 0.05, Steal: 0.02}, Jitter: 0.03}, nil},
		"busy":              {Host{Load: machine.Load{Wall: long, Foreign: 0.9}, Jitter: 0.03}, []string{"other processes"}},
		"shared host":       {Host{Load: machine.Load{Wall: long, Steal: 0.2}, Jitter: 0.5}, []string{"host takes", "unequal"}},
		"unknown load":      {Host{Load: machine.Load{Foreign: 3, Steal: 3}}, nil},
		"within the ticks":  {Host{Load: machine.Load{Wall: 100 * time.Millisecond, Foreign: 0.4}}, nil},
		"beyond the ticks":  {Host{Load: machine.Load{Wall: 100 * time.Millisecond, Foreign: 0.6}}, []string{"other processes"}},
		"uneven by a third": {Host{Load: machine.Load{Wall: long}, Jitter: 0.33}, []string{"unequal"}},
	} {
		why := c.host.Uneven()
		ok := len(why) == len(c.want)
		for i := range c.want {
			ok = ok && strings.Contains(why[i], c.want[i])
		}
		if !ok {
			t.Errorf("%s: %q", name, why)
		}
	}
}
