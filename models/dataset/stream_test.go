package dataset

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// stripes is a picture that no other number has.
func stripes(w, h, n int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.RGBA{byte(40*n + 9*x), byte(7*n*x + 3*y), byte(90*y + n), 255})
		}
	}
	return m
}

// stripedFolder has three classes of pictures of several sizes, in train and val.
func stripedFolder(t testing.TB, each int) string {
	root := t.TempDir()
	n := 0
	for _, split := range []string{"train", "val"} {
		for _, class := range []string{"ant", "bee", "cow"} {
			for i := range each {
				n++
				ext := []string{"png", "jpg"}[i%2]
				writePNG(t, filepath.Join(root, split, class, fmt.Sprintf("%03d.%s", i, ext)), stripes(12+n%5, 10+n%3, n))
			}
		}
	}
	return root
}

// shardsOf writes a folder's pictures into two tar files a split; with classes in
// files .cls, or in the folders of the members.
func shardsOf(t testing.TB, root string, cls bool) string {
	to := t.TempDir()
	for _, split := range []string{"train", "val"} {
		var names []string
		filepath.WalkDir(filepath.Join(root, split), func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				names = append(names, path)
			}
			return err
		})
		for part := range 2 {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			put := func(name string, content []byte) {
				if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
					t.Fatal(err)
				}
				w.Write(content)
			}
			for i, path := range names {
				if i%2 != part {
					continue
				}
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				rel, _ := filepath.Rel(filepath.Join(root, split), path)
				class := filepath.Dir(rel)
				name := rel
				if cls {
					name = class + "-" + filepath.Base(rel)
					put(strings.TrimSuffix(name, filepath.Ext(name))+".cls", []byte(class+"\n"))
				}
				put("./"+name, content)
			}
			w.Close()
			if err := os.WriteFile(filepath.Join(to, fmt.Sprintf("%s-%05d.tar", split, part)), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

// parquetsOf writes a folder's pictures as Hugging Face does.
func parquetsOf(t testing.TB, root string) string {
	type picture struct {
		Bytes []byte `parquet:"bytes"`
		Path  string `parquet:"path"`
	}
	type row struct {
		Image picture `parquet:"image"`
		Label int64   `parquet:"label"`
	}
	to := t.TempDir()
	os.Mkdir(filepath.Join(to, "data"), 0o755)
	for split, name := range map[string]string{"train": "train-00000-of-00001.parquet", "val": "validation-00000-of-00001.parquet"} {
		var rows []row
		for label, class := range []string{"ant", "bee", "cow"} {
			files, _ := filepath.Glob(filepath.Join(root, split, class, "*"))
			for _, path := range files {
				content, _ := os.ReadFile(path)
				rows = append(rows, row{picture{content, filepath.Base(path)}, int64(label)})
			}
		}
		f, err := os.Create(filepath.Join(to, "data", name))
		if err != nil {
			t.Fatal(err)
		}
		w := parquet.NewGenericWriter[row](f, parquet.MaxRowsPerRowGroup(7), parquet.PageBufferSize(2000), parquet.KeyValueMetadata("huggingface",
			`{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["ant", "bee", "cow"], "_type": "ClassLabel"}}}}`))
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return to
}

// sameImages compares two sets image by image, in an order that is not theirs.
func sameImages(t *testing.T, what string, got, want *Data) {
	t.Helper()
	if got.Hash != want.Hash || got.Train.N != want.Train.N || got.Test.N != want.Test.N {
		t.Fatalf("%s: %d + %d images, %.8s; want %d + %d, %.8s", what, got.Train.N, got.Test.N, got.Hash, want.Train.N, want.Test.N, want.Hash)
	}
	if fmt.Sprint(got.Info.ClassNames) != fmt.Sprint(want.Info.ClassNames) {
		t.Errorf("%s: classes %v, want %v", what, got.Info.ClassNames, want.Info.ClassNames)
	}
	per := want.Size * want.Size * want.Channels
	a, b := make([]uint8, per), make([]uint8, per)
	for s, split := range [][2]Split{{got.Train, want.Train}, {got.Test, want.Test}} {
		for k := range split[1].N {
			i := (k*7 + 3) % split[1].N
			if err := split[0].Read(i, a); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if err := split[1].Read(i, b); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) || split[0].Labels[i] != split[1].Labels[i] {
				t.Fatalf("%s: image %d of split %d differs", what, i, s)
			}
		}
	}
}

// Whatever pictures lie in, and whether they are in memory, packed, or decoded when
// they are read: the set is the same.
func TestContainersHoldTheSameSet(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	folder := stripedFolder(t, 14)
	spec := Spec{Set: Folder, Root: folder, Size: 9}
	want := mustLoad(t, spec)
	if want.Train.Reader != nil || want.Train.N != 42 || want.Test.N != 42 {
		t.Fatalf("a small set is not in memory, or has %d + %d images", want.Train.N, want.Test.N)
	}
	pack := filepath.Join(t.TempDir(), "all.pack")
	if _, err := Pack(context.Background(), spec, pack, nil); err != nil {
		t.Fatal(err)
	}
	for name, root := range map[string]string{"folder": folder, "tar": shardsOf(t, folder, false),
		"tar with .cls": shardsOf(t, folder, true), "parquet": parquetsOf(t, folder), "packed": pack} {
		spec.Root = root
		for _, way := range []struct{ name, resident, room string }{
			{"in memory", "512", "32"}, {"kept", "0", "32"}, {"kept before", "0", "32"}, {"decoded when read", "0", "0"}} {
			t.Setenv(residentVariable, way.resident)
			t.Setenv(roomVariable, way.room)
			if way.room == "0" {
				t.Setenv("PRABENCH_DATA", t.TempDir())
			}
			d := mustLoad(t, spec)
			if streamed := d.Train.Reader != nil; streamed != (way.resident == "0") {
				t.Errorf("%s, %s: streamed is %v", name, way.name, streamed)
			}
			sameImages(t, name+", "+way.name, d, want)
		}
		t.Setenv(residentVariable, "512")
		part := spec
		part.Limit = 11
		sameImages(t, name+", limited", mustLoad(t, part), mustLoad(t, Spec{Set: Folder, Root: folder, Size: 9, Limit: 11}))
	}
}

// What changed or was damaged after a set was named is noticed when it is read.
func TestStreamedImagesAreChecked(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	t.Setenv(residentVariable, "0")
	folder := stripedFolder(t, 3)
	spec := Spec{Set: Folder, Root: folder, Size: 9}
	pack := filepath.Join(t.TempDir(), "all.pack")
	if _, err := Pack(context.Background(), spec, pack, nil); err != nil {
		t.Fatal(err)
	}
	packed := mustLoad(t, Spec{Set: Folder, Root: pack, Size: 9})
	f, err := os.OpenFile(pack, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte{1, 2, 3}, packedAt+2*9*9*3+5)
	into := make([]byte, 9*9*3)
	if err := packed.Train.Read(1, into); err != nil {
		t.Errorf("image 1 is whole: %v", err)
	}
	if err := packed.Train.Read(2, into); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("image 2 is damaged: %v", err)
	}
	f.Truncate(3000)
	f.Close()
	if _, err := Load(context.Background(), Spec{Set: Folder, Root: pack, Size: 9}, nil); err == nil {
		t.Error("half a packed file was loaded")
	}
	t.Setenv(roomVariable, "0")
	t.Setenv("PRABENCH_DATA", t.TempDir())
	d := mustLoad(t, spec)
	writePNG(t, filepath.Join(folder, "train", "bee", "000.png"), stripes(12, 10, 99))
	if err := d.Train.Read(1, into); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("a picture was replaced: %v", err)
	}
	wantErr := func(spec Spec, key, text string) {
		t.Helper()
		_, err := Load(context.Background(), spec, nil)
		wantError(t, err, key, text)
	}
	wantErr(Spec{Set: Folder, Root: shardsOf(t, folder, false) + "/train-00000.tar", Size: 9}, "data.root", "is a file")
	broken := shardsOf(t, folder, false)
	b, _ := os.ReadFile(filepath.Join(broken, "train-00001.tar"))
	os.WriteFile(filepath.Join(broken, "train-00001.tar"), b[:len(b)/2], 0o644)
	wantErr(Spec{Set: Folder, Root: broken, Size: 9}, "data.root", "train-00001.tar")
	other := t.TempDir()
	os.WriteFile(filepath.Join(other, "train.parquet"), []byte("PAR1 and nothing else PAR1"), 0o644)
	wantErr(Spec{Set: Folder, Root: other, Size: 9}, "data.root", "train.parquet is not a readable Parquet file")
}

// What a plan foresees of a set in memory is what it holds, with data.limit or without,
// also where the test split is larger than the training split is cut to.
func TestMemoryIsWhatASetHolds(t *testing.T) {
	for _, s := range []Spec{
		{Set: Shapes, Size: 8, Channels: 3, Limit: 30, Fit: "auto"},
		{Set: Shapes, Size: 5, Channels: 1, Limit: 6000, Fit: "auto"},
		{Set: MNIST, Limit: 100, Fit: "auto"},
		{Set: FashionMNIST, Limit: 20000, Size: 14, Fit: "auto"},
	} {
		d, err := Load(context.Background(), s, nil)
		if err != nil && s.Set != Shapes {
			t.Logf("skipped: %s is not here: %v", s.Set, err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if held := int64(len(d.Train.Pixels) + len(d.Test.Pixels)); Memory(s) != held {
			t.Errorf("%+v: %d bytes are foreseen, %d are held", s, Memory(s), held)
		}
	}
}
