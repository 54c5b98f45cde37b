package outside

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const side, count = 4, 6

// value is what pixel i of a test set is.
func value(i int) uint8 { return uint8(i*37 + 11) }

func pixels(n int) []uint8 {
	x := make([]uint8, n)
	for i := range x {
		x[i] = value(i)
	}
	return x
}

// numpy writes an array as numpy.save does.
func numpy(dtype string, data any, shape ...int) []byte {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }", dtype, text)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	_ = binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	b.WriteString(header)
	_ = binary.Write(&b, binary.LittleEndian, data)
	return b.Bytes()
}

func npz(arrays map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		w, _ := z.Create(name + ".npy")
		_, _ = w.Write(arrays[name])
	}
	z.Close()
	return b.Bytes()
}

// picturesOf are the PNG files of the test set.
func picturesOf(t *testing.T, x []uint8) [][]byte {
	t.Helper()
	var out [][]byte
	for i := range count {
		m := image.NewNRGBA(image.Rect(0, 0, side, side))
		for p := range side * side {
			at := (i*side*side + p) * 3
			m.SetNRGBA(p%side, p/side, color.NRGBA{x[at], x[at+1], x[at+2], 255})
		}
		out = append(out, encoded(t, m))
	}
	return out
}

func encoded(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t *testing.T, path string, raw []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func tarOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, raw := range files { // in any order: names decide
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(raw))}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(raw)
	}
	w.Close()
	return b.Bytes()
}

// The same images come out of every kind of file, to the byte.
func TestEveryKindOfFileHasTheSameImages(t *testing.T) {
	x := pixels(count * side * side * 3)
	shape := []int{count, side, side, 3}
	unit, doubles, signed := make([]float32, len(x)), make([]float64, len(x)), make([]float32, len(x))
	for i, v := range x {
		unit[i], doubles[i], signed[i] = float32(v)/255, float64(v), float32(v)/127.5-1
	}
	dir := t.TempDir()
	flat, classes := map[string][]byte{}, map[string][]byte{}
	for i, raw := range picturesOf(t, x) {
		flat[fmt.Sprintf("%d.png", i)] = raw
		classes[fmt.Sprintf("c%d/%d.png", i/3, i)] = raw // so that the order of names is that of the images
	}
	for name, raw := range flat {
		put(t, filepath.Join(dir, "flat", name), raw)
	}
	for name, raw := range classes {
		put(t, filepath.Join(dir, "classes", name), raw)
	}
	put(t, filepath.Join(dir, "flat", "notes.txt"), []byte("no image"))
	labels := []int32{0, 0, 0, 1, 1, 1}
	for _, c := range []struct {
		path   string
		floats Range
		labels []int32
		names  []string
	}{
		{filepath.Join(dir, "flat"), NoRange, nil, nil},
		{filepath.Join(dir, "classes"), NoRange, labels, []string{"c0", "c1"}},
		{put(t, filepath.Join(dir, "a.tar"), tarOf(t, flat)), NoRange, nil, nil},
		{put(t, filepath.Join(dir, "b.tar"), tarOf(t, classes)), NoRange, labels, []string{"c0", "c1"}},
		{put(t, filepath.Join(dir, "a.npy"), numpy("|u1", x, shape...)), NoRange, nil, nil},
		{put(t, filepath.Join(dir, "unit.npy"), numpy("<f4", unit, shape...)), Unit, nil, nil},
		{put(t, filepath.Join(dir, "bytes.npy"), numpy("<f8", doubles, shape...)), Bytes, nil, nil},
		{put(t, filepath.Join(dir, "signed.npy"), numpy("<f4", signed, shape...)), Signed, nil, nil},
		{put(t, filepath.Join(dir, "a.npz"), npz(map[string][]byte{"arr_0": numpy("|u1", x, shape...),
			"arr_1": numpy("<i8", []int64{0, 0, 0, 1, 1, 1}, count)})), NoRange, labels, nil},
	} {
		s, err := Read(c.path, Want{side, 3, c.floats})
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if s.N != count || !bytes.Equal(s.Pixels, x) || !slices.Equal(s.Labels, c.labels) || !slices.Equal(s.Classes, c.names) ||
			len(s.SHA256) != 64 {
			t.Errorf("%s: %d images, labels %v of %v, pixels equal: %v, hash %q", c.path, s.N, s.Labels, s.Classes, bytes.Equal(s.Pixels, x),
				s.SHA256)
		}
	}
	before, _ := Read(filepath.Join(dir, "flat"), Want{side, 3, NoRange})
	put(t, filepath.Join(dir, "flat", "0.png"), flat["1.png"])
	if after, err := Read(filepath.Join(dir, "flat"), Want{side, 3, NoRange}); err != nil || after.SHA256 == before.SHA256 {
		t.Errorf("a folder with another image has the same hash (%v)", err)
	}
}

