package dataset

import (
	"bytes"
	"context"
	"testing"

	"pgregory.net/rapid"
)

func fitted(t testing.TB, s Spec, src []byte) []byte {
	t.Helper()
	r, err := s.resolve()
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.frame().fitAll(context.Background(), src, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAutoFit(t *testing.T) {
	for size, want := range map[int]string{0: "none", 28: "none", 29: "pad", 32: "pad", 36: "pad", 37: "resize", 64: "resize", 27: "resize",
		14: "resize"} {
		for _, fit := range []string{"", "auto"} {
			r, err := Spec{Set: MNIST, Size: size, Fit: fit}.resolve()
			if err != nil || r.fit != want {
				t.Errorf("size %d fit %q becomes %q (%v), want %q", size, fit, r.fit, err, want)
			}
		}
	}
}

func TestPadAndCropKeepTheCentre(t *testing.T) {
	src := make([]byte, 28*28)
	for i := range src {
		src[i] = byte(i%255) + 1
	}
	big := fitted(t, Spec{Set: MNIST, Size: 33, Fit: "pad"}, src)
	for y := range 33 {
		for x := range 33 {
			want := byte(0)
			if y >= 2 && y < 30 && x >= 2 && x < 30 {
				want = src[(y-2)*28+x-2]
			}
			if big[y*33+x] != want {
				t.Fatalf("padded pixel (%d, %d) is %d, want %d", x, y, big[y*33+x], want)
			}
		}
	}
	small := fitted(t, Spec{Set: MNIST, Size: 20, Fit: "crop"}, src)
	for y := range 20 {
		if !bytes.Equal(small[y*20:][:20], src[(y+4)*28+4:][:20]) {
			t.Fatalf("cropped row %d is not row %d of the source", y, y+4)
		}
	}
}

func TestAreaResize(t *testing.T) {
	// 4×4 to 2×2 averages quarters; 3×3 to 2×2 weighs the middle by halves.
	four := frame{fromSize: 4, fromChannels: 1, toSize: 2, toChannels: 1, fit: "resize", spans: areaSpans(4, 2)}
	out := make([]byte, 4)
	four.resize(out, []byte{0, 4, 8, 8, 8, 12, 8, 8, 1, 1, 0, 0, 1, 2, 0, 255})
	if want := []byte{6, 8, 1, 64}; !bytes.Equal(out, want) {
		t.Errorf("4 to 2: %v, want %v", out, want)
	}
	three := frame{fromSize: 3, fromChannels: 1, toSize: 2, toChannels: 1, fit: "resize", spans: areaSpans(3, 2)}
	three.resize(out, []byte{9, 0, 0, 0, 90, 0, 0, 0, 0})
	if want := []byte{14, 10, 10, 10}; !bytes.Equal(out, want) { // (4·9+90)/9 = 14
		t.Errorf("3 to 2: %v, want %v", out, want)
	}
}

// Any resize leaves a flat image flat, and stays between the extremes.
func TestAreaResizeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := rapid.IntRange(1, 40).Draw(t, "from"), rapid.IntRange(1, 40).Draw(t, "to")
		channels := rapid.SampledFrom([]int{1, 3}).Draw(t, "channels")
		f := frame{fromSize: from, fromChannels: channels, toSize: to, toChannels: channels, fit: "resize", spans: areaSpans(from, to)}
		for _, s := range f.spans {
			sum := uint64(0)
			for _, w := range s.weights {
				sum += w
			}
			if sum != uint64(from) {
				t.Fatalf("weights %v sum to %d, want %d", s.weights, sum, from)
			}
		}
		lo := rapid.Byte().Draw(t, "lo")
		hi := byte(rapid.IntRange(int(lo), 255).Draw(t, "hi"))
		src := make([]byte, from*from*channels)
		for i := range src {
			src[i] = byte(rapid.IntRange(int(lo), int(hi)).Draw(t, "v"))
		}
		dst := make([]byte, to*to*channels)
		f.resize(dst, src)
		for _, v := range dst {
			if v < lo || v > hi {
				t.Fatalf("%d outside [%d, %d]", v, lo, hi)
			}
		}
	})
}

func TestChannelConversion(t *testing.T) {
	grey := make([]byte, 28*28)
	for i := range grey {
		grey[i] = byte(i)
	}
	rgb := fitted(t, Spec{Set: MNIST, Channels: 3}, grey)
	for i, v := range grey {
		if p := rgb[3*i:][:3]; p[0] != v || p[1] != v || p[2] != v {
			t.Fatalf("grey %d became %v", v, p)
		}
		if luma(v, v, v) != v {
			t.Fatalf("grey %d does not survive RGB and back", v)
		}
	}
	if luma(255, 0, 0) != 76 || luma(0, 255, 0) != 150 || luma(0, 0, 255) != 29 {
		t.Error("luma is not that of Rec. 601")
	}
}
