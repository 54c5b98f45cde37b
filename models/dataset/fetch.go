package dataset

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"prabench/internal/atomicfile"
	"strings"
)

// Fetch brings a set onto this machine: into root, or into its folder in
// [DataDir] when root is empty. Files that are there with the right SHA-256
// stay as they are; every other file is written whole under another name,
// checked and renamed, so a broken fetch leaves nothing that Load would take.
func Fetch(ctx context.Context, name, root string, p Progress) error {
	switch name {
	case MNIST, FashionMNIST:
	case Shapes:
		p.report("shapes are drawn by the program, nothing to fetch", 1, 1)
		return nil
	case CIFAR10:
		if dir, err := locateCIFAR(root); err == nil {
			p.report("cifar10 is there: "+dir, 1, 1)
			return nil
		}
		return problem("data.set", "cifar10 is not fetched by prabench; unpack %s and set data.root to the folder", cifarAddress)
	case Folder, ImageNet:
		return problem("data.set", "%s is a folder of your own and cannot be fetched; set data.root to it", name)
	default:
		return problem("data.set", "there is no data set %q; allowed: %s", name, strings.Join(Names(), ", "))
	}
	dir := root
	if dir == "" {
		data, err := DataDir()
		if err != nil {
			return err
		}
		dir = filepath.Join(data, name)
	}
	return fetchFiles(ctx, name, dir, idxSets[name], originsOf(name), p)
}

// origin is a place that has the four files of a set.
type origin interface {
	String() string
	// open gives a file, plain or gzipped, and its size or -1. It is called
	// for one file after the other.
	open(ctx context.Context, name string, p Progress) (io.ReadCloser, int64, error)
}

// fetchFiles fills dir from the first origin that has the right files.
func fetchFiles(ctx context.Context, set, dir string, files [4]idxFile, origins []origin, p Progress) error {
	var missing []idxFile
	for _, f := range files {
		if sum, err := fileSum(filepath.Join(dir, f.name)); err != nil || sum != f.sum {
			missing = append(missing, f)
		}
	}
	if len(missing) == 0 {
		p.report(set+" is there: "+dir, 1, 1)
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("fetching %s: cannot make its folder: %w; set PRABENCH_DATA to a folder that can be written", set, err)
	}
	var tried []string
	for _, o := range origins {
		err := func() error {
			for len(missing) > 0 {
				if err := fetchFile(ctx, o, set, dir, missing[0], p); err != nil {
					return err
				}
				missing = missing[1:]
			}
			return nil
		}()
		if ctx.Err() != nil {
			return fmt.Errorf("fetching %s: stopped: %w", set, ctx.Err())
		}
		var local *writeError
		if errors.As(err, &local) {
			return fmt.Errorf("fetching %s: %w; set PRABENCH_DATA to a folder that can be written", set, local.err)
		}
		if err == nil {
			p.report(set+" is there: "+dir, 1, 1)
			return nil
		}
		tried = append(tried, fmt.Sprintf("  %s: %v", o, err))
	}
	return fmt.Errorf("fetching %s: no source could be used:\n%s\n%s", set, strings.Join(tried, "\n"), advice(set, dir, missing))
}

// advice says how to get the files by hand.
func advice(set, dir string, missing []idxFile) string {
	var b strings.Builder
	if set == FashionMNIST {
		fmt.Fprintf(&b, "On Debian or Ubuntu install the package: apt-get install dataset-fashion-mnist\n")
	} else {
		fmt.Fprintf(&b, "With Go and a module proxy run: go mod download -json %s\n", mnistModule)
	}
	fmt.Fprintf(&b, "Or put these files, plain or gzipped, into %s (SHA-256 of the unpacked content):", dir)
	for _, f := range missing {
		fmt.Fprintf(&b, "\n  %s%s.gz  %s", addresses[set][0], f.name, f.sum)
	}
	return b.String()
}

// writeError is trouble on this machine's disk, for which no other origin helps.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

func fetchFile(ctx context.Context, o origin, set, dir string, f idxFile, p Progress) error {
	what := set + ": " + f.name
	body, size, err := o.open(ctx, f.name, p)
	if err != nil {
		return err
	}
	defer body.Close()
	counted := &counter{ctx: ctx, r: body, what: what, total: size, p: p}
	in := bufio.NewReaderSize(counted, 1<<18)
	var plain io.Reader = in
	if head, _ := in.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		if plain, err = gzip.NewReader(in); err != nil {
			return fmt.Errorf("%s is damaged: %w", f.name, err)
		}
	}
	var bad error // of the source, not of the disk
	err = atomicfile.Write(filepath.Join(dir, f.name), 0o644, func(w *os.File) error {
		h := sha256.New()
		source := &sourceReader{r: io.LimitReader(plain, f.bytes+1)}
		n, err := io.Copy(io.MultiWriter(w, h), source)
		switch got := hex.EncodeToString(h.Sum(nil)); {
		case source.err != nil:
			bad = fmt.Errorf("%s breaks off after %d bytes: %w", f.name, n, source.err)
		case err != nil:
			return err
		case n != f.bytes:
			bad = fmt.Errorf("%s is not the published file: it unpacks to %d bytes or more, expected %d", f.name, n, f.bytes)
		case got != f.sum:
			bad = fmt.Errorf("%s is not the published file: SHA-256 %s, expected %s", f.name, got, f.sum)
		}
		return bad
	})
	if bad != nil {
		return bad
	}
	if err != nil {
		return &writeError{err}
	}
	return nil
}

// sourceReader remembers why reading failed, to tell it from failed writing.
type sourceReader struct {
	r   io.Reader
	err error
}

func (s *sourceReader) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// counter reports progress and ends when its context does.
type counter struct {
	ctx         context.Context
	r           io.Reader
	what        string
	done, total int64
	p           Progress
}

func (c *counter) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	c.done += int64(n)
	c.p.report(c.what, c.done, c.total)
	return n, err
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
