package embed

// loadPixels writes pixels/255 of m images into the interior of the padded
// buffer of the first convolution and zeros for the rest of the chunk.
func loadPixels(images []uint8, m, size, channels int, padded []float32) {
	wide, line := size+2, size*channels
	for i := range chunk {
		for y := range size {
			dst := padded[((i*wide+y+1)*wide+1)*channels:][:line]
			if i >= m {
				clear(dst)
				continue
			}
			for x, v := range images[(i*size+y)*line:][:line] {
				dst[x] = float32(v) * (1. / 255)
			}
		}
	}
}

// gather lays the 3×3 neighbourhoods of a chunk out as rows: padded
// [chunk, side+2, side+2, in] becomes cols [chunk·side², 9·in]. Three pixels of
// a row are contiguous, so a row of cols is three copies.
func gather(padded []float32, side, in int, cols []float32) {
	wide, run := side+2, 3*in
	for i := range chunk {
		for y := range side {
			row := cols[(i*side+y)*side*9*in:][:side*9*in]
			for ky := range 3 {
				line := padded[(i*wide+y+ky)*wide*in:][:wide*in]
				if in == 1 {
					for x := range side {
						to := row[x*9+ky*3:][:3]
						to[0], to[1], to[2] = line[x], line[x+1], line[x+2]
					}
					continue
				}
				for x := range side {
					copy(row[(x*3+ky)*run:][:run], line[x*in:][:run])
				}
			}
		}
	}
}

// scatter is gather transposed: it adds every neighbourhood's values back to
// the padded positions that they came from.
func scatter(cols []float32, side, in int, padded []float32) {
	wide, run := side+2, 3*in
	clear(padded[:chunk*wide*wide*in])
	for i := range chunk {
		for y := range side {
			row := cols[(i*side+y)*side*9*in:][:side*9*in]
			for ky := range 3 {
				line := padded[(i*wide+y+ky)*wide*in:][:wide*in]
				for x := range side {
					from := row[(x*3+ky)*run:][:run]
					to := line[x*in:][:run]
					for j, v := range from {
						to[j] += v
					}
				}
			}
		}
	}
}
