package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func writePNG(t testing.TB, path string, m image.Image) {
	t.Helper()
	var b bytes.Buffer
	var err error
	if strings.HasSuffix(path, ".png") {
		err = png.Encode(&b, m)
	} else {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 95})
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o777)
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flat(w, h int, c color.Color) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, c)
		}
	}
	return m
}

// petFolder has two classes of n pictures; the red of each is its number.
func petFolder(t testing.TB, n int) string {
	root := t.TempDir()
	for c, class := range []string{"cat", "dog"} {
		for i := range n {
			ext := []string{"png", "jpg", "JPEG"}[i%3]
			writePNG(t, filepath.Join(root, class, fmt.Sprintf("%04d.%s", i, ext)), flat(12, 8, color.RGBA{byte(i), byte(200 * c), 90, 255}))
		}
	}
	os.WriteFile(filepath.Join(root, "cat", "notes.txt"), []byte("not a picture"), 0o666)
	os.Mkdir(filepath.Join(root, ".thumbnails"), 0o777)
	return root
}

func TestLoadFolder(t *testing.T) {
	root := petFolder(t, 60)
	spec := Spec{Set: Folder, Root: root, Size: 8}
	info, err := Describe(spec)
	if err != nil || info.Classes != 2 || !slices.Equal(info.ClassNames, []string{"cat", "dog"}) || info.Train != -1 || info.Channels != 3 {
		t.Fatalf("described as %+v, %v", info, err)
	}
	d := mustLoad(t, spec)
	if d.Train.N+d.Test.N != 120 || d.Test.N < 4 || d.Test.N > 25 {
		t.Fatalf("split into %d + %d, want about 108 + 12", d.Train.N, d.Test.N)
	}
	if !slices.Equal(d.Train.Labels[:6], []int32{0, 1, 0, 1, 0, 1}) {
		t.Errorf("classes do not take turns: %v", d.Train.Labels[:6])
	}
	for i, l := range d.Train.Labels {
		p := d.Train.Pixels[i*8*8*3:][:3]
		if off := int(p[1]) - 200*int(l); off < -6 || off > 6 {
			t.Fatalf("image %d of class %d has colour %v", i, l, p)
		}
	}
	again := mustLoad(t, spec)
	if again.Hash != d.Hash || !bytes.Equal(again.Train.Pixels, d.Train.Pixels) {
		t.Error("two loads differ")
	}
	// A new picture moves no other one to the other split.
	writePNG(t, filepath.Join(root, "cat", "zzzz.png"), flat(9, 9, color.White))
	more := mustLoad(t, spec)
	if more.Train.N+more.Test.N != 121 || more.Train.N < d.Train.N || more.Test.N < d.Test.N || more.Hash == d.Hash {
		t.Errorf("one picture more: %d + %d became %d + %d", d.Train.N, d.Test.N, more.Train.N, more.Test.N)
	}
	few := mustLoad(t, Spec{Set: Folder, Root: root, Size: 8, Limit: 5})
	if few.Train.N != 5 || few.Test.N != 5 || !bytes.Equal(few.Train.Pixels, d.Train.Pixels[:5*8*8*3]) {
		t.Errorf("limit 5 gave %d + %d images", few.Train.N, few.Test.N)
	}
	grey := mustLoad(t, Spec{Set: Folder, Root: root, Size: 8, Channels: 1})
	if p := d.Train.Pixels[:3]; grey.Train.Pixels[0] != luma(p[0], p[1], p[2]) {
		t.Errorf("grey of %v is %d", p, grey.Train.Pixels[0])
	}
}

func TestFolderWithValidation(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"train/a/1.png", "train/a/2.png", "train/b/1.png", "val/a/9.png", "val/b/9.png"} {
		writePNG(t, filepath.Join(root, filepath.FromSlash(name)), flat(4, 4, color.White))
	}
	d := mustLoad(t, Spec{Set: Folder, Root: root, Size: 4})
	if d.Train.N != 3 || d.Test.N != 2 || !slices.Equal(d.Info.ClassNames, []string{"a", "b"}) {
		t.Errorf("loaded %d + %d images of %v", d.Train.N, d.Test.N, d.Info.ClassNames)
	}
}

func TestPictureFits(t *testing.T) {
	// Red, green and blue thirds, 30×10.
	m := image.NewRGBA(image.Rect(0, 0, 30, 10))
	for y := range 10 {
		for x := range 30 {
			m.Set(x, y, []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}}[x/10])
		}
	}
	path := filepath.Join(t.TempDir(), "m.png")
	writePNG(t, path, m)
	red, green, blue, black := [3]byte{255, 0, 0}, [3]byte{0, 255, 0}, [3]byte{0, 0, 255}, [3]byte{}
	for fit, want := range map[string][3][3]byte{ // colours at the left, the middle and the top
		"crop":   {green, green, green},
		"resize": {red, green, green},
		"pad":    {red, green, black},
	} {
		const size = 15
		out := make([]byte, size*size*3)
		if _, err := readPicture(path, out, form{size: size, channels: 3, fit: fit}); err != nil {
			t.Fatal(err)
		}
		at := func(x, y int) [3]byte { return [3]byte(out[(y*size+x)*3:]) }
		if got := [3][3]byte{at(1, 7), at(7, 7), at(7, 0)}; got != want {
			t.Errorf("%s: left, middle, top are %v, want %v", fit, got, want)
		}
		if fit == "resize" && at(13, 7) != blue {
			t.Errorf("resize lost the right end: %v", at(13, 7))
		}
	}
}

