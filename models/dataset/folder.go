package dataset

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
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
		for _, test := range testNames {
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

// list is the container method.
func (l classList) list() (train, test []item, found *survey, err error) {
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
			train = append(train, item{rel: rel, class: class, turn: i})
		}
		for i, rel := range out {
			test = append(test, item{rel: rel, class: class, turn: i})
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

// around notes what lies beside the class folders.
func (l classList) around(found *survey) error {
	for _, name := range testNames {
		if st, err := os.Stat(filepath.Join(l.root, name)); l.test != "" && name != l.test && err == nil && st.IsDir() {
			found.leave(otherTest, name)
		}
	}
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

func (l classList) classNames() []string { return l.classes }

func (l classList) name(it item) string { return filepath.Join(l.root, filepath.FromSlash(it.rel)) }

func (l classList) read(it item) (f io.ReadSeeker, length int64, closing func(), err error) {
	file, length, err := openRegular(l.name(it))
	if err != nil {
		return nil, 0, nil, err
	}
	return file, length, func() { file.Close() }, nil
}

func (l classList) stamp(w io.Writer, all []item) error {
	for _, f := range all {
		st, err := os.Stat(l.name(f))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%q %d %d %d\n", f.rel, f.class, st.Size(), st.ModTime().UnixNano())
	}
	return nil
}
