package dataset

import (
	"bytes"
	"context"
)

// frame takes square images of one form to another. All arithmetic is in
// integers, so the result is the same on every machine.
type frame struct {
	fromSize, fromChannels int
	toSize, toChannels     int
	fit                    string // "none", "pad", "crop" or "resize"
	spans                  []span // of "resize", one per output row or column
}

// span lists the input pixels under one output pixel along an axis.
type span struct {
	first   int
	weights []uint64 // sum to fromSize
}

func (r resolved) frame() frame {
	f := frame{fromSize: r.native.size, fromChannels: r.native.channels,
		toSize: r.info.Size, toChannels: r.info.Channels, fit: r.fit}
	if f.fit == "resize" {
		f.spans = areaSpans(f.fromSize, f.toSize)
	}
	return f
}

// areaSpans gives, in units of 1/to of an input pixel, how much of each input
// pixel lies under each output pixel when from pixels are laid over to pixels.
func areaSpans(from, to int) []span {
	spans := make([]span, to)
	for o := range spans {
		lo, hi := o*from, (o+1)*from
		first := lo / to
		s := span{first: first}
		for i := first; i*to < hi; i++ {
			s.weights = append(s.weights, uint64(min(hi, (i+1)*to)-max(lo, i*to)))
		}
		spans[o] = s
	}
	return spans
}

// fitAll fits n images [n, fromSize, fromSize, fromChannels]. The result is a
// slice of its own if own is set or anything changes, else src itself.
func (f frame) fitAll(ctx context.Context, src []byte, n int, own bool) ([]byte, error) {
	if f.fit == "none" && f.fromChannels == f.toChannels {
		if own {
			return bytes.Clone(src), nil
		}
		return src, nil
	}
	in, out := f.fromSize*f.fromSize*f.fromChannels, f.toSize*f.toSize*f.toChannels
	if err := fitsInMemory(n, out); err != nil {
		return nil, err
	}
	dst := make([]byte, n*out)
	err := inParallel(ctx, n, func(i int) error {
		f.apply(dst[i*out:(i+1)*out], src[i*in:(i+1)*in])
		return nil
	})
	return dst, err
}

// apply fits one image. Dst is zero on entry.
func (f frame) apply(dst, src []byte) {
	switch f.fit {
	case "resize":
		f.resize(dst, src)
	default: // "none", "pad", "crop": shift by the halved difference
		f.shift(dst, src)
	}
}

func (f frame) shift(dst, src []byte) {
	off := (f.toSize - f.fromSize) / 2 // negative when cropping
	for y := range f.toSize {
		sy := y - off
		if sy < 0 || sy >= f.fromSize {
			continue
		}
		for x := range f.toSize {
			sx := x - off
			if sx < 0 || sx >= f.fromSize {
				continue
			}
			from := src[(sy*f.fromSize+sx)*f.fromChannels:][:f.fromChannels]
			convert(dst[(y*f.toSize+x)*f.toChannels:][:f.toChannels], from)
		}
	}
}

func (f frame) resize(dst, src []byte) {
	total := uint64(f.fromSize) * uint64(f.fromSize)
	var pixel [3]byte
	for y, sy := range f.spans {
		for x, sx := range f.spans {
			var sum [3]uint64
			for i, wy := range sy.weights {
				row := src[(sy.first+i)*f.fromSize*f.fromChannels:]
				for j, wx := range sx.weights {
					at := row[(sx.first+j)*f.fromChannels:]
					for c := range f.fromChannels {
						sum[c] += wy * wx * uint64(at[c])
					}
				}
			}
			for c := range f.fromChannels {
				pixel[c] = byte((sum[c] + total/2) / total)
			}
			convert(dst[(y*f.toSize+x)*f.toChannels:][:f.toChannels], pixel[:f.fromChannels])
		}
	}
}

// convert copies one pixel between grey and RGB; grey is Rec. 601 luma.
func convert(dst, src []byte) {
	switch {
	case len(dst) == len(src):
		copy(dst, src)
	case len(dst) == 1:
		dst[0] = luma(src[0], src[1], src[2])
	default:
		dst[0], dst[1], dst[2] = src[0], src[0], src[0]
	}
}

func luma(r, g, b byte) byte {
	return byte((299*uint32(r) + 587*uint32(g) + 114*uint32(b) + 500) / 1000)
}