// A one-pixel checkerboard shrinks to its mean: nothing aliases.
func TestShrinkingDoesNotAlias(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 90, 90))
	for i := range m.Pix {
		m.Pix[i] = byte(255 * ((i%90 + i/90) % 2))
	}
	path := filepath.Join(t.TempDir(), "m.png")
	writePNG(t, path, m)
	out := make([]byte, 20*20)
	if _, err := readPicture(path, out, form{size: 20, channels: 1, fit: "crop"}); err != nil {
		t.Fatal(err)
	}
	for i, v := range out {
		if x, y := i%20, i/20; x > 1 && x < 18 && y > 1 && y < 18 && (v < 110 || v > 146) {
			t.Fatalf("pixel (%d, %d) is %d, want about 128", x, y, v)
		}
	}
}

func TestFolderRefuses(t *testing.T) {
	empty := t.TempDir()
	noPictures := t.TempDir()
	os.Mkdir(filepath.Join(noPictures, "a"), 0o777)
	file := filepath.Join(empty, "file")
	os.WriteFile(file, nil, 0o666)
	for name, c := range map[string]struct {
		spec      Spec
		key, want string
	}{
		"no root":       {Spec{Set: Folder, Size: 8}, "data.root", "needs a folder"},
		"missing":       {Spec{Set: Folder, Size: 8, Root: filepath.Join(empty, "gone")}, "data.root", "there is no folder"},
		"a file":        {Spec{Set: Folder, Size: 8, Root: file}, "data.root", "is a file"},
		"empty":         {Spec{Set: Folder, Size: 8, Root: empty}, "data.root", "has no class folders"},
		"no pictures":   {Spec{Set: Folder, Size: 8, Root: noPictures}, "data.root", "no .png, .jpg, .jpeg"},
		"no size":       {Spec{Set: Folder, Root: empty}, "data.size", "size = 64"},
		"imagenet part": {Spec{Set: ImageNet, Root: noPictures}, "data.root", "1 class folders"},
		"imagenet":      {Spec{Set: ImageNet}, "data.root", "must be given"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(context.Background(), c.spec, nil)
			wantError(t, err, c.key, c.want)
		})
	}
}

func TestDamagedPictureIsNamed(t *testing.T) {
	huge := packedPNGHeader(1<<20, 1<<20)
	whole := new(bytes.Buffer)
	png.Encode(whole, flat(40, 40, color.White))
	for name, b := range map[string][]byte{"empty": nil, "text": []byte("hello"), "cut": whole.Bytes()[:whole.Len()-30], "huge": huge} {
		root := petFolder(t, 3)
		path := filepath.Join(root, "dog", "broken.png")
		os.WriteFile(path, b, 0o666)
		_, err := Load(context.Background(), Spec{Set: Folder, Root: root, Size: 8}, nil)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that names %s", name, err, path)
		}
	}
}

func TestDecodedPixelsAreKept(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a thousand pictures")
	}
	t.Setenv("PRABENCH_DATA", t.TempDir())
	root := petFolder(t, keepFrom/2+5)
	spec := Spec{Set: Folder, Root: root, Size: 4}
	first := mustLoad(t, spec)
	kept, _ := filepath.Glob(filepath.Join(os.Getenv("PRABENCH_DATA"), "decoded", "*.bin"))
	if len(kept) != 1 {
		t.Fatalf("kept %v", kept)
	}
	same := func(d *Data) bool {
		return d.Hash == first.Hash && bytes.Equal(d.Train.Pixels, first.Train.Pixels) && bytes.Equal(d.Test.Pixels, first.Test.Pixels) &&
			slices.Equal(d.Train.Labels, first.Train.Labels) && slices.Equal(d.Test.Labels, first.Test.Labels)
	}
	calls := 0
	d, err := Load(context.Background(), spec, func(string, int64, int64) { calls++ })
	if err != nil || calls != 1 || !same(d) {
		t.Errorf("kept pixels were not used or differ (%d reports, %v)", calls, err)
	}
	b, _ := os.ReadFile(kept[0])
	b[len(b)/2] ^= 1
	os.WriteFile(kept[0], b, 0o666)
	if !same(mustLoad(t, spec)) {
		t.Error("a spoiled file was used")
	}
	path := filepath.Join(root, "cat", "0001.jpg")
	writePNG(t, path, flat(12, 8, color.Black))
	os.Chtimes(path, time.Now(), time.Now().Add(time.Hour))
	if mustLoad(t, spec).Hash == first.Hash {
		t.Error("a changed picture went unnoticed")
	}
}

func wantError(t *testing.T, err error, key, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Key != key || !strings.Contains(e.Problem, text) {
		t.Errorf("got %v, want %s: … %s …", err, key, text)
	}
}
