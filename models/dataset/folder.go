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
	"sync"
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
		return l, problem("data.root", "%s has no class folders; "+
			"put the PNG, JPEG, WebP or BMP files of each class into a folder of its own there",
			filepath.Join(root, l.train))
	}
	l.classes = names
	return l, nil
}

// subfolders lists folders that are not hidden nor made by programs, sorted by name.
func subfolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || slices.Contains(madeByPrograms, e.Name()) {
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

// item is one picture of a set.
type item struct {
	rel   string // its path under root with forward slashes
	class int
	turn  int // position within its class
}

// files lists the pictures of both splits and says what was found. Classes take
// turns, each in the order of its names, so that the first n are as balanced as
// the folder is.
func (l classList) files() (train, test []item, found *survey, err error) {
	found = &survey{}
	if err := l.around(found); err != nil {
		return nil, nil, nil, err
	}
	for class, name := range l.classes {
		in, err := pictures(l.root, path.Join(l.train, name), found)
		if err != nil {
			return nil, nil, nil, err
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
		} else if out, err = pictures(l.root, path.Join(l.test, name), found); err != nil {
			return nil, nil, nil, err
		}
		for i, rel := range in {
			train = append(train, item{rel, class, i})
		}
		for i, rel := range out {
			test = append(test, item{rel, class, i})
		}
	}
	slices.SortFunc(train, byTurn)
	slices.SortFunc(test, byTurn)
	if len(train) == 0 {
		said := ""
		if lines := found.sentences(l.classes, nil, nil)[1:]; len(lines) > 0 {
			said = "; " + strings.Join(lines, "; ")
		}
		return nil, nil, nil, problem("data.root", "%s has class folders but no .png, .jpg, .jpeg, .webp or .bmp file to train on in them%s",
			filepath.Join(l.root, l.train), said)
	}
	return train, test, found, nil
}

func byTurn(a, b item) int { return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.class, b.class)) }

// around notes what lies beside the class folders.
func (l classList) around(found *survey) error {
	for _, dir := range []string{l.train, l.test} {
		if dir == "" {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(l.root, dir))
		if err != nil {
			return fmt.Errorf("reading images: %w", err)
		}
		for _, e := range entries {
			rel := path.Join(dir, e.Name())
			switch {
			case slices.Contains(madeByPrograms, e.Name()):
				found.leave(byPrograms, rel)
			case strings.HasPrefix(e.Name(), "."):
			case isPicture(e.Name()) && !e.IsDir():
				found.leave(beside, rel)
			case dir == l.test && e.IsDir() && !slices.Contains(l.classes, e.Name()):
				inside, err := pictures(l.root, rel, &survey{})
				if err != nil {
					return err
				}
				for _, p := range inside {
					found.leave(noSuchClass, p)
				}
			}
		}
	}
	return nil
}

func isPicture(name string) bool {
	return slices.Contains(pictureEndings, strings.ToLower(path.Ext(name)))
}

// isHeldOut decides by the path alone.
func isHeldOut(rel string) bool {
	sum := sha256.Sum256([]byte(rel))
	return (uint(sum[0])<<8|uint(sum[1]))%heldOut == 0
}

// pictures lists those of a folder by name.
func pictures(root, dir string, found *survey) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(dir)))
	if os.IsNotExist(err) {
		return nil, nil // a class without test images
	}
	if err != nil {
		return nil, fmt.Errorf("reading images: %w", err)
	}
	var rel []string
	for _, e := range entries { // sorted by name
		name := path.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
			found.leave(hidden, name)
		case e.IsDir():
			found.leave(inClass, name)
		case isPicture(e.Name()):
			rel = append(rel, name)
		default:
			found.leave(otherEnding, name)
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
	train, test, found, err := l.files()
	if err != nil {
		return nil, err
	}
	said := found.sentences(l.classes, train, test)
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
			d.Found = append(said, d.Found...)
			p.report("reading images", int64(len(all)), int64(len(all)))
			return d, nil
		}
	}
	d, err := decodeAll(ctx, r, all, len(train), p)
	if err != nil {
		return nil, err
	}
	if key != "" {
		keep(key, r.Root, d)
	}
	d.Found = append(said, d.Found...)
	return d, nil
}

// decodeAll reads and fits every file; the first train of them are the
// training split.
func decodeAll(ctx context.Context, r resolved, all []item, train int, p Progress) (*Data, error) {
	each := r.info.Size * r.info.Size * r.info.Channels
	pixels, labels := make([]byte, len(all)*each), make([]int32, len(all))
	sums, turns := make([][sha256.Size]byte, len(all)), make([]bool, len(all))
	var done atomic.Int64
	var mu sync.Mutex
	var damaged damages
	err := inParallel(ctx, len(all), func(i int) error {
		out := pixels[i*each : (i+1)*each]
		turn, err := readPicture(filepath.Join(r.Root, filepath.FromSlash(all[i].rel)), out, r.info.Size, r.info.Channels, r.fit)
		if err != nil { // the others are read all the same: all that is damaged is said at once
			mu.Lock()
			damaged.at, damaged.why = append(damaged.at, i), append(damaged.why, err)
			mu.Unlock()
		}
		turns[i] = turn != 1
		labels[i], sums[i] = int32(all[i].class), sha256.Sum256(out)
		if n := done.Add(1); n%64 == 0 || n == int64(len(all)) {
			p.report("reading images", n, int64(len(all)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := damaged.err(len(all)); err != nil {
		return nil, err
	}
	h := r.newHash(train, len(all)-train)
	n := 0
	for i, f := range all {
		// Decoders may change with the Go release, so the pixels are what counts.
		h.add(fmt.Sprintf("%d %s", f.class, hex.EncodeToString(sums[i][:])))
		if turns[i] {
			n++
		}
	}
	var said []string
	if n > 0 {
		h.add("turned upright by EXIF") // what data without it never say
		said = append(said, fmt.Sprintf("%d images were turned upright as their EXIF orientation says", n))
	}
	return &Data{
		Train: Split{train, pixels[: train*each : train*each], labels[:train:train]},
		Test:  Split{len(all) - train, pixels[train*each:], labels[train:]},
		Hash:  h.sum(),
		Found: said,
	}, nil
}
