package dataset

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"

	"prabench/models/dataset/turbo"
)

// photograph is a smooth picture with detail, as JPEG is made for.
func photograph(w, h, n int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := func(a, b float64) uint8 {
				return uint8(128 + 90*math.Sin(a*float64(x)+float64(n))*math.Cos(b*float64(y)))
			}
			m.Set(x, y, color.RGBA{v(.11, .07), v(.05, .13), v(.2, .03), 255})
		}
	}
	return m
}

// libjpeg-turbo interpolates chroma, where Go's decoder repeats it; the
// identity of a set says which it was. What it finds fault with is Go's to judge.
func TestTurboDecodes(t *testing.T) {
	if !turbo.Here() {
		t.Skipf("libjpeg-turbo is not on this machine: install %s", turbo.Package)
	}
	t.Setenv("PRABENCH_DATA", t.TempDir())
	var b bytes.Buffer
	if err := jpeg.Encode(&b, photograph(64, 48, 1), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	decode := func(b []byte, turbo bool) ([]byte, error) {
		out := make([]byte, 48*48*3)
		_, err := decodePicture(bytes.NewReader(b), "x.jpg", int64(len(b)), out, form{48, 3, "crop", turbo})
		return out, err
	}
	want, err := decode(whole, false)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(whole, true)
	if err != nil {
		t.Fatal(err)
	}
	// A picture as large as it is to be is decoded in place: to the same pixels.
	straight := make([]byte, 48*48*3)
	for _, channels := range []int{3, 1} {
		for _, turn := range []int{1, 3} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, photograph(48, 48, 2), nil); err != nil {
				t.Fatal(err)
			}
			to, all := form{48, channels, "crop", true}, make([]byte, 48*48*channels)
			place(all, decodeTurbo(b.Bytes()), turn, to)
			if out := straight[:len(all)]; !placeTurbo(out, b.Bytes(), turn, to) || !bytes.Equal(out, all) {
				t.Errorf("%d channels, turn %d: other pixels than by a copy", channels, turn)
			}
		}
	}
	sum, most := 0, 0
	for i := range got {
		d := int(got[i]) - int(want[i])
		sum, most = sum+max(d, -d), max(most, d, -d)
	}
	if mean := float64(sum) / float64(len(got)); mean > 4 || most > 32 {
		t.Errorf("pixels differ by %.2f in the mean, by %d at most", mean, most)
	}
	for name, spoiled := range map[string][]byte{"cut": whole[:len(whole)*2/3], "without its end": whole[:len(whole)-2]} {
		a, errGo := decode(spoiled, false)
		b, errTurbo := decode(spoiled, true)
		if (errGo == nil) != (errTurbo == nil) {
			t.Errorf("%s: %v, and with turbo %v", name, errGo, errTurbo)
		}
		if errGo == nil && name == "cut" || errGo != nil && bytes.Equal(a, b) && name != "cut" {
			t.Errorf("%s: decoded: %v", name, errGo)
		}
	}
	root := t.TempDir()
	for i := range 24 {
		writePNG(t, filepath.Join(root, "a", string(rune('a'+i))+".jpg"), photograph(20, 20, i))
	}
	spec := Spec{Set: Folder, Root: root, Size: 20}
	byGo := mustLoad(t, spec)
	spec.Decoder = "turbo"
	if byTurbo := mustLoad(t, spec); byTurbo.Hash == byGo.Hash {
		t.Error("another decoder, and the same identity")
	}
	pack := filepath.Join(t.TempDir(), "x.pack")
	if _, err := Pack(context.Background(), spec, pack, nil); err != nil {
		t.Fatal(err)
	}
	_, err = Load(context.Background(), Spec{Set: Folder, Root: pack, Size: 20}, nil)
	wantError(t, err, "data.decoder", `was packed with decoder = "turbo"`)
	os.Remove(pack)
}
