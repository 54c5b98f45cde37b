package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/image/bmp"
)

// webpFlat is a lossless WebP file of w×h pixels of one colour: every code of
// its stream has one symbol, so pixels take no bits.
func webpFlat(w, h uint, c color.RGBA) []byte {
	var bits, n uint
	stream := []byte{0x2f}
	put := func(value, count uint) {
		bits |= value << n
		for n += count; n >= 8; n -= 8 {
			stream = append(stream, byte(bits))
			bits >>= 8
		}
	}
	put(w-1, 14)
	put(h-1, 14)
	put(0, 1+3)   // no alpha, version
	put(0, 1+1+1) // no transform, no colour cache, one group of codes
	for _, symbol := range []byte{c.G, c.R, c.B, c.A, 0} {
		put(0b101, 3) // a simple code of one symbol with 8 bits
		put(uint(symbol), 8)
	}
	put(0, 7)
	if len(stream)%2 == 1 {
		stream = append(stream, 0)
	}
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(12+len(stream)))
	out = binary.LittleEndian.AppendUint32(append(out, "WEBPVP8L"...), uint32(len(stream)))
	return append(out, stream...)
}

// tiffOf is a TIFF block whose directory holds an orientation after another tag.
func tiffOf(order binary.AppendByteOrder, how int) []byte {
	b := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	for _, tag := range [][2]int{{0x010f, 0}, {0x0112, how}} {
		b = order.AppendUint16(b, uint16(tag[0]))
		b = order.AppendUint16(b, 3)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, uint16(tag[1]))
		b = order.AppendUint16(b, 0)
	}
	return order.AppendUint32(b, 0)
}

// withEXIF is a JPEG file with an orientation.
func withEXIF(t testing.TB, m image.Image, how int, order binary.AppendByteOrder) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	content := append(bytes.Clone(exifMark), tiffOf(order, how)...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe0, 0, 4, 'x', 'x', 0xff, 0xe1}, byte((len(content)+2)>>8), byte(len(content)+2))
	return append(append(out, content...), b.Bytes()[2:]...)
}

// pngWithEXIF is a PNG file with an eXIf chunk after its header.
func pngWithEXIF(t testing.TB, m image.Image, how int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	content := tiffOf(binary.LittleEndian, how)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	chunk = append(append(chunk, "eXIf"...), content...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return slices.Concat(b.Bytes()[:33], chunk, b.Bytes()[33:])
}

// corners is a picture of 16×8 with four colours, given from the top left.
func corners() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 16, 8))
	for y := range 8 {
		for x := range 16 {
			m.SetRGBA(x, y, []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}}[x/8+2*(y/4)])
		}
	}
	return m
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// The table of the EXIF standard: where the first row and the first column of
// the stored pixels are in the scene. R, G, B and W are the stored corners from
// the top left to the bottom right.
func TestOrientationIsUndone(t *testing.T) {
	dir := t.TempDir()
	colour := map[[3]bool]string{{true, false, false}: "R", {false, true, false}: "G", {false, false, true}: "B", {true, true, true}: "W"}
	for how, want := range []string{"RGBW", "RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB", "RGBW"} {
		for name, b := range map[string][]byte{
			"little.jpg": withEXIF(t, corners(), how, binary.LittleEndian),
			"big.jpg":    withEXIF(t, corners(), how, binary.BigEndian),
			"chunk.png":  pngWithEXIF(t, corners(), how),
		} {
			path := filepath.Join(dir, name)
			write(t, path, b)
			out := make([]byte, 16*16*3)
			turn, err := readPicture(path, out, form{size: 16, channels: 3, fit: "resize"})
			if err != nil {
				t.Fatalf("%s, orientation %d: %v", name, how, err)
			}
			got := ""
			for _, at := range []int{2*16 + 2, 2*16 + 13, 13*16 + 2, 13*16 + 13} {
				got += colour[[3]bool{out[at*3] > 128, out[at*3+1] > 128, out[at*3+2] > 128}]
			}
			if got != want || (turn != 1) != (want != "RGBW") {
				t.Errorf("%s, orientation %d: corners are %s, want %s; said %d", name, how, got, want, turn)
			}
		}
	}
}

// Blocks that no camera writes are no orientation, and nothing is read beyond
// them.
func TestSpoiledOrientation(t *testing.T) {
	good := tiffOf(binary.LittleEndian, 6)
	for n := range good {
		if o := orientationOf(good[:n]); o != 1 && o != 6 {
			t.Errorf("the first %d bytes say %d", n, o)
		}
	}
	far := bytes.Clone(good)
	binary.LittleEndian.PutUint32(far[4:], 1<<32-1)
	if o := orientationOf(far); o != 1 {
		t.Errorf("a directory beyond the block says %d", o)
	}
	whole := withEXIF(t, corners(), 6, binary.BigEndian)
	for n := range min(len(whole), 120) {
		if o := orientation("jpeg", whole[:n]); o != 1 && o != 6 {
			t.Errorf("the first %d bytes of a file say %d", n, o)
		}
	}
}

