package layers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
	"prabench/models/ranks"
)

// A gradient is cut between tensors: every number is in one bucket, and buckets of
// matrices are of about one size.
func TestCut(t *testing.T) {
	var l Parameters
	for i := range 20 {
		l.Linear(fmt.Sprint("l", i), 10+i, 7)
	}
	l.Linear("large", 100, 50)
	l.Tensor("table", false, 1, 30, 2)
	l.Place()
	at := 0
	buckets := cut(device.Buffer{Base: 1, N: l.Total}, &l)
	for i, b := range buckets {
		if b.Off != at {
			t.Errorf("bucket %d begins at %d, the one before it ends at %d", i, b.Off, at)
		}
		at += b.N
		whole := slices.ContainsFunc(l.Tensors, func(p *Tensor) bool { return p.Offset+p.N == at })
		if !whole || at > l.Decayed && at != l.Total || i < len(buckets)-2 && b.N < l.Decayed/mostBuckets {
			t.Errorf("bucket %d of %d numbers ends at %d, inside a tensor or too early; %d of %d have decay", i, b.N, at, l.Decayed, l.Total)
		}
	}
	if at != l.Total || len(buckets) > mostBuckets+1 || len(buckets) < 4 {
		t.Errorf("%d buckets have %d of %d numbers", len(buckets), at, l.Total)
	}
	var plain Parameters
	plain.Tensor("only", true, 1, 5)
	plain.Place()
	if got := cut(device.Buffer{Base: 1, N: 5}, &plain); len(got) != 1 || got[0].N != 5 {
		t.Errorf("one tensor: %v", got)
	}
}

// reducing is a device that can sum with others, and notes what it was asked.
type reducing struct {
	device.Backend
	version int
	refuses error // to join
	fails   error // to sum
	asked   []string
}

func (r *reducing) Caps() device.Caps {
	caps := r.Backend.Caps()
	caps.Reducer = r
	return caps
}

func (r *reducing) Reduces() (int, error) {
	if r.version == 0 {
		return 0, errors.New("nothing here")
	}
	return r.version, nil
}

func (r *reducing) NewID() ([]byte, error) {
	id := make([]byte, device.ReduceID)
	id[0], id[device.ReduceID-1] = 7, 200
	return id, nil
}

func (r *reducing) Join(id []byte, rank, size int, _ func() error) (device.Reduction, error) {
	r.note("join %d %d as %d of %d", id[0], id[device.ReduceID-1], rank, size)
	if r.refuses != nil {
		return nil, r.refuses
	}
	return meeting{r}, nil
}

func (r *reducing) note(format string, args ...any) {
	r.asked = append(r.asked, fmt.Sprintf(format, args...))
}
func (r *reducing) Without(why string) { r.note("without: %s", why) }

// meeting is one with the other rank.
type meeting struct{ *reducing }

func (m meeting) Send(b device.Buffer) { m.note("send %d+%d", b.Off, b.N) }
func (m meeting) Close()               { m.note("close") }
func (m meeting) Wait() error          { m.note("wait"); return m.fails }

// said gives what was noted since the last time.
func (r *reducing) said() string {
	out := strings.Join(r.asked, ", ")
	r.asked = nil
	return out
}

// others is the group of a rank 0, whose other rank says versions and failures.
type others struct {
	group
	version, failed float64
	summed          *bool
}

func (o others) SumWide(x []float64) error {
	switch len(x) {
	case 2 + device.ReduceID:
		x[1] += o.version
	case 1:
		x[0] += o.failed
	case 5: // a loss, norms and steps
		x[2], x[4] = x[1], x[3]
	}
	return nil
}

func (o others) Sum(int, func([]float32, int), func([]float32, int)) error {
	*o.summed = true
	return nil
}

// two is the parameters, optimiser and share of a model of two matrices and their biases.
func two(t *testing.T, o others, r *reducing) (*AdamW, Share) {
	t.Helper()
	r.Backend = reference.New()
	var l Parameters
	l.Linear("a", 2, 3)
	l.Linear("b", 2, 3)
	l.Place()
	m := &Memory{Be: r}
	adam := NewAdamW(m, &l, Recipe{})
	share, err := ShareOf(o, 4, 0)
	if err != nil || m.Err != nil {
		t.Fatal(err, m.Err)
	}
	return adam, share
}

