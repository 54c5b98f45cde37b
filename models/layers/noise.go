package layers

import "math"

// Philox is Philox4x32-10 (Salmon et al., SC 2011) on the counter
// (index, token, image, stream). A random number is addressed by these and a key,
// and by nothing else; the streams are a family's own.
func Philox(key uint64, index, token, image, stream uint32) [4]uint32 {
	a, b, c, d := index, token, image, stream
	k0, k1 := uint32(key), uint32(key>>32)
	for range 10 {
		p, q := uint64(0xD2511F53)*uint64(a), uint64(0xCD9E8D57)*uint64(c)
		a, b, c, d = uint32(q>>32)^b^k0, uint32(q), uint32(p>>32)^d^k1, uint32(p)
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return [4]uint32{a, b, c, d}
}

// Uniform is a uniform number in [0, 1), a multiple of 2⁻²⁴.
func Uniform(key uint64, stream, image, token uint32) float64 {
	return float64(Philox(key, 0, token, image, stream)[0]>>8) * 0x1p-24
}

// Normal is a standard normal, one of the pair at (image, token): which ∈ {0, 1}.
func Normal(key uint64, stream, image, token uint32, which int) float64 {
	w := Philox(key, 0, token, image, stream)
	m := math.Sqrt(-2 * math.Log(float64((w[0]>>8)+1)*0x1p-24))
	sin, cos := math.Sincos(2 * math.Pi * float64(w[1]>>8) * 0x1p-24)
	if which == 0 {
		return m * cos
	}
	return m * sin
}

// Shuffled is the order of n training images in an epoch.
func Shuffled(key uint64, stream, epoch uint32, n int) []int32 {
	p := make([]int32, n)
	Shuffle(p, key, stream, epoch)
	return p
}

// Shuffle writes an order of the numbers from 0 into p: that of the images in an epoch,
// or of the tokens of an image.
func Shuffle(p []int32, key uint64, stream, image uint32) {
	for i := range p {
		p[i] = int32(i)
	}
	for i := len(p) - 1; i > 0; i-- {
		w := Philox(key, 0, uint32(i), image, stream)
		j := int((uint64(w[0])<<32 | uint64(w[1])) % uint64(i+1))
		p[i], p[j] = p[j], p[i]
	}
}
