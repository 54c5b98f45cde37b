package layers

// Patches is how an image becomes tokens: squares of Patch pixels.
type Patches struct{ Size, Channels, Patch int }

// RasterPatches are patches whose tokens go by rows, and that order.
func RasterPatches(size, channels, patch int) (Patches, []int32) {
	order := make([]int32, size/patch*(size/patch))
	for i := range order {
		order[i] = int32(i)
	}
	return Patches{Size: size, Channels: channels, Patch: patch}, order
}

// pixelTable maps a byte to its value in [−1, 1].
var pixelTable = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(i)/127.5 - 1
	}
	return
}()

// Cut writes one image's tokens [N, P] in generation order: order has the raster
// position of each. A token's values run row, column, channel.
func (c Patches) Cut(dst []float32, image []uint8, order []int32) {
	p, g, ch := c.Patch, c.Size/c.Patch, c.Channels
	row := p * ch
	for i, o := range order {
		y, x := int(o)/g*p, int(o)%g*p
		for j := range p {
			src := image[((y+j)*c.Size+x)*ch:][:row]
			d := dst[(i*p+j)*row:][:row]
			for k, v := range src {
				d[k] = pixelTable[v]
			}
		}
	}
}

// Join is the inverse of Cut; values are clipped to [−1, 1] and rounded to the
// nearest byte.
func (c Patches) Join(image []uint8, tokens []float32, order []int32) {
	p, g, ch := c.Patch, c.Size/c.Patch, c.Channels
	row := p * ch
	for i, o := range order {
		y, x := int(o)/g*p, int(o)%g*p
		for j := range p {
			d := image[((y+j)*c.Size+x)*ch:][:row]
			for k, v := range tokens[(i*p+j)*row:][:row] {
				switch {
				case v >= 1:
					d[k] = 255
				case v > -1: // also sends NaN to 0
					d[k] = uint8((v+1)*127.5 + 0.5)
				default:
					d[k] = 0
				}
			}
		}
	}
}

// JoinAll is [Patches.Join] for images side by side, of which out must have room for so
// many.
func (c Patches) JoinAll(out []uint8, images int, tokens []float32, order []int32) {
	bytes, per := c.Size*c.Size*c.Channels, len(order)*c.Patch*c.Patch*c.Channels
	for i := range images {
		c.Join(out[i*bytes:(i+1)*bytes], tokens[i*per:(i+1)*per], order)
	}
}
