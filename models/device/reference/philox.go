package reference

import (
	"math"
	"math/bits"

	"prabench/models/device"
)

// Philox is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers:
// as easy as 1, 2, 3; SC 2011): four words of a counter under a key of two.
func Philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	const m0, m1, w0, w1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85
	x := counter
	for round := range uint32(10) {
		k0, k1 := key[0]+round*w0, key[1]+round*w1
		hi0, lo0 := bits.Mul32(m0, x[0])
		hi1, lo1 := bits.Mul32(m1, x[2])
		x = [4]uint32{hi1 ^ x[1] ^ k0, lo1, hi0 ^ x[3] ^ k1, lo0}
	}
	return x
}

// Normals are the four standard normals of a counter, by Box and Muller: words
// 0 and 1 give numbers 0 and 1, words 2 and 3 the others.
func Normals(words [4]uint32) (n [4]float64) {
	for i := 0; i < 4; i += 2 {
		u := float64(words[i]>>8+1) * 0x1p-24 // (0, 1]
		v := float64(words[i+1]>>8) * 0x1p-24 // [0, 1)
		radius := math.Sqrt(-2 * math.Log(u))
		sin, cos := math.Sincos(2 * math.Pi * v)
		n[i], n[i+1] = radius*cos, radius*sin
	}
	return n
}

// Normal takes the low word of the key first.
var _ = device.On(&ops, func(d *Backend, o *device.Normal) {
	D, id := d.rows(o.Dst, o.Batch*o.Tokens, o.Dim), d.indices(o.IDs, o.Batch)
	for b := range o.Batch {
		for t := range o.Tokens {
			for c := range o.Dim {
				counter := [4]uint32{uint32(c / 4), uint32(o.At + t), uint32(id[b]), o.Stream}
				D.set(b*o.Tokens+t, c, Normals(Philox(counter, [2]uint32{uint32(o.Key), uint32(o.Key >> 32)}))[c%4])
			}
		}
	}
})
