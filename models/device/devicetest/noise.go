package devicetest

import (
	"math"
	"testing"

	"prabench/models/device"
)

const noiseKey = 0x0123456789abcdef

var _ = of[device.Normal](normal)

func normal() []*trial {
	var out []*trial
	for _, c := range []struct {
		ids             []int32
		tokens, at, dim int
		stream          uint32
	}{
		{[]int32{0}, 1, 0, 1, 0}, {[]int32{7}, 2, 3, 3, 1}, {[]int32{4, 1, 4}, 16, 0, 12, 2}, {[]int32{-1, 1 << 30}, 4, 60, 49, 1 << 16},
		{[]int32{0, 1, 2, 3, 4, 5, 6}, 16, 16, 64, 0}, {[]int32{9, 8}, 5, 1, 513, 17}, {[]int32{3}, 300, 0, 100, 5}, {[]int32{2}, 1, 0, 4096, 8},
	} {
		tr := newTrial("%+v", c)
		list, dst := tr.indices(c.ids), tr.unset("dst", len(c.ids)*c.tokens*c.dim, noise)
		tr.run = func(m *machine) {
			device.Do(m, device.Normal{
				Dst: m.at(dst), IDs: m.list(list), Batch: len(c.ids), Tokens: c.tokens, At: c.at, Dim: c.dim,
				Key: noiseKey, Stream: c.stream,
			})
		}
		tr.ranges = c.dim == 3
		out = append(out, tr)
	}
	return out
}

// normalAddresses checks that a number depends on its address only: a batch
// at once, in any order, image by image or token by token, on any number of
// threads, has the same bits.
func normalAddresses(t *testing.T, one, two device.Backend) {
	const tokens, dim, stream = 16, 50, 3
	ids := []int32{5, 0, 12, 3, 99, 1, 41}
	draw := func(be device.Backend, ids []int32, tokens, at, dim int) []float32 {
		dst, err := be.Alloc(device.Activations, len(ids)*tokens*dim)
		if err != nil {
			t.Fatal(err)
		}
		defer be.Free(dst)
		list, err := be.AllocInts(len(ids))
		if err != nil {
			t.Fatal(err)
		}
		defer be.FreeInts(list)
		be.UploadInts(list, ids)
		device.Do(be, device.Normal{Dst: dst, IDs: list, Batch: len(ids), Tokens: tokens, At: at, Dim: dim, Key: noiseKey, Stream: stream})
		out := make([]float32, dst.N)
		be.Download(out, dst)
		return out
	}
	whole := draw(one, ids, tokens, 0, dim)
	same := func(what string, got []float32, image, token, n int) {
		for i, v := range got {
			if want := whole[(image*tokens+token)*dim+i/n*dim+i%n]; math.Float32bits(v) != math.Float32bits(want) {
				t.Fatalf("%s: image %d, token %d, number %d: %v, in the whole batch %v", what, image, token+i/n, i%n, v, want)
			}
		}
	}
	for name, be := range map[string]device.Backend{"1 thread": one, "2 threads": two} {
		same(name, draw(be, ids, tokens, 0, dim), 0, 0, dim)
		for i := range ids {
			same(name+", one image", draw(be, ids[i:i+1], tokens, 0, dim), i, 0, dim)
			same(name+", four tokens", draw(be, ids[i:i+1], 4, 8, dim), i, 8, dim)
			same(name+", few numbers", draw(be, ids[i:i+1], 4, 8, 7), i, 8, 7)
		}
		pair := draw(be, []int32{ids[6], ids[2]}, tokens, 0, dim)
		same(name+", other order", pair[:tokens*dim], 6, 0, dim)
		same(name+", other order", pair[tokens*dim:], 2, 0, dim)
	}
}
