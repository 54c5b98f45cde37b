package dataset

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// tarShards are pictures in tar files, as WebDataset writes them: the members of
// one sample have one name up to the first dot. Its class is the content of its
// member .cls, a number or a name, or else the folder that it is in. The offsets of
// all pictures are found once in a process.
type tarShards struct {
	root    string
	shards  []shard
	classes []string
	all     []item
	found   *survey
}

// member is a picture in a tar file.
type member struct {
	key, rel string
	at, size int64
}

// tarIndex is what one tar file holds.
type tarIndex struct {
	pictures []member
	classes  map[string]string // by key: the content of .cls
	found    survey
}

// tarIndices holds the index of each tar file that this process has looked into.
var tarIndices sync.Map

type tarName struct {
	path       string
	size, time int64
}

const mostClass = 256 // bytes of a member .cls

func openTars(root string, shards []shard, left []string) (container, error) {
	t := &tarShards{root: root, shards: shards, found: &survey{}}
	t.found.secondTest(left)
	of := make([]*tarIndex, len(shards))
	for i, s := range shards {
		var err error
		if of[i], err = indexOf(filepath.Join(root, filepath.FromSlash(s.rel)), s); err != nil {
			return nil, err
		}
		for why, names := range of[i].found.out {
			for _, n := range names {
				t.found.leave(why, s.rel+": "+n)
			}
		}
	}
	var names []string // the class of each picture
	for i, x := range of {
		for _, m := range x.pictures {
			class, written := x.classes[m.key]
			if !written {
				class = path.Base(path.Dir(m.rel))
			}
			if class == "." || class == "" {
				return nil, problem("data.root", "%s: %s has no class: neither a file %s.cls beside it nor a folder that it is in",
					filepath.Join(root, filepath.FromSlash(shards[i].rel)), m.rel, m.key)
			}
			names = append(names, class)
			t.all = append(t.all, item{rel: m.rel, file: i, at: m.at, size: m.size})
		}
	}
	if len(t.all) == 0 {
		return nil, problem("data.root", "the tar files of %s hold no .png, .jpg, .jpeg, .webp or .bmp file", root)
	}
	var err error
	if t.classes, err = numbered(root, names, func(i, class int) { t.all[i].class = class }); err != nil {
		return nil, err
	}
	return t, nil
}

// classFile names the classes of shards whose classes are numbers, one per line.
const classFile = "classes.txt"

// mostClasses bounds the numbers of classes that shards may have.
const mostClasses = 1 << 20

// numbered gives each picture its label: the number that its class is, where all
// are numbers, or else the place of the name among all names. Two ways to write one number
// are two names in a folder, and are refused.
func numbered(root string, names []string, put func(i, class int)) ([]string, error) {
	labels, most := make([]int, len(names)), 0
	numbers, written := true, map[int]string{}
	for i, n := range names {
		l, err := strconv.Atoi(n)
		if numbers = err == nil && l >= 0 && l < mostClasses; !numbers {
			break
		}
		labels[i], most = l, max(most, l)
		if written[l] == "" {
			written[l] = n
		}
	}
	if !numbers {
		classes := slices.Clone(names)
		slices.Sort(classes)
		classes = slices.Compact(classes)
		for i, n := range names {
			at, _ := slices.BinarySearch(classes, n)
			put(i, at)
		}
		return classes, nil
	}
	for i, l := range labels {
		if written[l] != names[i] {
			return nil, problem("data.root", "the shards in %s have the classes %s and %s, which are one number: write it in one way", root,
				written[l], names[i])
		}
	}
	classes := make([]string, most+1)
	for i := range classes {
		classes[i] = strconv.Itoa(i)
	}
	if text, err := os.ReadFile(filepath.Join(root, classFile)); err == nil {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) <= most {
			return nil, problem("data.root", "%s names %d classes, and the shards have a class %d", filepath.Join(root, classFile), len(lines), most)
		}
		classes = lines
	}
	for i, l := range labels {
		put(i, l)
	}
	return classes, nil
}

// indexOf reads the headers of a tar file.
func indexOf(file string, s shard) (*tarIndex, error) {
	name := tarName{file, s.size, s.time}
	if x, known := tarIndices.Load(name); known {
		return x.(*tarIndex), nil
	}
	f, _, err := openRegular(file)
	if err != nil {
		return nil, fmt.Errorf("reading images: %w", err)
	}
	defer f.Close()
	x := &tarIndex{classes: map[string]string{}}
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading images: %s is damaged: %w", file, err)
		}
		if err := x.add(f, r, h, s.size); err != nil {
			return nil, fmt.Errorf("reading images: %s: %w", file, err)
		}
	}
	tarIndices.Store(name, x)
	return x, nil
}

// add takes a member in; f is where its content begins.
func (x *tarIndex) add(f io.Seeker, r io.Reader, h *tar.Header, length int64) error {
	rel := strings.TrimPrefix(path.Clean(h.Name), "/")
	base := path.Base(rel)
	key := path.Join(path.Dir(rel), base[:max(0, strings.Index(base+".", "."))])
	switch {
	case h.Typeflag == tar.TypeDir:
	case h.Typeflag != tar.TypeReg:
		x.found.leave("links and devices in shards", rel)
	case strings.HasPrefix(base, ".") || strings.Contains(rel, "__MACOSX"):
		x.found.leave(hidden, rel)
	case strings.EqualFold(path.Ext(rel), ".cls"):
		if h.Size > mostClass {
			return fmt.Errorf("%s has %d bytes, which is no class: a .cls file holds one word or number", rel, h.Size)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		x.classes[key] = strings.TrimSpace(string(text))
	case isPicture(rel):
		at, err := f.Seek(0, io.SeekCurrent) // the reader of a tar file does not read ahead
		if err != nil {
			return err
		}
		if at+h.Size > length {
			return fmt.Errorf("%s goes on after the end of the file: the shard is cut off, copy it again", rel)
		}
		x.pictures = append(x.pictures, member{key, rel, at, h.Size})
	default:
		x.found.leave(otherEnding, rel)
	}
	return nil
}

func (t *tarShards) classNames() []string { return t.classes }

func (t *tarShards) list() (train, test []item, found *survey, err error) {
	train, test = divide(slices.Clone(t.all), t.shards)
	if len(train) == 0 {
		return nil, nil, nil, problem("data.root", "the tar files of %s hold no training image", t.root)
	}
	return train, test, t.found, nil
}

func (t *tarShards) name(it item) string {
	return filepath.Join(t.root, filepath.FromSlash(t.shards[it.file].rel)) + ": " + it.rel
}

func (t *tarShards) read(it item) (f io.ReadSeeker, length int64, closing func(), err error) {
	file, _, err := openRegular(filepath.Join(t.root, filepath.FromSlash(t.shards[it.file].rel)))
	if err != nil {
		return nil, 0, nil, err
	}
	return io.NewSectionReader(file, it.at, it.size), it.size, func() { file.Close() }, nil
}

func (t *tarShards) stamp(w io.Writer, all []item) error { return stampShards(w, t.shards, all) }
