package artifact

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestCommitWithoutExchange commits at once as it is done on NFS, where no step
// exchanges two folders.
func TestCommitWithoutExchange(t *testing.T) {
	usual := exchange
	defer func() { exchange = usual }()
	exchange = func(string, string) error { return errors.ErrUnsupported }

	s := Store{Root: t.TempDir()}
	ref := Ref{Kind: "train", Key: strings.Repeat("ab", 32)}
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 30 {
				d, err := s.Begin(ref)
				if err == nil {
					err = d.Write("model.bin", []byte("weights"))
				}
				if err == nil {
					_, err = d.Commit()
				}
				if err != nil {
					t.Error(err)
					return
				}
				d.Discard()
			}
		})
	}
	writers.Wait()
	if got, err := s.Read(ref, "model.bin"); err != nil || string(got) != "weights" {
		t.Errorf("read %q, %v", got, err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.Root, "tmp")); len(left) != 0 {
		t.Errorf("%d entries are left in tmp", len(left))
	}
}