// The first step has all buckets sent at its end, the second one counts the writes to
// each, and from the third on a bucket is sent with the last of them. A step that writes
// less sends the rest at its end, and one that writes to what was sent is an error.
func TestBucketsAreSentWhenTheyAreReady(t *testing.T) {
	r := &reducing{version: 3}
	summed := false
	o := others{group{0, 2}, 3, 0, &summed}
	adam, share := two(t, o, r)
	r.said()
	add := func(lo, n int) {
		device.Do(r, device.Mix{Dst: adam.Grads.Slice(lo, n), A: 1, X: adam.Grads.Slice(lo, n), B: 0, Y: adam.M.Slice(lo, n)})
	}
	step := func(b bool) {
		device.Do(r, device.Fill{Dst: adam.Grads})
		r.note("backward")
		if b {
			add(6, 6)
			add(15, 3)
		}
		add(0, 6)
		add(12, 3)
		r.note("gather")
	}
	for i, c := range []struct {
		b    bool
		want string
	}{
		{true, "backward, gather, join 7 200 as 0 of 2, send 0+6, send 6+6, send 12+6, wait"},
		{true, "backward, gather, send 0+6, send 6+6, send 12+6, wait"},
		{true, "backward, send 6+6, send 0+6, send 12+6, gather, wait"},
		{false, "backward, send 0+6, gather, send 6+6, send 12+6, wait"},
	} {
		step(c.b)
		if err := share.Gather(r, adam, i, []float64{0}); err != nil {
			t.Fatal(err)
		}
		if got := r.said(); got != c.want {
			t.Errorf("step %d:\n%s, want\n%s", i+1, got, c.want)
		}
	}
	step(true)
	if err := share.Gather(r, adam, 4, []float64{0}); err == nil ||
		!strings.Contains(err.Error(), "Mix(6) writes to a gradient that was sent") {
		t.Errorf("a write to a bucket that was sent: %v", err)
	}
	r.said()
	share.Close()
	add(0, 6)
	if got := r.said(); got != "close" || summed {
		t.Errorf("closed: %q, through the host: %v", got, summed)
	}
}

// The gradient goes through the host where a rank has no library, another version of it,
// or cannot join; what fails later is an error.
func TestSumsThroughTheHost(t *testing.T) {
	for name, c := range map[string]struct {
		own           int
		version       float64
		refuses       error
		failed        float64
		want          string
		throughDevice bool
	}{
		"both":             {own: 3, version: 3, want: "join 7 200 as 0 of 2, send 0+6, send 6+6, send 12+6, wait", throughDevice: true},
		"none here":        {version: 3, want: "without: nothing here"},
		"none there":       {own: 3, want: "without: it has version 0 on rank 1 and 3 on rank 0"},
		"another there":    {own: 3, version: 4, want: "without: it has version 4 on rank 1 and 3 on rank 0"},
		"cannot join here": {own: 3, version: 3, refuses: errors.New("no"), want: "join 7 200 as 0 of 2, without: no"},
		"cannot join there": {own: 3, version: 3, failed: 1,
			want: "join 7 200 as 0 of 2, close, without: the device of another process could not join"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &reducing{version: c.own, refuses: c.refuses}
			summed := false
			adam, share := two(t, others{group{0, 2}, c.version, c.failed, &summed}, r)
			r.said()
			for range 2 {
				if err := share.Gather(r, adam, 0, []float64{0}); err != nil {
					t.Fatal(err)
				}
				if got := r.said(); c.want != "" && got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
				if summed == c.throughDevice {
					t.Errorf("through the host: %v", summed)
				}
				c.want = "" // once
			}
			share.Close()
		})
	}
	for _, err := range []error{&ranks.Lost{Rank: 1}, errors.New("broken")} {
		r := &reducing{version: 3, fails: err}
		summed := false
		adam, share := two(t, others{group{0, 2}, 3, 0, &summed}, r)
		if got := share.Gather(r, adam, 0, []float64{0}); !errors.Is(got, err) {
			t.Errorf("%v, want %v", got, err)
		}
		r = &reducing{version: 3, refuses: err}
		adam, share = two(t, others{group{0, 2}, 3, 0, &summed}, r)
		got := share.Gather(r, adam, 0, []float64{0})
		if _, lost := ranks.IsLost(err); lost != errors.Is(got, err) {
			t.Errorf("joining: %v of %v", got, err)
		}
	}
}
