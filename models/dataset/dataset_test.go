package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// packedPNGHeader is a PNG file that claims a size and holds nothing.
func packedPNGHeader(w, h uint32) []byte {
	ihdr := append([]byte("IHDR"), 0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0)
	binary.BigEndian.PutUint32(ihdr[4:], w)
	binary.BigEndian.PutUint32(ihdr[8:], h)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr))
}

func TestDescribe(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	for _, c := range []struct {
		spec                                 Spec
		size, channels, classes, train, test int
	}{
		{Spec{Set: MNIST}, 28, 1, 10, 60000, 10000},
		{Spec{Set: MNIST, Size: 32, Channels: 3, Limit: 500}, 32, 3, 10, 500, 10000},
		{Spec{Set: FashionMNIST, Limit: 1 << 30}, 28, 1, 10, 60000, 10000},
		{Spec{Set: Shapes}, 32, 3, 8, 20000, 4000},
		{Spec{Set: Shapes, Size: 256, Limit: 50000}, 256, 3, 8, 50000, 4000},
		{Spec{Set: ImageNet}, 256, 3, 1000, 1281167, 50000},
	} {
		i, err := Describe(c.spec)
		if err != nil || i.Size != c.size || i.Channels != c.channels || i.Classes != c.classes || i.Train != c.train || i.Test != c.test {
			t.Errorf("%+v is described as %+v (%v)", c.spec, i, err)
		}
	}
}

func TestDescribeRefuses(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	gone := filepath.Join(t.TempDir(), "gone")
	for name, c := range map[string]struct {
		spec      Spec
		key, want string
	}{
		"no set":        {Spec{}, "data.set", "allowed: mnist"},
		"unknown":       {Spec{Set: "mnits"}, "data.set", `no data set "mnits"`},
		"negative size": {Spec{Set: MNIST, Size: -1}, "data.size", "-1"},
		"huge size":     {Spec{Set: MNIST, Size: 1 << 30}, "data.size", "1 to 4096"},
		"two channels":  {Spec{Set: MNIST, Channels: 2}, "data.channels", "3 is RGB"},
		"limit":         {Spec{Set: MNIST, Limit: -5}, "data.limit", "negative"},
		"fit":           {Spec{Set: MNIST, Fit: "stretch"}, "data.fit", "pad, crop or resize"},
		"pad smaller":   {Spec{Set: MNIST, Size: 20, Fit: "pad"}, "data.fit", "cannot be padded to size 20"},
		"crop larger":   {Spec{Set: MNIST, Size: 40, Fit: "crop"}, "data.fit", "cannot be cropped to size 40"},
		"missing root":  {Spec{Set: MNIST, Root: gone}, "data.root", gone},
		"cifar10":       {Spec{Set: CIFAR10}, "data.root", "data_batch_1.bin"},
		"cifar10 gone":  {Spec{Set: CIFAR10, Root: gone}, "data.root", "there is no folder"},
		"cifar10 empty": {Spec{Set: CIFAR10, Root: t.TempDir()}, "data.root", "has no file data_batch_1.bin"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Describe(c.spec)
			wantError(t, err, c.key, c.want)
			wantError(t, Available(c.spec), c.key, c.want)
			_, err = Load(context.Background(), c.spec, nil)
			wantError(t, err, c.key, c.want)
		})
	}
}

func TestMissingSetNamesTheCommand(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	t.Setenv("GOMODCACHE", t.TempDir())
	_, err := Load(context.Background(), Spec{Set: MNIST}, nil)
	wantError(t, err, "data.set", "run: prabench data fetch mnist")
	wantError(t, Available(Spec{Set: MNIST}), "data.set", "run: prabench data fetch mnist")
	if e := err.(*Error); e.Fetch != MNIST {
		t.Errorf("Fetch is %q", e.Fetch)
	}
	for _, s := range Sources() {
		if s.Set == MNIST && s.Available || s.Set == Shapes && !s.Available || s.How == "" {
			t.Errorf("source %+v", s)
		}
	}
}

