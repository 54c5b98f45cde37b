package pra

import "math"

// Streams separate the uses of random numbers under one seed. A number is
// addressed by (seed, stream, image, token, index) and by nothing else.
const (
	streamSample    uint32 = 0       // ω, the flow's starting noise
	streamState     uint32 = 1       // noise on the state in training
	streamInput     uint32 = 2       // noise on the pixel inputs in training
	streamStateSize uint32 = 3       // strength of the state's noise
	streamInputSize uint32 = 4       // strength of the input noise
	streamDropout   uint32 = 5       // class dropout
	streamMix       uint32 = 6       // which images keep depth-1 inputs
	streamOrder     uint32 = 7       // order of the training images
	streamInit      uint32 = 8       // initial parameters
	streamFlow      uint32 = 16      // + s: ε of flow sample s
	streamTime      uint32 = 1 << 16 // + s: t of flow sample s
)

// philox is Philox4x32-10 (Salmon et al., SC 2011) on the counter
// (index, token, image, stream).
func philox(key uint64, index, token, image, stream uint32) [4]uint32 {
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

// uniformAt is a uniform number in [0, 1), a multiple of 2⁻²⁴.
func uniformAt(key uint64, stream, image, token uint32) float64 {
	return float64(philox(key, 0, token, image, stream)[0]>>8) * 0x1p-24
}

// normalAt is a standard normal, one of the pair at (image, token): which ∈ {0, 1}.
func normalAt(key uint64, stream, image, token uint32, which int) float64 {
	w := philox(key, 0, token, image, stream)
	m := math.Sqrt(-2 * math.Log(float64((w[0]>>8)+1)*0x1p-24))
	sin, cos := math.Sincos(2 * math.Pi * float64(w[1]>>8) * 0x1p-24)
	if which == 0 {
		return m * cos
	}
	return m * sin
}

// shuffled is the order of n training images in an epoch.
func shuffled(key uint64, epoch uint32, n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		w := philox(key, 0, uint32(i), epoch, streamOrder)
		j := int((uint64(w[0])<<32 | uint64(w[1])) % uint64(i+1))
		p[i], p[j] = p[j], p[i]
	}
	return p
}
