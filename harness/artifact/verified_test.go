package artifact

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAFileThatHasNotChangedIsReadOnce damages a file and gives it the mark of one
// that was compared just now: only reading it could tell. Anything that the system
// sees of a change makes it be read.
func TestAFileThatHasNotChangedIsReadOnce(t *testing.T) {
	defer func(d time.Duration) { settled = d }(settled)
	for name, change := range map[string]func(path string) error{
		"touched": func(path string) error { return os.Chtimes(path, time.Now(), time.Now()) },
		"written with its old time": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte("wrong"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(path, info.ModTime(), info.ModTime())
		},
		"replaced": func(path string) error {
			if err := os.WriteFile(path+".new", []byte("wrong"), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			settled = 0
			s, ref := Store{t.TempDir()}, Ref{"train", "abc"}
			d, err := s.Begin(ref)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Write("model", []byte("right")); err != nil {
				t.Fatal(err)
			}
			m, err := d.Commit()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(s.Dir(ref), "model")
			if err := os.WriteFile(path, []byte("wrong"), 0o644); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond) // the system's clock of files has a grain
			if _, keep := unchanged(path, m.Files[0].SHA256); keep != nil {
				keep()
			}
			if _, err := s.Check(ref); err != nil {
				t.Errorf("a file that has not changed was read again: %v", err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			var damaged *Damaged
			if _, err := s.Check(ref); !errors.As(err, &damaged) {
				t.Errorf("the change was not noticed: %v", err)
			}
		})
	}
}

// TestAFreshFileIsReadAgain: another change could carry the same time.
func TestAFreshFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, keep := unchanged(path, "h")
	keep()
	if same, _ := unchanged(path, "h"); same {
		t.Error("a file written this moment counts as compared")
	}
}