// Only folders with turned pictures get another hash.
func TestOrientationAndHash(t *testing.T) {
	load := func(how int) *Data {
		root := petFolder(t, 3)
		write(t, filepath.Join(root, "cat", "turned.jpg"), withEXIF(t, corners(), how, binary.BigEndian))
		return mustLoad(t, Spec{Set: Folder, Root: root, Size: 8})
	}
	plain, one, six := load(0), load(1), load(6)
	if one.Hash != plain.Hash || six.Hash == plain.Hash {
		t.Errorf("hashes %.8s, %.8s upright, %.8s turned", plain.Hash, one.Hash, six.Hash)
	}
	said := strings.Join(six.Found, "\n")
	if !strings.Contains(said, "1 images were turned upright") || strings.Contains(strings.Join(one.Found, "\n"), "turned") {
		t.Errorf("said %q", said)
	}
	// The hash of a folder from before orientations were known.
	h := mustLoad(t, Spec{Set: Folder, Root: petFolderPNG(t), Size: 4}).Hash
	if h != "c6002baaedaf8c8c71b5308148f9585ef1b8b57a6744453f87d970b4acd8b40d" {
		t.Errorf("a folder of plain files has hash %s now", h)
	}
}

// petFolderPNG holds pictures whose pixels no decoder can see differently.
func petFolderPNG(t testing.TB) string {
	root := t.TempDir()
	for i := range 12 {
		writePNG(t, filepath.Join(root, []string{"a", "b"}[i%2], fmt.Sprintf("%d.png", i)), flat(4, 4, color.RGBA{byte(20 * i), 7, 200, 255}))
	}
	return root
}

func TestJPEGWithoutItsEnd(t *testing.T) {
	var b bytes.Buffer
	jpeg.Encode(&b, corners(), &jpeg.Options{Quality: 95})
	whole, path := b.Bytes(), filepath.Join(t.TempDir(), "m.jpg")
	want, got := make([]byte, 16*16*3), make([]byte, 16*16*3)
	write(t, path, whole)
	if _, err := readPicture(path, want, form{size: 16, channels: 3, fit: "resize"}); err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut <= 2; cut++ {
		write(t, path, whole[:len(whole)-cut])
		if _, err := readPicture(path, got, form{size: 16, channels: 3, fit: "resize"}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("without its last %d bytes: %v, same pixels: %v", cut, err, bytes.Equal(got, want))
		}
	}
	for _, keep := range []int{len(whole) - 12, len(whole) / 2, 30} {
		write(t, path, whole[:keep])
		if _, err := readPicture(path, got, form{size: 16, channels: 3, fit: "resize"}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%d of %d bytes: got %v, want an error that names the file", keep, len(whole), err)
		}
	}
}

func TestWebPAndBMPAreRead(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a", "r.webp"), webpFlat(4, 2, color.RGBA{255, 0, 0, 255}))
	write(t, filepath.Join(root, "a", "png-in-fact.webp"), pngWithEXIF(t, flat(3, 3, color.RGBA{255, 0, 0, 255}), 1))
	var b bytes.Buffer
	bmp.Encode(&b, flat(5, 3, color.RGBA{255, 0, 0, 255}))
	write(t, filepath.Join(root, "a", "r.BMP"), b.Bytes())
	d := mustLoad(t, Spec{Set: Folder, Root: root, Size: 2})
	if d.Train.N+d.Test.N != 3 {
		t.Fatalf("found %q", d.Found)
	}
	for i, v := range append(slices.Clone(d.Train.Pixels), d.Test.Pixels...) {
		if want := []byte{255, 0, 0}[i%3]; v != want {
			t.Fatalf("byte %d is %d", i, v)
		}
	}
}

