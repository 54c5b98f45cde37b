// Package outside reads images that another program made.
//
// Its principle is that what cannot be told from a file must not be guessed: floats
// have no range, sizes are not mixed and nothing is resized, transparency has no
// colour. Each of these is an error that says what to do, because a silent choice
// here would be a number nobody can explain later.
package outside

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Set is images as they were found.
type Set struct {
	Name     string // of the file or folder, without its path
	SHA256   string // of the file; of a folder, of its files' names and content
	N        int
	Pixels   []uint8  // [N, size, size, channels]
	Labels   []int32  // classes of the images; nil where the files tell none
	Classes  []string // names of the class folders, sorted; labels count them
	size     int
	channels int
}

// Want is what the images have to be.
type Want struct {
	Size, Channels int
	Floats         Range // of arrays of floats
}

// Range is which floats are black and white.
type Range string

// The ranges that floats can have. There is no default one.
const (
	NoRange Range = ""
	Unit    Range = "0..1"
	Signed  Range = "-1..1"
	Bytes   Range = "0..255"
)

// Ranges are those that can be said.
func Ranges() []Range { return []Range{Unit, Signed, Bytes} }

// Read reads a folder of PNG and JPEG files, a tar of them, an .npy array, or an
// .npz file with the images as arr_0 and, if it has them, the classes as arr_1.
func Read(path string, w Want) (*Set, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file or folder; images are a folder of PNG or JPEG files, a .tar of them, "+
			"an .npy array or an .npz file", path)
	}
	if err != nil {
		return nil, err
	}
	s := &Set{Name: filepath.Base(filepath.Clean(path)), size: w.Size, channels: w.Channels}
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case info.IsDir():
		err = s.folder(path)
	case ext == ".tar":
		err = s.tar(path)
	case ext == ".npy":
		err = s.npy(path, w.Floats)
	case ext == ".npz":
		err = s.npz(path, w.Floats)
	default:
		return nil, fmt.Errorf("%s: give a folder of PNG or JPEG files, a .tar of them, an .npy or an .npz file", path)
	}
	if err != nil {
		return nil, err
	}
	if s.N == 0 {
		return nil, fmt.Errorf("%s has no images: it needs PNG or JPEG files, or an array of them", path)
	}
	return s, nil
}

// wrongSize says that images do not have the experiment's size.
func wrongSize(name string, width, height, size int) error {
	return fmt.Errorf("%s is %d×%d, the experiment's images are %d×%d: nothing is resized here, because the filter would be part of the "+
		"score; resize the images with the filter that you publish with", name, width, height, size, size)
}

func sumOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
