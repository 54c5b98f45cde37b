package dataset

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// A folder of images is split by the hash of each file's path: one in
// heldOut goes to the test split. Adding files never moves others.
const heldOut = 10

// classList is what lies on top of an image folder.
type classList struct {
	root    string
	classes []string // sorted; the label is the index
	train   string   // folder of the class folders, relative to root
	test    string   // the same for the test split; "" when train is split by hash
}

// listClasses reads the names of the class folders: those in root, or those in
// root/train when there is also root/val, root/valid, root/validation or
// root/test, which then is the test split.
func listClasses(root string) (classList, error) {
	l := classList{root: root, train: "."}
	names, err := subfolders(root)
	if err != nil {
		return l, problem("data.root", "cannot look into %s: %v", root, err)
	}
	if slices.Contains(names, "train") {
		for _, test := range []string{"val", "valid", "validation", "test"} {
			if slices.Contains(names, test) {
				l.train, l.test = "train", test
				if names, err = subfolders(filepath.Join(root, "train")); err != nil {
					return l, problem("data.root", "cannot look into %s: %v", filepath.Join(root, "train"), err)
				}
				break
			}
		}
	}
	if len(names) == 0 {
		return l, problem("data.root", "%s has no class folders; put the PNG or JPEG files of each class into a folder of its own there",
			filepath.Join(root, l.train))
	}
	l.classes = names
	return l, nil
}

// subfolders lists folders that are not hidden, sorted by name.
func subfolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 { // data folders are often put together from links
			st, err := os.Stat(filepath.Join(dir, e.Name()))
			isDir = err == nil && st.IsDir()
		}
		if isDir {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// imageFile is one picture of a folder; rel is its path under root with
// forward slashes.
type imageFile struct {
	rel   string
	class int
	turn  int // position within its class
}

// files lists the pictures of both splits. Classes take turns, each in the
// order of its names, so that the first n are as balanced as the folder is.
func (l classList) files() (train, test []imageFile, err error) {
	for class, name := range l.classes {
		in, err := pictures(l.root, path.Join(l.train, name))
		if err != nil {
			return nil, nil, err
		}
		var out []string
		if l.test == "" {
			all := in
			in = nil
			for _, rel := range all {
				if isHeldOut(rel) {
					out = append(out, rel)
				} else {
					in = append(in, rel)
				}
			}
		} else if out, err = pictures(l.root, path.Join(l.test, name)); err != nil {
			return nil, nil, err
		}
		for i, rel := range in {
			train = append(train, imageFile{rel, class, i})
		}
		for i, rel := range out {
			test = append(test, imageFile{rel, class, i})
		}
	}
	byTurn := func(a, b imageFile) int { return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.class, b.class)) }
	slices.SortFunc(train, byTurn)
	slices.SortFunc(test, byTurn)
	if len(train) == 0 {
		return nil, nil, problem("data.root", "%s has class folders but no .png, .jpg or .jpeg file to train on in them",
			filepath.Join(l.root, l.train))
	}
	return train, test, nil
}

// isHeldOut decides by the path alone.
func isHeldOut(rel string) bool {
	sum := sha256.Sum256([]byte(rel))
	return (uint(sum[0])<<8|uint(sum[1]))%heldOut == 0
}

func pictures(root, dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(dir)))
	if os.IsNotExist(err) {
		return nil, nil // a class without test images
	}
	if err != nil {
		return nil, fmt.Errorf("reading images: %w", err)
	}
	var rel []string
	for _, e := range entries { // sorted by name
		switch strings.ToLower(path.Ext(e.Name())) {
		case ".png", ".jpg", ".jpeg":
			if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				rel = append(rel, path.Join(dir, e.Name()))
			}
		}
	}
	return rel, nil
}

func noImageNet() error {
	return problem("data.root",
		"imagenet must be given; set root to a folder with train and val folders, each with a folder of JPEG files for every class")
}

func loadFolder(ctx context.Context, r resolved, p Progress) (*Data, error) {
	if r.Root == "" {
		return nil, noImageNet()
	}
	l, err := listClasses(r.Root)
	if err != nil {
		return nil, err
	}
	train, test, err := l.files()
	if err != nil {
		return nil, err
	}
	train = train[:limited(len(train), r.Limit)]
	test = test[:limited(len(test), r.Limit)]
	all := slices.Concat(train, test)
	if err := fitsInMemory(len(all), r.info.Size*r.info.Size*r.info.Channels); err != nil {
		return nil, err
	}
	key := ""
	if len(all) >= keepFrom {
		key = r.folderKey(all)
		if d := readKept(key, len(train), len(test), r.info.Size, r.info.Channels, len(l.classes)); d != nil {
			p.report("reading images", int64(len(all)), int64(len(all)))
			return d, nil
		}
	}
	d, err := decodeAll(ctx, r, all, len(train), p)
	if err != nil {
		return nil, err
	}
	if key != "" {
		keep(key, d)
	}
	return d, nil
}

// decodeAll reads and fits every file; the first train of them are the
// training split.
func decodeAll(ctx context.Context, r resolved, all []imageFile, train int, p Progress) (*Data, error) {
	each := r.info.Size * r.info.Size * r.info.Channels
	pixels, labels := make([]byte, len(all)*each), make([]int32, len(all))
	sums := make([][sha256.Size]byte, len(all))
	var done atomic.Int64
	err := inParallel(ctx, len(all), func(i int) error {
		out := pixels[i*each : (i+1)*each]
		if err := readPicture(filepath.Join(r.Root, filepath.FromSlash(all[i].rel)), out, r.info.Size, r.info.Channels, r.fit); err != nil {
			return fmt.Errorf("reading images: %w", err)
		}
		labels[i], sums[i] = int32(all[i].class), sha256.Sum256(out)
		if n := done.Add(1); n%64 == 0 || n == int64(len(all)) {
			p.report("reading images", n, int64(len(all)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	h := r.newHash(train, len(all)-train)
	for i, f := range all {
		// Decoders may change with the Go release, so the pixels are what counts.
		h.add(fmt.Sprintf("%d %s", f.class, hex.EncodeToString(sums[i][:])))
	}
	return &Data{
		Train: Split{train, pixels[: train*each : train*each], labels[:train:train]},
		Test:  Split{len(all) - train, pixels[train*each:], labels[train:]},
		Hash:  h.sum(),
	}, nil
}
