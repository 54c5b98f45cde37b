package device_test

import (
	"strings"
	"testing"

	"prabench/models/device"
	"prabench/models/device/counter"
)

// layer is a large op, on buffers of the given number of elements.
func layer(t testing.TB, n int) (device.Backend, device.Linear) {
	be := counter.New()
	x, err := be.Alloc(device.Activations, n)
	if err != nil {
		t.Fatal(err)
	}
	return be, device.Linear{Y: x, X: x, W: x, Rows: 8, In: 8, Out: 8, Epilogue: device.Epilogue{Bias: x, Act: device.SiLU}}
}

func TestAskingAllocatesNothing(t *testing.T) {
	be, op := layer(t, 64)
	x := op.Y
	if n := testing.AllocsPerRun(100, func() {
		device.Do(be, op)
		device.Do(be, device.Mix{Dst: x, A: 1, X: x, B: 2, Y: x})
		device.SquaredNorm(be, x)
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// Who watches a backend sees every operation after it was done, until it stops; there is
// one at a time.
func TestWatch(t *testing.T) {
	be, op := layer(t, 64)
	var seen []string
	device.Watch(be, func(op device.Op) {
		seen = append(seen, device.Text(op))
		if be.(*counter.Backend).Calls != len(seen) {
			t.Errorf("%v is seen before it was done", op.Kind())
		}
	})
	device.Do(be, op)
	device.Do(be, device.Copy{Dst: op.Y, Src: op.X})
	func() {
		defer func() {
			if said, ok := recover().(string); !ok || !strings.Contains(said, "is watched already") {
				t.Errorf("panic %v", said)
			}
		}()
		device.Watch(be, func(device.Op) {})
	}()
	device.Watch(be, nil)
	device.Do(be, op)
	if got := strings.Join(seen, " "); got != "Linear(8, 8, 8) Copy(64)" {
		t.Errorf("seen: %s", got)
	}
}

// A wrong extent is found before a backend is asked, and told by the operand.
func TestExtentsAreChecked(t *testing.T) {
	be, op := layer(t, 63)
	defer func() {
		if said, ok := recover().(string); !ok || !strings.Contains(said, "X has 63 elements where 64 are needed") {
			t.Errorf("panic %v", said)
		}
		if n := be.(*counter.Backend).Calls; n != 0 {
			t.Errorf("%d operations were done", n)
		}
	}()
	device.Do(be, op)
}

// An operation that a backend lacks is refused by name.
func TestLacking(t *testing.T) {
	be, op := layer(t, 64)
	defer func() {
		if said, ok := recover().(string); !ok || !strings.Contains(said, "counter does not do Linear") {
			t.Errorf("panic %v", said)
		}
	}()
	device.Do(&without{be, op.Kind()}, op)
}

// without is a backend that lacks an operation.
type without struct {
	device.Backend
	kind device.Kind
}

func (w *without) Does(k device.Kind) bool { return k != w.kind }

func TestText(t *testing.T) {
	if got, want := device.Text(&device.Norm{Rows: 64, N: 96}), "Norm(64, 96)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What asking for an operation costs beside doing it.
func BenchmarkDo(b *testing.B) {
	be, op := layer(b, 64)
	b.ReportAllocs()
	for b.Loop() {
		device.Do(be, op)
	}
}
