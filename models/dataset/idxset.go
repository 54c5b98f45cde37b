package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// idxFile is one of the four files of an MNIST-like set: its unpacked size and
// SHA-256. The sums are of the unpacked content because distributions pack the
// same files again.
type idxFile struct {
	name  string
	bytes int64
	sum   string
}

// The order is training images, training labels, test images, test labels.
var idxSets = map[string][4]idxFile{
	MNIST: {
		{"train-images-idx3-ubyte", 47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
		{"train-labels-idx1-ubyte", 60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
		{"t10k-images-idx3-ubyte", 7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
		{"t10k-labels-idx1-ubyte", 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
	},
	FashionMNIST: {
		{"train-images-idx3-ubyte", 47040016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
		{"train-labels-idx1-ubyte", 60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
		{"t10k-images-idx3-ubyte", 7840016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
		{"t10k-labels-idx1-ubyte", 10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
	},
}

// locateIDX finds the four files of a set, plain or gzipped: in root when it
// is given, else in the data folder, else where a package or the Go module
// cache has put them.
func locateIDX(set, root string) ([4]string, error) {
	if root != "" {
		paths, missing := filesIn(root, set)
		if missing != "" {
			return paths, problem("data.root", "%s has no file %s (nor %[2]s.gz); %s needs its four IDX files there, or leave root out and run: "+
				"prabench data fetch %s", root, missing, set, set)
		}
		return paths, nil
	}
	dir, err := DataDir()
	if err != nil {
		return [4]string{}, err
	}
	places := append([]string{filepath.Join(dir, set)}, localFolders(set)...)
	for _, place := range places {
		if paths, missing := filesIn(place, set); missing == "" {
			return paths, nil
		}
	}
	missing := problem("data.set", "%s is not on this machine (looked in %s); run: prabench data fetch %s", set,
		strings.Join(places, " and "), set)
	missing.Fetch = set
	return [4]string{}, missing
}

// filesIn returns the paths of the four files in dir, or the name of the first
// that is not there.
func filesIn(dir, set string) (paths [4]string, missing string) {
	for i, f := range idxSets[set] {
		for _, name := range []string{f.name, f.name + ".gz"} {
			path := filepath.Join(dir, name)
			if st, err := os.Stat(path); err == nil && !st.IsDir() {
				paths[i] = path
				break
			}
		}
		if paths[i] == "" {
			return paths, f.name
		}
	}
	return paths, ""
}

func loadIDXSet(ctx context.Context, r resolved, p Progress) (*Data, error) {
	paths, err := locateIDX(r.Set, r.Root)
	if err != nil {
		return nil, err
	}
	var files [4]idx
	var errs [4]error
	var wait sync.WaitGroup
	for i, path := range paths {
		wait.Go(func() { files[i], errs[i] = readIDXFile(path, 3-2*(i%2)) })
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", r.Set, err)
		}
		// A folder that the user names may hold other images in this format; the
		// files that we fetched may not have changed.
		if want := idxSets[r.Set][i].sum; r.Root == "" && files[i].Sum != want {
			return nil, fmt.Errorf("reading %s: %s is damaged: its content has SHA-256 %s, expected %s; to replace it run: prabench data fetch %s",
				r.Set, paths[i], files[i].Sum, want, r.Set)
		}
	}
	p.report("reading "+r.Set, 4, 4)
	train, err := idxSplit(ctx, r, files[0], files[1], paths[0], paths[1], r.Limit)
	if err != nil {
		return nil, err
	}
	test, err := idxSplit(ctx, r, files[2], files[3], paths[2], paths[3], 0)
	if err != nil {
		return nil, err
	}
	h := r.newHash(train.N, test.N)
	for _, f := range files {
		h.add(f.Sum)
	}
	return &Data{Train: train, Test: test, Hash: h.sum()}, nil
}

// idxSplit pairs images with labels and fits them.
func idxSplit(ctx context.Context, r resolved, images, labels idx, imagePath, labelPath string, limit int) (Split, error) {
	var s Split
	count, side := images.Dims[0], r.native.size
	switch {
	case images.Dims[1] != side || images.Dims[2] != side:
		return s, fmt.Errorf("reading %s: %s holds images of %d×%d pixels; those of %s are %d×%d", r.Set, imagePath, images.Dims[1],
			images.Dims[2], r.Set, side, side)
	case count != labels.Dims[0]:
		return s, fmt.Errorf("reading %s: %s holds %d images but %s holds %d labels: they are not of one set, fetch both again", r.Set,
			imagePath, count, labelPath, labels.Dims[0])
	case count == 0:
		return s, fmt.Errorf("reading %s: %s holds no images: fetch it again (prabench data fetch)", r.Set, imagePath)
	}
	s.N = limited(count, limit)
	s.Labels = make([]int32, s.N)
	for i, l := range labels.Data {
		if int(l) >= r.info.Classes {
			return s, fmt.Errorf("reading %s: %s gives image %d the label %d; labels are 0 to %d", r.Set, labelPath, i, l, r.info.Classes-1)
		}
		if i < s.N {
			s.Labels[i] = int32(l)
		}
	}
	var err error
	s.Pixels, err = r.frame().fitAll(ctx, images.Data[:s.N*side*side], s.N, s.N < count)
	return s, err
}
