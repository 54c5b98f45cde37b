package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Conflict says that two stores hold different files under one key.
type Conflict struct {
	Ref          Ref
	File         string // the first that differs
	Ours, Theirs string // its SHA-256 in hex; "" where it is missing
	Folder       string // theirs
}

func (e *Conflict) Error() string {
	short := func(sum string) string {
		if sum == "" {
			return "none"
		}
		return fmt.Sprintf("%.12s…", sum)
	}
	return fmt.Sprintf("%s: refused, its %s differs from what is here under the same key (SHA-256 %s, here %s): one stage was done on two "+
		"machines; keep one of them and remove the other",
		e.Folder, e.File, short(e.Theirs), short(e.Ours))
}

// Merge copies an artifact of another store into this one and compares the hash
// of every file on both sides. It does nothing when the same files are here;
// those named in apart may differ, such as a record of when they were made.
// Other content under the same key is a [*Conflict], theirs damaged a
// [*Damaged]; neither changes this store. Ours damaged gives way: it is set
// aside.
func (s Store) Merge(from Store, ref Ref, apart ...string) (copied bool, err error) {
	theirs, err := from.Stat(ref)
	if err != nil {
		return false, in(from, err)
	}
	for _, f := range theirs.Files {
		if f.Name != filepath.Base(f.Name) || f.Name == manifestName || f.Name == "." || f.Name == ".." {
			return false, in(from, &Damaged{ref, manifestName, fmt.Sprintf("lists %q, which is no name of a file in it", f.Name)})
		}
	}
	switch ours, err := s.Check(ref); {
	case err == nil:
		return false, differs(ours, theirs, from.Dir(ref), apart)
	case errors.Is(err, ErrMissing):
	default:
		var damage *Damaged
		if !errors.As(err, &damage) {
			return false, err
		}
		// Only for what is whole.
		if _, err := from.Check(ref); err != nil {
			return false, in(from, err)
		}
		if _, err := s.SetAside(ref); err != nil {
			return false, err
		}
	}
	d, err := s.Begin(ref)
	if err != nil {
		return false, err
	}
	defer d.Discard()
	for _, f := range theirs.Files {
		sum, err := copyFile(filepath.Join(from.Dir(ref), f.Name), d.Path(f.Name))
		if err != nil {
			return false, fmt.Errorf("copying artifact %s: %w", ref, err)
		}
		if sum != f.SHA256 {
			changed := fmt.Sprintf("has changed since it was written (SHA-256 %.12s…, %.12s… expected)", sum, f.SHA256)
			return false, in(from, &Damaged{ref, f.Name, changed})
		}
	}
	written, err := d.Files()
	if err != nil {
		return false, err
	}
	if err := differs(Manifest{Kind: ref.Kind, Key: ref.Key, Files: written}, theirs, from.Dir(ref), nil); err != nil {
		return false, fmt.Errorf("artifact %s was copied badly, the disk is not to be trusted: %w", ref, err)
	}
	_, err = d.Commit()
	return err == nil, err
}

// in says which store an error is about: both hold artifacts of the same name.
func in(s Store, err error) error { return fmt.Errorf("%s: %w", s.Root, err) }

// differs gives the first file in which two artifacts of one key differ.
func differs(ours, theirs Manifest, folder string, apart []string) error {
	a, b := sums(ours, apart), sums(theirs, apart)
	for _, m := range []Manifest{theirs, ours} {
		for _, f := range m.Files {
			if a[f.Name] != b[f.Name] {
				return &Conflict{Ref{ours.Kind, ours.Key}, f.Name, a[f.Name], b[f.Name], folder}
			}
		}
	}
	return nil
}

func sums(m Manifest, apart []string) map[string]string {
	all := map[string]string{}
	for _, f := range m.Files {
		all[f.Name] = f.SHA256
	}
	for _, name := range apart {
		delete(all, name)
	}
	return all
}

// copyFile gives the SHA-256 of what it read.
func copyFile(from, to string) (sum string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(out, io.TeeReader(in, h))
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, out.Close())
}
