package artifact_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"prabench/harness/artifact"
)

var ref = artifact.Ref{Kind: "train", Key: strings.Repeat("ab", 32)}

func commit(t *testing.T, s artifact.Store, content string) artifact.Manifest {
	t.Helper()
	d, err := s.Begin(ref)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	if err := d.Write("model.bin", []byte(content)); err != nil {
		t.Fatal(err)
	}
	m, err := d.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCommittedArtifactIsRead(t *testing.T) {
	s := artifact.Store{Root: t.TempDir()}
	m := commit(t, s, "weights")
	if len(m.Files) != 1 || m.Files[0].Bytes != 7 {
		t.Fatalf("manifest %+v", m)
	}
	got, err := s.Read(ref, "model.bin")
	if err != nil || string(got) != "weights" {
		t.Fatalf("read %q, %v", got, err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.Root, "tmp")); len(left) != 0 {
		t.Errorf("a committed draft left %d entries in tmp", len(left))
	}
}

func TestUncommittedDraftIsInvisible(t *testing.T) {
	s := artifact.Store{Root: t.TempDir()}
	d, err := s.Begin(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Write("model.bin", []byte("half")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(ref); !errors.Is(err, artifact.ErrMissing) {
		t.Fatalf("a draft is visible: %v", err)
	}
	d.Discard()
	if left, _ := os.ReadDir(filepath.Join(s.Root, "tmp")); len(left) != 0 {
		t.Errorf("a discarded draft left %d entries", len(left))
	}
}

func TestSecondCommitReplacesTheFirst(t *testing.T) {
	s := artifact.Store{Root: t.TempDir()}
	commit(t, s, "first")
	commit(t, s, "second")
	if got, err := s.Read(ref, "model.bin"); err != nil || string(got) != "second" {
		t.Fatalf("read %q, %v", got, err)
	}
}

// TestManyCommitAtOnce is what a batch system makes when it starts a job again
// that was not dead: several processes finish the same stage, while others read.
func TestManyCommitAtOnce(t *testing.T) {
	s := artifact.Store{Root: t.TempDir()}
	commit(t, s, "weights")
	done := make(chan struct{})
	var writers, readers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 30 {
				commit(t, s, "weights")
			}
		})
	}
	reads := 0
	readers.Go(func() {
		for {
			if got, err := s.Read(ref, "model.bin"); err != nil || string(got) != "weights" {
				t.Errorf("read %q, %v", got, err)
				return
			}
			reads++
			select {
			case <-done:
				return
			default:
			}
		}
	})
	writers.Wait()
	close(done)
	readers.Wait()
	if _, err := s.Check(ref); err != nil || reads == 0 {
		t.Errorf("%v after %d reads", err, reads)
	}
	if left, _ := os.ReadDir(filepath.Join(s.Root, "tmp")); len(left) != 0 {
		t.Errorf("%d entries are left in tmp", len(left))
	}
}

func TestDamageIsNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(path string) error
		file   string
		says   string
		stat   bool // found without reading the contents
	}{
		{"flipped byte", func(p string) error { return os.WriteFile(filepath.Join(p, "model.bin"), []byte("weighty"), 0o644) }, "model.bin",
			"has changed", false},
		{"cut short", func(p string) error { return os.Truncate(filepath.Join(p, "model.bin"), 3) }, "model.bin",
			"has 3 bytes, 7 were written", true},
		{"file removed", func(p string) error { return os.Remove(filepath.Join(p, "model.bin")) }, "model.bin", "is gone", true},
		{"manifest garbled", func(p string) error { return os.WriteFile(filepath.Join(p, "manifest.json"), []byte("{"), 0o644) }, "manifest.json",
			"is not a manifest", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := artifact.Store{Root: t.TempDir()}
			commit(t, s, "weights")
			if err := c.damage(s.Dir(ref)); err != nil {
				t.Fatal(err)
			}
			_, err := s.Check(ref)
			var d *artifact.Damaged
			if !errors.As(err, &d) || d.File != c.file || !strings.Contains(d.Problem, c.says) {
				t.Fatalf("Check says %v", err)
			}
			if _, err := s.Stat(ref); (err != nil) != c.stat {
				t.Errorf("Stat says %v", err)
			}
			if _, err := s.Read(ref, "model.bin"); err == nil {
				t.Error("damaged bytes were handed out")
			}
			if _, err := s.SetAside(ref); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Stat(ref); !errors.Is(err, artifact.ErrMissing) {
				t.Errorf("set aside, but still %v", err)
			}
		})
	}
}
