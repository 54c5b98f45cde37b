package layers

// Patches is how an image becomes tokens: squares of Patch pixels.
type Patches struct{ Size, Channels, Patch int }

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
