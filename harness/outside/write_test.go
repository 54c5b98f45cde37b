package outside

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
)

// What is written is read again to the byte, with its classes.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, channels := range []int{1, 3} {
		m := Images{Size: side, Channels: channels, Pixels: pixels(24 * side * side * channels), Classes: 12}
		for i := range 24 {
			m.Labels = append(m.Labels, int32(i/2)) // in the order in which a folder is read
		}
		dir := t.TempDir()
		for _, name := range []string{"a.npz", "a.npy", "folder", "with.dot/"} {
			path := filepath.Join(dir, name)
			if name == "with.dot/" {
				path += "/"
			}
			if !Writes(path) {
				t.Errorf("%s is none of the forms", name)
			}
			if err := Write(path, m); err != nil {
				t.Fatal(err)
			}
			s, err := Read(path, Want{side, channels, NoRange})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			labels := m.Labels
			if name == "a.npy" {
				labels = nil
			}
			if s.N != 24 || !bytes.Equal(s.Pixels, m.Pixels) || !slices.Equal(s.Labels, labels) {
				t.Errorf("%s, %d channels: %d images, labels %v", name, channels, s.N, s.Labels)
			}
		}
		if err := Write(filepath.Join(dir, "folder"), m); !errors.Is(err, fs.ErrExist) {
			t.Errorf("into a folder with other images: %v", err)
		}
	}
	if Writes("sheet.png") {
		t.Error("a sheet is taken for a folder")
	}
}
