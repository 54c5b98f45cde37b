package layers

import (
	"fmt"
	"slices"

	"prabench/models/device"
	"prabench/models/ranks"
)

// sums adds up the gradients of the ranks of a training.
//
// Where the devices of all ranks can do it among themselves (see [device.Reducer]), they
// begin while the backward pass still runs: the flat gradient is cut into buckets, and a
// bucket is sent when the last operation that writes to it was asked for. Which one that
// is, a step tells the steps after it: sums counts the writes to each bucket, as every
// operation names what it writes, so that no model has to say it. By then every kernel has
// been loaded as well, which may wait for sums that run. Elsewhere the sums go through the
// memory of the host, in the order of the ranks.
type sums struct {
	group   ranks.Group
	be      device.Backend
	by      device.Reduction // nil: through the host
	met     bool
	grads   device.Buffer
	buckets []bucket
	uses    []device.Use
	late    error
}

// bucket is a piece of the gradient that is sent at once.
type bucket struct {
	device.Buffer
	writes int // in this step so far
	last   int // the number of a step's last one, 0 where no step has told it
	sent   bool
}

// mostBuckets is how many pieces the gradients of matrices are cut into: the sum of the
// last piece has nothing to run beside, and each costs the time of a call.
const mostBuckets = 8

// cut cuts a gradient between tensors: into mostBuckets pieces of about the same size of
// tensors with weight decay, and one of the others. Those are small, and belong to layers
// of all pieces.
func cut(grads device.Buffer, l *Parameters) (out []bucket) {
	ends := make([]int, 0, len(l.Tensors))
	for _, t := range l.Tensors {
		ends = append(ends, t.Offset+t.N)
	}
	slices.Sort(ends)
	each := (l.Decayed + mostBuckets - 1) / mostBuckets
	begin := 0
	for _, end := range ends {
		if end-begin >= each && end <= l.Decayed || end == l.Decayed || end == l.Total {
			if end > begin {
				out = append(out, bucket{Buffer: grads.Slice(begin, end-begin)})
			}
			begin = end
		}
	}
	return out
}

// add replaces the gradient by its sum over all ranks.
func (s *sums) add(be device.Backend, o *AdamW) error {
	if !s.met {
		if err := s.meet(be, o); err != nil {
			return err
		}
	}
	if s.by == nil {
		return s.group.Sum(o.Grads.N, func(dst []float32, at int) { be.Download(dst, o.Grads.Slice(at, len(dst))) },
			func(sums []float32, at int) { be.Upload(o.Grads.Slice(at, len(sums)), sums) })
	}
	for i := range s.buckets {
		if b := &s.buckets[i]; !b.sent {
			s.by.Send(b.Buffer)
		}
	}
	err := s.by.Wait()
	if err == nil {
		err = s.late
	}
	for i := range s.buckets {
		b := &s.buckets[i]
		b.last, b.writes, b.sent = b.writes, 0, false
	}
	return err
}

// meet finds out what all ranks can do, the same on each.
func (s *sums) meet(be device.Backend, o *AdamW) error {
	s.be, s.met, s.grads = be, true, o.Grads
	by := be.Caps().Reducer
	n, rank := s.group.Size(), s.group.Rank()
	said := make([]float64, n+device.ReduceID) // versions, and from rank 0 the name of the meeting
	version, why := 0, fmt.Errorf("no library for it")
	if by != nil {
		version, why = by.Reduces()
	}
	if version > 0 && rank == 0 {
		var id []byte
		if id, why = by.NewID(); why != nil {
			version = 0
		}
		for i, v := range id {
			said[n+i] = float64(v)
		}
	}
	said[rank] = float64(version)
	if err := s.group.SumWide(said); err != nil {
		return err
	}
	for r, v := range said[:n] {
		if v != said[0] && why == nil {
			why = fmt.Errorf("it has version %g on rank %d and %g on rank 0", v, r, said[0])
		}
	}
	if slices.ContainsFunc(said[:n], func(v float64) bool { return v == 0 || v != said[0] }) {
		if by != nil {
			by.Without(why.Error())
		}
		return nil
	}
	id := make([]byte, device.ReduceID)
	for i := range id {
		id[i] = byte(said[n+i])
	}
	return s.join(by, id, o)
}

// join joins the devices, unless that fails on one of them.
func (s *sums) join(by device.Reducer, id []byte, o *AdamW) error {
	joined, why := by.Join(id, s.group.Rank(), s.group.Size(), s.group.Missing)
	if _, lost := ranks.IsLost(why); lost {
		return why
	}
	failed := []float64{0}
	if why != nil {
		failed[0] = 1
	}
	if err := s.group.SumWide(failed); err != nil {
		return err
	}
	if failed[0] > 0 {
		if joined != nil {
			joined.Close()
		}
		if why == nil {
			why = fmt.Errorf("the device of another process could not join")
		}
		by.Without(why.Error())
		return nil
	}
	s.by, s.buckets = joined, cut(o.Grads, o.of)
	device.Watch(s.be, s.did)
	return nil
}

// did counts what an operation writes to the gradient, and sends what is complete.
func (s *sums) did(op device.Op) {
	s.uses = device.Operands(op, s.uses[:0])
	for _, u := range s.uses {
		if u.Access == device.Reads || u.Buffer.Base != s.grads.Base {
			continue
		}
		for i := range s.buckets {
			if b := &s.buckets[i]; u.Buffer.Off < b.Off+b.N && b.Off < u.Buffer.Off+u.Need {
				s.wrote(b, op)
			}
		}
	}
}

func (s *sums) wrote(b *bucket, op device.Op) {
	if b.sent && s.late == nil {
		s.late = fmt.Errorf("%s writes to a gradient that was sent to the other ranks: this step asks for more than the one before it",
			device.Text(op))
	}
	if b.writes++; b.writes == b.last && !b.sent {
		b.sent = true
		s.by.Send(b.Buffer)
	}
}

func (s *sums) close() {
	if s.by != nil {
		device.Watch(s.be, nil)
		s.by.Close()
	}
	s.by, s.met = nil, false
}
