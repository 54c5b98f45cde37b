package pra

import (
	"fmt"

	"prabench/models"
	"prabench/models/layers"
)

// CodedWeights are those that samples are drawn with.
func (p Params) CodedWeights() string { return p.Sample.Weights }

// Codes is 0: states are not discrete.
func (p Params) Codes() int { return 0 }

// Reconstruct is D(E(x)) of real images, without noise: the best that a perfect head
// could make of them. Where encoder or decoder see h, it is that of the images
// themselves and their labels. Without a state (d = 0) images are given back as they are.
func (m *Model) Reconstruct(images models.Images, weights string, batch int, done func(int) error) ([]uint8, []int32, error) {
	c, be := m.Config, m.net.be
	if images.Size != c.Size || images.Channels != c.Channels || images.N < 1 || batch < 1 || len(images.Labels) != images.N {
		return nil, nil, fmt.Errorf("reconstruction: %d images of %d×%d×%d, %d labels, %d at once; the model has images of %d×%d×%d",
			images.N, images.Size, images.Size, images.Channels, len(images.Labels), batch, c.Size, c.Size, c.Channels)
	}
	out := append([]uint8(nil), images.Pixels[:images.N*c.Size*c.Size*c.Channels]...)
	if c.State == 0 {
		return out, nil, done(images.N)
	}
	batch = min(batch, images.N)
	N, P, size := c.Tokens(), c.TokenDim(), c.Size*c.Size*c.Channels
	mem := layers.Memory{Be: be}
	defer mem.Free()
	coder := &m.net.coder
	first, enc, dec := m.net.trunkActs(&mem, batch, false), coder.EncoderActs(&mem, batch*N), coder.DecoderActs(&mem, batch*N, false)
	x, y, labels := mem.Act(batch*N*P), mem.Act(batch*N*P), mem.Ints(batch)
	if mem.Err != nil {
		return nil, nil, fmt.Errorf("reconstruction: %w", mem.Err)
	}
	order, tokens, flat := c.order(), make([]float32, batch*N*P), m.weights(weights)
	for at := 0; at < images.N; at += batch {
		n := min(batch, images.N-at)
		for i := range n {
			c.patches().Cut(tokens[i*N*P:(i+1)*N*P], images.Pixels[(at+i)*size:(at+i+1)*size], order)
		}
		be.Upload(x.Slice(0, n*N*P), tokens[:n*N*P])
		be.UploadInts(labels, images.Labels[at:at+n])
		p := m.net.inference(flat)
		if coder.EncContext+coder.DecContext > 0 {
			m.net.trunk(flat, first, x, labels, n)
		}
		coder.Encode(p, enc, x, first.H, n*N)
		coder.Decode(p, dec, y, enc.Z, first.H, m.net.sequences(n))
		be.Download(tokens[:n*N*P], y.Slice(0, n*N*P))
		if err := be.Err(); err != nil {
			return nil, nil, fmt.Errorf("reconstruction: %w", err)
		}
		for i := range n {
			c.patches().Join(out[(at+i)*size:(at+i+1)*size], tokens[i*N*P:(i+1)*N*P], order)
		}
		if err := done(at + n); err != nil {
			return nil, nil, err
		}
	}
	return out, nil, nil
}
