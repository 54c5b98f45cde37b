package memcap

import "testing"

// failing notes a failure in place of reporting it.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Helper()               {}
func (f *failing) Errorf(string, ...any) { f.failed = true }

var kept []byte

func TestHold(t *testing.T) {
	for _, c := range []struct {
		bytes int
		want  bool
	}{{1 << 20, false}, {Limit + 1<<20, true}} {
		f := &failing{TB: t}
		Hold(f, func() { kept = make([]byte, c.bytes) })
		kept = nil
		if f.failed != c.want {
			t.Errorf("%d bytes: failed is %v", c.bytes, f.failed)
		}
	}
}
