package dataset

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// One folder as two sets has two identities, in whatever order they are loaded, packed or
// kept: the name of a set is part of its hash.
func TestASetIsNamedInItsIdentity(t *testing.T) {
	folder := t.TempDir()
	turned := withEXIF(t, corners(), 6, binary.BigEndian)
	for class := range 1000 {
		dir := filepath.Join(folder, "train", fmt.Sprintf("n%04d", class))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "a.jpg"), turned)
		if class == 0 {
			writePNG(t, filepath.Join(folder, "val", "n0000", "b.png"), corners())
		}
	}
	images, imagenet := Spec{Set: Folder, Root: folder, Size: 9}, Spec{Set: ImageNet, Root: folder, Size: 9}
	fresh := func(s Spec) string {
		t.Setenv("PRABENCH_DATA", t.TempDir())
		return mustLoad(t, s).Hash
	}
	want := map[string]string{Folder: fresh(images), ImageNet: fresh(imagenet)}
	if want[Folder] == want[ImageNet] {
		t.Fatal("the two sets have one hash")
	}
	t.Setenv("PRABENCH_DATA", t.TempDir())
	t.Setenv(residentVariable, "0")
	for _, s := range []Spec{images, imagenet, images} {
		if d := mustLoad(t, s); d.Hash != want[s.Set] {
			t.Errorf("%s, kept: another hash than that of a first load", s.Set)
		}
	}
	for _, s := range []Spec{images, imagenet} {
		pack := filepath.Join(t.TempDir(), "all.pack")
		if _, err := Pack(context.Background(), s, pack, nil); err != nil {
			t.Fatal(err)
		}
		for set, hash := range want {
			if d := mustLoad(t, Spec{Set: set, Root: pack, Size: 9}); d.Hash != hash {
				t.Errorf("%s packed as %s: another hash", set, s.Set)
			}
		}
		_, err := Load(context.Background(), Spec{Set: Folder, Root: pack, Size: 9, Limit: 3}, nil)
		wantError(t, err, "data.limit", "pack that part, with the same data.limit")
	}
}

// Of several test splits one is read, and the others are named.
func TestASecondTestSplitIsNamed(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	folder := petFolder(t, 12)
	for from, to := range map[string]string{"cat": "train/cat", "dog": "val/cat"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(folder, from), filepath.Join(folder, to)); err != nil {
			t.Fatal(err)
		}
	}
	writePNG(t, filepath.Join(folder, "test", "cat", "x.png"), corners())
	d := mustLoad(t, Spec{Set: Folder, Root: folder, Size: 9})
	if said := strings.Join(d.Found, "\n"); !strings.Contains(said, "left out: 1 of further test splits, of which one is read: test") {
		t.Error(said)
	}
	shards := shardsOf(t, stripedFolder(t, 4), false)
	tar, err := os.ReadFile(filepath.Join(shards, "train-00000.tar"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(shards, "validation-00000.tar"), tar)
	before := mustLoad(t, Spec{Set: Folder, Root: shards, Size: 9})
	write(t, filepath.Join(shards, "val-00000.tar"), tar) // comes before validation
	d = mustLoad(t, Spec{Set: Folder, Root: shards, Size: 9})
	if said := strings.Join(d.Found, "\n"); !strings.Contains(said, ": validation-00000.tar") || d.Test.N == 0 || before.Test.N == 0 {
		t.Errorf("%d and %d test images: %s", before.Test.N, d.Test.N, said)
	}
}

func TestTwoSpellingsOfANumber(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	folder := t.TempDir()
	for _, class := range []string{"01", "1", "2"} {
		writePNG(t, filepath.Join(folder, "train", class, "a"+class+".png"), corners())
		writePNG(t, filepath.Join(folder, "val", class, "b"+class+".png"), corners())
	}
	_, err := Load(context.Background(), Spec{Set: Folder, Root: shardsOf(t, folder, true), Size: 9}, nil)
	wantError(t, err, "data.root", "are one number")
}

// What a killed process left of decoded images counts, is named a day later, and makes room.
func TestUnfinishedDecodings(t *testing.T) {
	root := t.TempDir()
	t.Setenv("PRABENCH_DATA", root)
	t.Setenv(roomVariable, "0.000001") // about a thousand bytes
	old, fresh := filepath.Join(root, "decoded", ".k.bin.123.part"), filepath.Join(root, "decoded", ".l.bin.456.part")
	for _, path := range []string{old, fresh} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, make([]byte, 600))
	}
	before := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	all, err := KeptFiles()
	if err != nil || len(all) != 2 || all[0].Unneeded() != "decoded images of a process that was stopped" || all[1].Unneeded() != "" {
		t.Fatalf("%+v, %v", all, err)
	}
	if !makeRoom(100) || makeRoom(600) {
		t.Error("the room is that of one file of 600 bytes, which is being written")
	}
	if left, _ := KeptFiles(); len(left) != 1 || left[0].Path != fresh {
		t.Errorf("left: %+v", left)
	}
}

// Memory of a limited set is that of its part, whatever was counted before.
func TestMemoryOfAPart(t *testing.T) {
	folder := stripedFolder(t, 14) // 42 and 42 images
	for range 2 {
		if whole, part := Memory(Spec{Set: Folder, Root: folder, Size: 9}), Memory(Spec{Set: Folder, Root: folder, Size: 9, Limit: 11}); part !=
			22*9*9*3 || whole != 84*9*9*3 {
			t.Errorf("%d bytes, of a part %d", whole, part)
		}
	}
}