// A hash stands for the pixels: it changes with every key that changes them
// and with nothing else.
func TestHash(t *testing.T) {
	dir := writeSet(t, nil)
	base := mustLoad(t, Spec{Set: MNIST, Root: dir})
	moved := writeSet(t, map[string][]byte{"train-images-idx3-ubyte": packed(idxBytes(20, 28, 28))})
	for name, s := range map[string]Spec{
		"other folder, packed": {Set: MNIST, Root: moved},
		"defaults spelt out":   {Set: MNIST, Root: dir, Size: 28, Channels: 1, Fit: "auto"},
		"seed":                 {Set: MNIST, Root: dir, Seed: 9},
		"limit above":          {Set: MNIST, Root: dir, Limit: 20},
	} {
		if d := mustLoad(t, s); d.Hash != base.Hash || !bytes.Equal(d.Train.Pixels, base.Train.Pixels) {
			t.Errorf("%s changes the hash or the pixels", name)
		}
	}
	changed := idxBytes(20, 28, 28)
	changed[5000] ^= 1
	relabelled := idxBytes(10)
	relabelled[9] = 7
	seen := map[string]string{base.Hash: "base"}
	for name, s := range map[string]Spec{
		"pixel":    {Set: MNIST, Root: writeSet(t, map[string][]byte{"train-images-idx3-ubyte": changed})},
		"label":    {Set: MNIST, Root: writeSet(t, map[string][]byte{"t10k-labels-idx1-ubyte": relabelled})},
		"size":     {Set: MNIST, Root: dir, Size: 32},
		"fit":      {Set: MNIST, Root: dir, Size: 32, Fit: "resize"},
		"channels": {Set: MNIST, Root: dir, Channels: 3},
		"limit":    {Set: MNIST, Root: dir, Limit: 19},
		"set":      {Set: FashionMNIST, Root: dir},
	} {
		h := mustLoad(t, s).Hash
		if other := seen[h]; other != "" || len(h) != 64 {
			t.Errorf("%s and %s have the same hash %s", name, other, h)
		}
		seen[h] = name
	}
}

// The published files, wherever this machine has them.
func TestPublishedSets(t *testing.T) {
	for set, first := range map[string][]int32{
		MNIST:        {5, 0, 4, 1, 9, 2, 1, 3, 1, 4},
		FashionMNIST: {9, 0, 0, 3, 0, 2, 7, 2, 5, 5},
	} {
		t.Run(set, func(t *testing.T) {
			local := localFolders(set)[0] // before the data folder moves
			if _, missing := filesIn(local, set); missing != "" {
				if testing.Short() || set == FashionMNIST {
					t.Skipf("%s is not on this machine (no %s in %s) and is not fetched here", set, missing, local)
				}
			}
			dir := t.TempDir()
			t.Setenv("PRABENCH_DATA", dir)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := Fetch(ctx, set, "", nil); err != nil {
				t.Skipf("cannot be had here: %v", err)
			}
			start := time.Now()
			d := mustLoad(t, Spec{Set: set})
			t.Logf("loaded in %v", time.Since(start))
			if d.Train.N != 60000 || d.Test.N != 10000 || d.Size != 28 || d.Channels != 1 || d.Info.Classes != 10 {
				t.Fatalf("loaded %d + %d images, %+v", d.Train.N, d.Test.N, d.Info)
			}
			for i, l := range first {
				if d.Train.Labels[i] != l {
					t.Errorf("label %d is %d, want %d", i, d.Train.Labels[i], l)
				}
			}
			if testing.Short() {
				return
			}
			if packed, err := Load(ctx, Spec{Set: set, Root: local}, nil); err == nil && packed.Hash != d.Hash {
				t.Error("the packed copy has another hash")
			}
			// A changed byte in a fetched file is found, and fetching mends it.
			path := filepath.Join(dir, set, idxSets[set][0].name)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[1234567] ^= 1
			os.WriteFile(path, b, 0o666)
			if _, err := Load(ctx, Spec{Set: set}, nil); err == nil || !strings.Contains(err.Error(), path) ||
				!strings.Contains(err.Error(), "prabench data fetch "+set) {
				t.Errorf("a changed byte gave %v", err)
			}
			if err := Fetch(ctx, set, "", nil); err != nil {
				t.Error(err)
			}
			mustLoad(t, Spec{Set: set})
		})
	}
}

func TestLoadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Load(ctx, Spec{Set: Shapes}, nil); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}