// What cannot be told from a file is an error that says what to do.
func TestNothingIsGuessed(t *testing.T) {
	x := pixels(count * side * side * 3)
	big := image.NewNRGBA(image.Rect(0, 0, side+1, side))
	clear := image.NewNRGBA(image.Rect(0, 0, side, side))
	deep := image.NewGray16(image.Rect(0, 0, side, side))
	good := picturesOf(t, x)[0]
	floats := []float32{-0.25, 0, 0.5, 1.5}
	for len(floats) < len(x) {
		floats = append(floats, 1)
	}
	for want, file := range map[string]struct {
		name   string
		raw    []byte
		floats Range
	}{
		"no array arr_0, only: images": {"a.npz",
			npz(map[string][]byte{"images": numpy("|u1", x, count, side, side, 3)}), NoRange},
		"floats from -0.25 to 1.5: say": {"a.npy", numpy("<f4", floats, count, side, side, 3), NoRange},
		"outside --range 0..1":          {"b.npy", numpy("<f4", floats, count, side, side, 3), Unit},
		"is RGBA":                       {"c.npy", numpy("|u1", pixels(count*side*side*4), count, side, side, 4), NoRange},
		"channels first":                {"d.npy", numpy("|u1", x, count, 3, side, side), NoRange},
		"has 1 channel, the experiment's images have 3": {"e.npy", numpy("|u1", pixels(count*side*side), count, side, side), NoRange},
		"is 5×4, the experiment's images are 4×4": {"mixed.tar",
			tarOf(t, map[string][]byte{"a.png": good, "b.png": encoded(t, big)}), NoRange},
		"is transparent":              {"f.tar", tarOf(t, map[string][]byte{"a.png": encoded(t, clear)}), NoRange},
		"16 bits":                     {"g.tar", tarOf(t, map[string][]byte{"a.png": encoded(t, deep)}), NoRange},
		"beside class folders":        {"h.tar", tarOf(t, map[string][]byte{"a.png": good, "c/b.png": good}), NoRange},
		"is no PNG or JPEG":           {"i.tar", tarOf(t, map[string][]byte{"a.png": []byte("text")}), NoRange},
		"has no images":               {"j.tar", tarOf(t, map[string][]byte{"a.txt": []byte("text")}), NoRange},
		"damaged":                     {"k.tar", tarOf(t, map[string][]byte{"a.png": good[:len(good)-20]}), NoRange},
		"bytes of data for the shape": {"l.npy", numpy("|u1", x, 1<<40, side, side, 3), NoRange},
		"not a NumPy array":           {"m.npy", []byte("text that is none"), NoRange},
		"not an .npz file":            {"n.npz", []byte("text"), NoRange},
		"one whole number for each of the 6 images": {"o.npz", npz(map[string][]byte{"arr_0": numpy("|u1", x, count, side, side, 3),
			"arr_1": numpy("<i8", []int64{1}, 1)}), NoRange},
		"labels are int64": {"p.npz", npz(map[string][]byte{"arr_0": numpy("|u1", x, count, side, side, 3),
			"arr_1": numpy("<f4", make([]float32, count), count)}), NoRange},
		"images are uint8, float32":       {"q.npy", numpy("<i8", make([]int64, len(x)), count, side, side, 3), NoRange},
		"give a folder of PNG or JPEG":    {"r.bin", []byte("text"), NoRange},
		"holds Python objects":            {"t.npy", numpy("|O", make([]int64, 4), 4), NoRange},
		"holds text":                      {"u.npy", numpy("<U4", make([]byte, 64), 4), NoRange},
		"holds complex numbers":           {"v.npy", numpy("<c8", make([]byte, 32), 4), NoRange},
		"is cut off or damaged":           {"w.npy", numpy("|u1", x[:len(x)/2], count, side, side, 3), NoRange},
		"images are [N, height, width, c": {"s.npy", numpy("|u1", x, len(x)), NoRange},
	} {
		path := put(t, filepath.Join(t.TempDir(), file.name), file.raw)
		if _, err := Read(path, Want{side, 3, file.floats}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file.name, err, want)
		}
	}
	colours := put(t, filepath.Join(t.TempDir(), "c.tar"), tarOf(t, map[string][]byte{"a.png": good}))
	if _, err := Read(colours, Want{side, 1, NoRange}); err == nil || !strings.Contains(err.Error(), "has colours") {
		t.Errorf("colours for grey images: %v", err)
	}
}

// A damaged array is an error, whatever is damaged.
func FuzzArray(f *testing.F) {
	f.Add(numpy("|u1", pixels(48), 1, 4, 4, 3))
	f.Add(numpy("<f4", make([]float32, 16), 1, 4, 4))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := &Set{size: side, channels: 3}
		if err := s.images("x", raw, Unit); err == nil && len(s.Pixels) != s.N*side*side*3 {
			t.Errorf("%d images of %d bytes", s.N, len(s.Pixels))
		}
	})
}
