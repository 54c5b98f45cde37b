package layers

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/ranks"
)

// Share is the images of each batch that one rank of a training computes, in parts of
// Micro images: those from First on.
type Share struct {
	Group         ranks.Group
	Batch         int // images of a step, over all ranks
	First, Images int
	Micro         int

	sums *sums // of gradients; nil in a process that trains alone
}

// Whole is that of a process that trains alone, in one part.
func Whole(batch int) Share {
	return Share{Group: ranks.Alone{}, Batch: batch, Images: batch, Micro: batch}
}

// ShareOf is a rank's share of batches that are computed in parts of micro images, see
// [models.ShareOfBatch].
func ShareOf(g ranks.Group, batch, micro int) (s Share, err error) {
	s = Share{Group: g, Batch: batch}
	s.Images, s.Micro, err = models.ShareOfBatch(batch, g.Size(), micro)
	s.First = s.Images * g.Rank()
	if g.Size() > 1 {
		s.sums = &sums{group: g}
	}
	return s, err
}

// Parts is the number of parts of the share.
func (s Share) Parts() int { return s.Images / s.Micro }

// At is the position, in the stream of all images that a training sees, of image i of
// a part of a step.
func (s Share) At(step, part, i int) int { return step*s.Batch + s.First + part*s.Micro + i }

// position is the one with a number among the share's, number the other way round.
func (s Share) position(number int) int { return number/s.Images*s.Batch + s.First + number%s.Images }
func (s Share) number(at int) int       { return at/s.Batch*s.Images + at%s.Batch - s.First }

// Gather ends the backward pass of a step: gradients become their sums over all ranks, and
// losses, of which each is a buffer of this rank, too; one rank has nothing to do, and leaves sums
// as they are. Ranks whose weights are not the same any more differ in the norm of the gradient of
// the step before.
func (s Share) Gather(be device.Backend, o *AdamW, step int, sums []float64, losses ...device.Buffer) error {
	n, norm := s.Group.Size(), o.GradNorm
	if n == 1 {
		return nil
	}
	for i, b := range losses {
		sums[i] = SumOf(be, b)
	}
	if err := s.sums.add(be, o); err != nil {
		return err
	}
	said := make([]float64, len(sums)+2*n)
	copy(said, sums)
	norms, steps := said[len(sums):len(sums)+n], said[len(sums)+n:]
	norms[s.Group.Rank()], steps[s.Group.Rank()] = norm, float64(step)
	if err := s.Group.SumWide(said); err != nil {
		return err
	}
	copy(sums, said)
	for r := range n {
		if steps[r] != float64(step) || norms[r] != norm {
			return fmt.Errorf("the ranks have come apart: rank %d is at step %g after a gradient of %g, rank %d at step %d after %g: they compute "+
				"differently, as on devices of two kinds", r, steps[r], norms[r], s.Group.Rank(), step, norm)
		}
	}
	return nil
}

// Close ends what the share has begun on its device.
func (s Share) Close() {
	if s.sums != nil {
		s.sums.close()
	}
}

// SumOf adds up a buffer.
func SumOf(be device.Backend, b device.Buffer) (sum float64) {
	if b.Absent() {
		return 0
	}
	h := make([]float32, b.N)
	be.Download(h, b)
	for _, v := range h {
		sum += float64(v)
	}
	return sum
}
