package artifact_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/artifact"
)

func TestMerge(t *testing.T) {
	ours, theirs := artifact.Store{Root: t.TempDir()}, artifact.Store{Root: t.TempDir()}
	want := commit(t, theirs, "weights")
	for i, copied := range []bool{true, false, false} {
		if got, err := ours.Merge(theirs, ref); got != copied || err != nil {
			t.Errorf("merge %d: copied %v, %v", i, got, err)
		}
	}
	m, err := ours.Check(ref)
	if err != nil || m.Files[0] != want.Files[0] {
		t.Errorf("%+v, %v", m, err)
	}
	if left, _ := os.ReadDir(filepath.Join(ours.Root, "tmp")); len(left) > 0 {
		t.Errorf("drafts are left: %v", left)
	}
}

func TestMergeRefusesByName(t *testing.T) {
	file := func(s artifact.Store, name string) string { return filepath.Join(s.Dir(ref), name) }
	for name, c := range map[string]struct {
		ours   string // "" for none
		change func(t *testing.T, theirs artifact.Store)
		want   []string
	}{
		"other content": {"other", func(t *testing.T, s artifact.Store) {}, []string{"model.bin", "differs", "two machines"}},
		"a flipped bit": {"", func(t *testing.T, s artifact.Store) { os.WriteFile(file(s, "model.bin"), []byte("weightt"), 0o644) },
			[]string{"model.bin", "has changed"}},
		"cut": {"", func(t *testing.T, s artifact.Store) { os.Truncate(file(s, "model.bin"), 3) },
			[]string{"model.bin", "has 3 bytes"}},
		"a file gone": {"", func(t *testing.T, s artifact.Store) { os.Remove(file(s, "model.bin")) }, []string{"model.bin", "is gone"}},
		"a name that leads out": {"", func(t *testing.T, s artifact.Store) {
			raw, _ := os.ReadFile(file(s, "manifest.json"))
			os.WriteFile(file(s, "../escape"), []byte("weights"), 0o644)
			os.WriteFile(file(s, "manifest.json"), []byte(strings.Replace(string(raw), "model.bin", "../escape", 1)), 0o644)
		}, []string{"../escape", "no name of a file"}},
	} {
		ours, theirs := artifact.Store{Root: t.TempDir()}, artifact.Store{Root: t.TempDir()}
		commit(t, theirs, "weights")
		c.change(t, theirs)
		if c.ours != "" {
			commit(t, ours, c.ours)
		}
		copied, err := ours.Merge(theirs, ref)
		var conflict *artifact.Conflict
		var damage *artifact.Damaged
		if copied || !errors.As(err, &conflict) && !errors.As(err, &damage) {
			t.Errorf("%s: copied %v, %v", name, copied, err)
			continue
		}
		for _, w := range append(c.want, theirs.Root) {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", name, err, w)
			}
		}
		got, err := ours.Read(ref, "model.bin")
		if c.ours == "" && !errors.Is(err, artifact.ErrMissing) || c.ours != "" && string(got) != c.ours {
			t.Errorf("%s: here is now %q, %v", name, got, err)
		}
	}
}

func TestMergeOverDamage(t *testing.T) {
	ours, theirs := artifact.Store{Root: t.TempDir()}, artifact.Store{Root: t.TempDir()}
	commit(t, ours, "weights")
	commit(t, theirs, "weights")
	os.WriteFile(filepath.Join(ours.Dir(ref), "model.bin"), []byte("wrights"), 0o644)
	if copied, err := ours.Merge(theirs, ref); !copied || err != nil {
		t.Fatal(copied, err)
	}
	if got, err := ours.Read(ref, "model.bin"); string(got) != "weights" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if aside, _ := os.ReadDir(filepath.Join(ours.Root, "damaged")); len(aside) != 1 {
		t.Errorf("%d damaged artifacts were kept", len(aside))
	}
}

func TestMergeKeepsApart(t *testing.T) {
	ours, theirs := artifact.Store{Root: t.TempDir()}, artifact.Store{Root: t.TempDir()}
	for _, s := range []artifact.Store{ours, theirs} {
		d, err := s.Begin(ref)
		if err != nil {
			t.Fatal(err)
		}
		d.Write("model.bin", []byte("weights"))
		d.Write("attempt.json", []byte(s.Root))
		if _, err := d.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if copied, err := ours.Merge(theirs, ref, "attempt.json"); copied || err != nil {
		t.Errorf("copied %v, %v: only when it was made differs", copied, err)
	}
	var conflict *artifact.Conflict
	if _, err := ours.Merge(theirs, ref); !errors.As(err, &conflict) || conflict.File != "attempt.json" {
		t.Errorf("%v", err)
	}
}
