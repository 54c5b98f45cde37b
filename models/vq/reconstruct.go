package vq

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
)

// CodedWeights are those of the tokenizer, which are not averaged.
func (p Params) CodedWeights() string { return "raw" }

// Codes is the size of the codebook.
func (p Params) Codes() int { return p.Model.Codes }

// Reconstruct gives what the tokenizer makes of real images, and their codes.
func (m *Model) Reconstruct(images models.Images, _ string, batch int, done func(int) error) ([]uint8, []int32, error) {
	c, be := m.params.Model, m.be
	if images.Size != c.Size || images.Channels != c.Channels || images.N < 1 || batch < 1 {
		return nil, nil, fmt.Errorf("reconstruction: %d images of %d×%d×%d, %d at once; the model has images of %d×%d×%d", images.N,
			images.Size, images.Size, images.Channels, batch, c.Size, c.Size, c.Channels)
	}
	batch = min(batch, images.N)
	N, P, size := c.Tokens(), c.TokenDim(), c.Size*c.Size*c.Channels
	mem := layers.Memory{Be: be}
	defer mem.Free()
	enc, dec := m.tok.encoderActs(&mem, batch, false), m.tok.decoderActs(&mem, batch, false)
	x, index := mem.Act(batch*N*P), mem.Ints(batch*N)
	if mem.Err != nil {
		return nil, nil, fmt.Errorf("reconstruction: %w", mem.Err)
	}
	patches, order := c.patches()
	tokens, host := make([]float32, batch*N*P), make([]float32, batch*N*c.Codes)
	out, codes := make([]uint8, images.N*size), make([]int32, images.N*N)
	p := m.pass(m.coder, device.Buffer{})
	for at := 0; at < images.N; at += batch {
		n := min(batch, images.N-at)
		for i := range n {
			patches.Cut(tokens[i*N*P:(i+1)*N*P], images.Pixels[(at+i)*size:(at+i+1)*size], order)
		}
		be.Upload(x.Slice(0, n*N*P), tokens[:n*N*P])
		m.tok.encode(p, enc, x, n)
		of := codes[at*N : (at+n)*N]
		m.book.nearest(be, of, host, enc.z, enc.scores)
		be.UploadInts(index, of)
		m.book.gather(be, dec.zq, index, n*N)
		m.tok.decode(p, dec, n)
		be.Download(tokens[:n*N*P], dec.y.Slice(0, n*N*P))
		if err := be.Err(); err != nil {
			return nil, nil, fmt.Errorf("reconstruction: %w", err)
		}
		for i := range n {
			patches.Join(out[(at+i)*size:(at+i+1)*size], tokens[i*N*P:(i+1)*N*P], order)
		}
		if err := done(at + n); err != nil {
			return nil, nil, err
		}
	}
	return out, codes, nil
}