func TestWhatIsLeftOutIsSaid(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"train/a/1.png", "train/b/1.png", "train/b/deep/2.png", "train/lone.png", "train/b/.hidden.png",
		"val/a/1.png", "val/zebra/1.png", "val/zebra/2.png", "train/__MACOSX/1.png", "val/__MACOSX/1.png"} {
		writePNG(t, filepath.Join(root, filepath.FromSlash(name)), flat(4, 4, color.White))
	}
	write(t, filepath.Join(root, "train", "a", "x.gif"), nil)
	write(t, filepath.Join(root, "train", "a", "y.TIFF"), nil)
	write(t, filepath.Join(root, "train", "a", "README"), nil)
	os.Mkdir(filepath.Join(root, "train", "empty"), 0o777)
	d := mustLoad(t, Spec{Set: Folder, Root: root, Size: 4})
	if !slices.Equal(d.Info.ClassNames, []string{"a", "b", "empty"}) {
		t.Errorf("classes %q", d.Info.ClassNames)
	}
	said := strings.Join(d.Found, "\n")
	for _, want := range []string{
		"2 training and 1 test images of 3 classes",
		"left out: 3 with other endings than .png, .jpg, .jpeg, .webp and .bmp (1 .gif, 1 .tiff, 1 no ending): " +
			"train/a/README, train/a/x.gif, train/a/y.TIFF",
		"left out: 2 of classes that train does not have: val/zebra/1.png, val/zebra/2.png",
		"left out: 2 folders that programs make: train/__MACOSX, val/__MACOSX",
		"left out: 1 folders inside class folders: train/b/deep",
		"left out: 1 hidden: train/b/.hidden.png",
		"left out: 1 beside the class folders, so without a class: train/lone.png",
		"1 classes have no training image: empty; no model has seen them, yet they are 33 % of the samples: take their folders away " +
			"to leave them out",
		"2 classes have no test image: b, empty",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("missing %q in\n%s", want, said)
		}
	}
}

func TestAllDamagedFilesAreNamedAtOnce(t *testing.T) {
	root := petFolder(t, 12)
	for i := range 25 {
		write(t, filepath.Join(root, "dog", fmt.Sprintf("bad%02d.jpg", i)), []byte("hello"))
	}
	_, err := Load(context.Background(), Spec{Set: Folder, Root: root, Size: 8}, nil)
	if err == nil || !strings.Contains(err.Error(), "25 of 49 cannot be read") || strings.Count(err.Error(), "bad") != 20 ||
		!strings.Contains(err.Error(), "and 5 more") {
		t.Errorf("got %v", err)
	}
}

// What is no file is refused at once and never waited for.
func TestPipesAndDevicesAreRefused(t *testing.T) {
	root := petFolder(t, 3)
	if err := syscall.Mkfifo(filepath.Join(root, "cat", "pipe.png"), 0o666); err != nil {
		t.Skip("no named pipes here:", err)
	}
	os.Symlink("/dev/zero", filepath.Join(root, "cat", "zero.jpg"))
	os.Symlink("gone", filepath.Join(root, "cat", "dangling.png"))
	os.Symlink(t.TempDir(), filepath.Join(root, "dog", "folder.png"))
	done := make(chan error, 1)
	go func() {
		_, err := Load(context.Background(), Spec{Set: Folder, Root: root, Size: 8}, nil)
		done <- err
	}()
	select {
	case err := <-done:
		for _, want := range []string{"4 of 10 cannot be read", "pipe.png is a named pipe, not a file", "zero.jpg is a device, not a file",
			"dangling.png", "folder.png is a folder, not a file"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	case <-time.After(time.Minute):
		t.Fatal("waits for a pipe")
	}
}

func TestKeptPixelsHaveABound(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	t.Setenv(roomVariable, "0.0001") // 107 kB: two of the three
	pixels := make([]byte, 48000-packedAt)
	for i, key := range []string{"one", "two", "three"} {
		keep(key, t.TempDir(), &Data{Hash: "h", Train: Split{N: 1, Pixels: pixels, Labels: []int32{0}}})
		path, _ := keptPath(key)
		old := time.Now().Add(time.Duration(i-10) * time.Minute)
		os.Chtimes(path, old, old)
	}
	keep("too large", t.TempDir(), &Data{Hash: "h", Train: Split{N: 1, Pixels: make([]byte, 200_000), Labels: []int32{0}}})
	all, err := KeptFiles()
	if err != nil || len(all) != 2 || !strings.HasSuffix(all[0].Path, "two.bin") || !strings.HasSuffix(all[1].Path, "three.bin") {
		t.Fatalf("kept %+v, %v", all, err)
	}
	if why := all[0].Unneeded(); why != "" {
		t.Errorf("a file of a folder that is there: %s", why)
	}
	os.Remove(all[0].Root)
	if why := all[0].Unneeded(); !strings.Contains(why, "is gone") {
		t.Errorf("a file of a folder that is gone: %q", why)
	}
	old := time.Now().Add(-40 * 24 * time.Hour)
	os.Chtimes(all[1].Path, old, old)
	all, _ = KeptFiles()
	if why := all[0].Unneeded(); !strings.Contains(why, "30 days") {
		t.Errorf("a file not used for 40 days: %q", why)
	}
}
