package devicetest

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"prabench/models/device"
)

// guard elements of NaN stand before and after every buffer. An odd number, so
// that no buffer is aligned to a vector.
const guard = 5

// guardValue is a NaN of its own for each buffer and place: what is computed
// from other guards and written here shows too.
func guardValue(s slot, i int) float32 {
	return math.Float32frombits(0x7fc00000 | uint32(s+1)<<12 | uint32(i&0xfff))
}

// kind says which tolerance a buffer's values are held to.
type kind int

const (
	element kind = iota
	sum
	angle
	noise
)

// slot names a buffer of a trial, index one of its integer buffers.
type (
	slot  int
	index int
)

// absent is the slot of no buffer.
const absent slot = -1

// trial is one call (or a few that belong together) of an operation with
// fixed inputs. Slots are declared first, then run is set, and gradient where run
// ends with a backward pass.
type trial struct {
	name    string
	rng     *rand.Rand
	values  [][]float32
	names   []string
	kinds   []kind
	private []bool // the backend's own layout: not compared
	sizing  []bool // the operation takes its size from this buffer
	floors  []float64
	ints    [][]int32
	aside   []bool // of the gradient check alone
	run     func(m *machine)

	gradient *gradient

	slack  float64 // multiplies the tolerance where inputs are ill-conditioned
	rounds bool    // results may differ by rounding between thread counts
	ranges bool    // also try every buffer one element short
}

func newTrial(format string, args ...any) *trial {
	name := fmt.Sprintf(format, args...)
	h := fnv.New64a()
	h.Write([]byte(name))
	return &trial{name: name, rng: rand.New(rand.NewPCG(20, h.Sum64())), slack: 1}
}

func (tr *trial) add(name string, values []float32, k kind) slot {
	tr.values, tr.names, tr.kinds = append(tr.values, values), append(tr.names, name), append(tr.kinds, k)
	tr.private, tr.sizing = append(tr.private, false), append(tr.sizing, false)
	tr.floors, tr.aside = append(tr.floors, 0), append(tr.aside, false)
	return slot(len(tr.values) - 1)
}

// floor adds to the scale that a buffer's tolerance is relative to, where its
// values are small differences of numbers of this size.
func (tr *trial) floor(s slot, size float64) slot {
	tr.floors[s] = size
	return s
}

// normal is a buffer of n standard normals.
func (tr *trial) normal(name string, n int) slot { return tr.spread(name, n, 0, 1) }

// spread is a buffer of n normals.
func (tr *trial) spread(name string, n int, mean, deviation float64) slot {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(mean + deviation*tr.rng.NormFloat64())
	}
	return tr.add(name, v, element)
}

// unset is a buffer of n NaNs for an operation to write.
func (tr *trial) unset(name string, n int, k kind) slot {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return tr.add(name, v, k)
}

// as sets the tolerance of a buffer that is read and written.
func (tr *trial) as(s slot, k kind) slot {
	tr.kinds[s] = k
	return s
}

// extra marks a buffer that only the gradient check uses.
func (tr *trial) extra(s slot) slot {
	if s != absent {
		tr.aside[s] = true
	}
	return s
}

// own marks a buffer whose layout is the backend's.
func (tr *trial) own(s slot) slot {
	tr.private[s] = true
	return s
}

// sizes marks a buffer whose length is the operation's size.
func (tr *trial) sizes(s slot) slot {
	if s != absent {
		tr.sizing[s] = true
	}
	return s
}

func (tr *trial) indices(v []int32) index {
	tr.ints = append(tr.ints, v)
	return index(len(tr.ints) - 1)
}

// machine is a trial's buffers on one backend.
type machine struct {
	device.Backend
	trial   *trial
	bases   []device.Buffer // with guards
	bufs    []device.Buffer
	lists   []device.Ints
	scalars []float64

	shortSlot  slot // handed out with one element less; absent for none
	shortIndex index
}

// place uploads a trial's inputs.
func (tr *trial) place(t testing.TB, be device.Backend) *machine {
	t.Helper()
	m, err := tr.lay(be)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (tr *trial) lay(be device.Backend) (*machine, error) {
	m := &machine{Backend: be, trial: tr, shortSlot: absent, shortIndex: -1}
	for _, v := range tr.values {
		base, err := be.Alloc(device.Activations, len(v)+2*guard)
		if err != nil {
			return nil, err
		}
		m.bases = append(m.bases, base)
		m.bufs = append(m.bufs, base.Slice(guard, len(v)))
	}
	for _, v := range tr.ints {
		list, err := be.AllocInts(len(v))
		if err != nil {
			return nil, err
		}
		be.UploadInts(list, v)
		m.lists = append(m.lists, list)
	}
	m.reset()
	return m, nil
}

// reset uploads the initial values again, with guards around them.
func (m *machine) reset() {
	for s, v := range m.trial.values {
		all := make([]float32, len(v)+2*guard)
		for i := range all {
			all[i] = guardValue(slot(s), i)
		}
		copy(all[guard:], v)
		m.Upload(m.bases[s], all)
	}
}

// at is the buffer of a slot.
func (m *machine) at(s slot) device.Buffer {
	if s == absent {
		return device.Buffer{}
	}
	if s == m.shortSlot {
		return m.bufs[s].Slice(0, m.bufs[s].N-1)
	}
	return m.bufs[s]
}

func (m *machine) list(i index) device.Ints {
	v := m.lists[i]
	if i == m.shortIndex {
		v.N--
	}
	return v
}

// result keeps a number that an operation returned.
func (m *machine) result(v float64) { m.scalars = append(m.scalars, v) }

func (m *machine) settle(t testing.TB) {
	t.Helper()
	if err := m.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
}

// download reads all buffers with their guards.
func (m *machine) download() [][]float32 {
	out := make([][]float32, len(m.bases))
	for s, b := range m.bases {
		out[s] = make([]float32, b.N)
		m.Download(out[s], b)
	}
	return out
}

func (m *machine) free() {
	for _, b := range m.bases {
		m.Free(b)
	}
	for _, l := range m.lists {
		m.FreeInts(l)
	}
}

// checkRanges runs the trial with each of its buffers one element short, which
// must panic. A slot of one element is left out: short, it would be absent.
func (m *machine) checkRanges(t *testing.T) {
	t.Helper()
	panics := func() (did bool) {
		defer func() { did = recover() != nil }()
		m.trial.run(m)
		return
	}
	for s, v := range m.trial.values {
		if m.trial.sizing[s] || m.trial.aside[s] || len(v) < 2 {
			continue
		}
		m.reset()
		if m.shortSlot = slot(s); !panics() {
			t.Errorf("no panic where buffer %d (%s) is one element short", s, m.trial.names[s])
		}
	}
	m.shortSlot = absent
	for i := range m.trial.ints {
		m.reset()
		if m.shortIndex = index(i); !panics() {
			t.Errorf("no panic where index list %d is one element short", i)
		}
	}
	m.shortIndex = -1
}
