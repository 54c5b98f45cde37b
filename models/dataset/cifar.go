package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// A record of CIFAR-10's binary version is a label and three colour planes of
// 32×32 bytes; a batch is at most 10000 records with nothing around them.
const (
	cifarPlane   = 32 * 32
	cifarRecord  = 1 + 3*cifarPlane
	cifarMax     = 10000
	cifarAddress = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
)

var cifarFiles = [6]string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
	"test_batch.bin"}

// locateCIFAR finds the folder of the six batches: root or the folder of that
// name which the published archive unpacks into it. Without root it looks in
// the data folder.
func locateCIFAR(root string) (string, error) {
	given := root != ""
	if !given {
		dir, err := DataDir()
		if err != nil {
			return "", err
		}
		root = filepath.Join(dir, CIFAR10)
	}
	missing := ""
	for _, dir := range []string{root, filepath.Join(root, "cifar-10-batches-bin")} {
		missing = ""
		for _, name := range cifarFiles {
			if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.IsDir() {
				missing = name
				break
			}
		}
		if missing == "" {
			return dir, nil
		}
	}
	if !given {
		return "", problem("data.root", "cifar10 needs the folder of its binary batches (data_batch_1.bin … test_batch.bin); unpack %s and "+
			"set root to it, or put the files into %s", cifarAddress, root)
	}
	return "", problem("data.root", "%s has no file %s; unpack the binary version of CIFAR-10 (%s) there", root, missing, cifarAddress)
}

// cifarBatch is one file, pixels [n, 32, 32, 3].
type cifarBatch struct {
	labels []int32
	pixels []byte
	sum    string
}

func loadCIFAR(ctx context.Context, r resolved, p Progress) (*Data, error) {
	dir, err := locateCIFAR(r.Root)
	if err != nil {
		return nil, err
	}
	var batches [6]cifarBatch
	var errs [6]error
	var wait sync.WaitGroup
	for i, name := range cifarFiles {
		wait.Go(func() { batches[i], errs[i] = readCIFARFile(filepath.Join(dir, name)) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("reading cifar10: %w", err)
		}
	}
	p.report("reading cifar10", 6, 6)
	train, err := joinCIFAR(ctx, r, batches[:5], r.Limit)
	if err != nil {
		return nil, err
	}
	test, err := joinCIFAR(ctx, r, batches[5:], 0)
	if err != nil {
		return nil, err
	}
	h := r.newHash(train.N, test.N)
	for _, b := range batches {
		h.add(b.sum)
	}
	return &Data{Train: train, Test: test, Hash: h.sum()}, nil
}

func joinCIFAR(ctx context.Context, r resolved, batches []cifarBatch, limit int) (Split, error) {
	n := 0
	for _, b := range batches {
		n += len(b.labels)
	}
	s := Split{N: limited(n, limit)}
	s.Labels = make([]int32, 0, s.N)
	pixels := make([]byte, 0, s.N*3*cifarPlane)
	for _, b := range batches {
		take := min(len(b.labels), s.N-len(s.Labels))
		s.Labels = append(s.Labels, b.labels[:take]...)
		pixels = append(pixels, b.pixels[:take*3*cifarPlane]...)
	}
	var err error
	s.Pixels, err = r.frame().fitAll(ctx, pixels, s.N, false)
	return s, err
}

func readCIFARFile(path string) (cifarBatch, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return cifarBatch{}, err
	}
	defer f.Close()
	return readCIFAR(f, path, size)
}

// readCIFAR reads a batch of size bytes from r and interleaves its colours.
func readCIFAR(r io.Reader, name string, size int64) (cifarBatch, error) {
	var b cifarBatch
	if size <= 0 || size%cifarRecord != 0 || size > cifarMax*cifarRecord {
		return b, fmt.Errorf("%s has %d bytes; a CIFAR-10 batch has 1 to %d records of %d bytes, the published ones %d bytes", name, size,
			cifarMax, cifarRecord, cifarMax*cifarRecord)
	}
	raw := make([]byte, size)
	if n, err := io.ReadFull(r, raw); err != nil {
		return b, fmt.Errorf("%s ends after %d of %d bytes: %w", name, n, size, err)
	}
	n := int(size / cifarRecord)
	b.labels, b.pixels = make([]int32, n), make([]byte, n*3*cifarPlane)
	for i := range n {
		rec := raw[i*cifarRecord:][:cifarRecord]
		if rec[0] > 9 {
			return cifarBatch{}, fmt.Errorf("%s gives image %d the label %d; labels are 0 to 9 (is this the binary version of CIFAR-10?)",
				name, i, rec[0])
		}
		b.labels[i] = int32(rec[0])
		red, green, blue := rec[1:][:cifarPlane], rec[1+cifarPlane:][:cifarPlane], rec[1+2*cifarPlane:][:cifarPlane]
		out := b.pixels[i*3*cifarPlane:][:3*cifarPlane]
		for k := range cifarPlane {
			out[3*k], out[3*k+1], out[3*k+2] = red[k], green[k], blue[k]
		}
	}
	sum := sha256.Sum256(raw)
	b.sum = hex.EncodeToString(sum[:])
	return b, nil
}
