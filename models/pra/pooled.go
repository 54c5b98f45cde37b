package pra

import (
	"fmt"

	"prabench/models"
	"prabench/models/layers"
)

// PooledFeatures are the trunk's outputs h for real images, averaged over the
// tokens: [N, W], for a linear probe. The images are the AR inputs as they are,
// and the class is the null class, so that the features know nothing of the
// label. weights is "ema" or "raw"; batch images are read at once; done is
// called after each batch with the number so far, and its error ends the work.
func (m *Model) PooledFeatures(images models.Images, weights string, batch int, done func(int) error) ([]float32, error) {
	c, be := m.Config, m.net.be
	if images.Size != c.Size || images.Channels != c.Channels || images.N < 1 || batch < 1 {
		return nil, fmt.Errorf("features: %d images of %d×%d×%d, %d at once; the model reads images of %d×%d×%d", images.N, images.Size,
			images.Size, images.Channels, batch, c.Size, c.Size, c.Channels)
	}
	batch = min(batch, images.N)
	N, P, W := c.Tokens(), c.TokenDim(), c.Width
	mem := layers.Memory{Be: be}
	defer mem.Free()
	acts := m.net.trunkActs(&mem, batch, false)
	x, labels := mem.Act(batch*N*P), mem.Ints(batch)
	if mem.Err != nil {
		return nil, fmt.Errorf("features: %w", mem.Err)
	}
	null := make([]int32, batch)
	for i := range null {
		null[i] = int32(c.Classes)
	}
	be.UploadInts(labels, null)
	order, size := c.order(), c.Size*c.Size*c.Channels
	tokens, h := make([]float32, batch*N*P), make([]float32, batch*N*W)
	out := make([]float32, images.N*W)
	for at := 0; at < images.N; at += batch {
		n := min(batch, images.N-at)
		for i := range n {
			c.patches().Cut(tokens[i*N*P:(i+1)*N*P], images.Pixels[(at+i)*size:(at+i+1)*size], order)
		}
		be.Upload(x.Slice(0, n*N*P), tokens[:n*N*P])
		m.net.trunk(m.weights(weights), acts, x, labels, n)
		be.Download(h[:n*N*W], acts.H.Slice(0, n*N*W))
		if err := be.Err(); err != nil {
			return nil, fmt.Errorf("features: %w", err)
		}
		for i := range n {
			to := out[(at+i)*W : (at+i+1)*W]
			for j := range N {
				for k, v := range h[(i*N+j)*W : (i*N+j+1)*W] {
					to[k] += v / float32(N)
				}
			}
		}
		if err := done(at + n); err != nil {
			return nil, err
		}
	}
	return out, nil
}
