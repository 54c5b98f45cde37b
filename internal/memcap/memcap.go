// Package memcap lets a test hold that a reader's memory follows what it is
// given and not what a header claims.
//
// Its principle is that a reader of files is measured by all that it allocates, not
// by what is left when it returns: a gigabyte that lives for a millisecond ends
// the process as well as one that stays.
package memcap

import (
	"runtime/metrics"
	"testing"
)

// Limit is what one small input may cost a reader in all its allocations
// together.
const Limit = 512 << 20

// Hold calls f and fails the test when the program allocated more than Limit
// bytes meanwhile. It counts the whole program: let nothing else run beside f.
func Hold(t testing.TB, f func()) {
	t.Helper()
	before := allocated()
	f()
	if n := allocated() - before; n > Limit {
		t.Errorf("%d MiB were allocated; allowed: %d", n>>20, Limit>>20)
	}
}

// allocated is the bytes that the heap has given out since the program began.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
