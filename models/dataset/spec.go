package dataset

import (
	"os"
	"slices"
	"strings"

	"prabench/models/dataset/turbo"
)

// maxSize bounds data.size: far beyond what a pixel model can train on, small
// enough that size²·channels never overflows.
const maxSize = 4096

// native is the form in which a set is published.
type native struct {
	size, channels int
	classes        []string
	train, test    int
}

var natives = map[string]native{
	MNIST: {28, 1, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, 60000, 10000},
	FashionMNIST: {28, 1, []string{"T-shirt/top", "trouser", "pullover", "dress", "coat",
		"sandal", "shirt", "sneaker", "bag", "ankle boot"}, 60000, 10000},
	CIFAR10: {32, 3, []string{"airplane", "automobile", "bird", "cat", "deer",
		"dog", "frog", "horse", "ship", "truck"}, 50000, 10000},
	Folder:   {0, 3, nil, -1, -1},
	ImageNet: {256, 3, nil, 1281167, 50000},
	Shapes:   {32, 3, shapeNames(), shapesTrain, shapesTest},
}

// resolved is a Spec with every default filled in.
type resolved struct {
	Spec
	native native
	info   Info
	fit    string // "none", "pad", "crop" or "resize"
}

// resolve checks a Spec as far as that needs no image and fills in defaults.
func (s Spec) resolve() (resolved, error) {
	r := resolved{Spec: s}
	n, ok := natives[s.Set]
	switch {
	case s.Set == "":
		return r, problem("data.set", "no data set is named; allowed: %s", strings.Join(Names(), ", "))
	case !ok:
		return r, problem("data.set", "there is no data set %q; allowed: %s", s.Set, strings.Join(Names(), ", "))
	case s.Size < 0 || s.Size > maxSize:
		return r, problem("data.size", "%d is not an image side in pixels; allowed: 1 to %d, or 0 for the set's own", s.Size, maxSize)
	case s.Channels != 0 && s.Channels != 1 && s.Channels != 3:
		return r, problem("data.channels", "%d is not allowed; 1 is grey, 3 is RGB, 0 is the set's own", s.Channels)
	case s.Limit < 0:
		return r, problem("data.limit", "%d is negative; say how many training images to keep, or 0 for all", s.Limit)
	case !slices.Contains([]string{"", "auto", "pad", "crop", "resize"}, s.Fit):
		return r, problem("data.fit", "%q is not allowed; use auto, pad, crop or resize", s.Fit)
	case s.Decoder != "" && s.Decoder != goDecoder && s.Decoder != turboDecoder:
		return r, problem("data.decoder", "%q is not allowed; use go or turbo", s.Decoder)
	case !(s.Flip >= 0 && s.Flip <= 1):
		return r, problem("data.flip", "%v is not a share of images; allowed: 0 to 1", s.Flip)
	case s.Set == Folder && s.Size == 0:
		return r, problem("data.size", "an image folder has no size of its own; say one, for example size = 64")
	}
	r.native = n
	r.info = Info{Size: s.Size, Channels: s.Channels, Classes: len(n.classes),
		ClassNames: slices.Clone(n.classes), Train: n.train, Test: n.test}
	if s.Size == 0 {
		r.info.Size = n.size
	}
	if s.Channels == 0 {
		r.info.Channels = n.channels
	}
	if s.Limit > 0 {
		r.info.Train = limited(n.train, s.Limit)
		if s.Set == Shapes {
			r.info.Train = s.Limit
		}
	}
	if err := r.chooseFit(); err != nil {
		return r, err
	}
	return r, r.checkRoot()
}

// Values of data.decoder.
const (
	goDecoder    = "go"
	turboDecoder = "turbo"
)

// decodable says what is missing to decode the pictures.
func (s Spec) decodable() error {
	if s.Decoder == turboDecoder && !isPacked(s.Root) && !turbo.Here() {
		return problem("data.decoder", "libjpeg-turbo (libturbojpeg.so.0) is not on this machine; install the package %s, or set "+
			"decoder = \"go\"", turbo.Package)
	}
	return nil
}

// limited is min(n, limit) where n may be unknown (-1) and limit 0 means all.
func limited(n, limit int) int {
	if limit > 0 && limit < n {
		return limit
	}
	return n
}

func (r *resolved) chooseFit() error {
	size, own := r.info.Size, r.native.size
	switch r.Set {
	case Shapes:
		r.fit = "none" // drawn at the size asked for
		return nil
	case Folder, ImageNet:
		r.fit = "crop"
		if r.Fit == "pad" || r.Fit == "resize" {
			r.fit = r.Fit
		}
		return nil
	}
	r.fit = r.Fit
	switch {
	case size == own:
		r.fit = "none"
	case r.Fit == "pad" && size < own:
		return problem("data.fit", "%s images are %d pixels wide and cannot be padded to size %d; use crop, resize or auto", r.Set, own, size)
	case r.Fit == "crop" && size > own:
		return problem("data.fit", "%s images are %d pixels wide and cannot be cropped to size %d; use pad, resize or auto", r.Set, own, size)
	case r.Fit == "" || r.Fit == "auto":
		r.fit = "resize"
		if size > own && size-own <= 8 {
			r.fit = "pad"
		}
	}
	return nil
}

// checkRoot looks for the folder and the names in it.
func (r *resolved) checkRoot() error {
	switch r.Set {
	case Shapes:
		return nil
	case ImageNet:
		r.info.Classes = 1000
		if r.Root == "" {
			if r.Limit > 0 {
				r.info.Test = limited(r.info.Test, r.Limit)
			}
			return nil
		}
		r.info.Train, r.info.Test = -1, -1 // the folder may hold a part
	case Folder:
		if r.Root == "" {
			return problem("data.root", "the images set needs a folder; "+
				"set root to one that holds a folder of PNG, JPEG, WebP or BMP files for each class")
		}
	}
	if r.Root != "" && !((r.Set == Folder || r.Set == ImageNet) && isPacked(r.Root)) {
		if err := isFolder(r.Root); err != nil {
			return err
		}
	}
	switch r.Set {
	case MNIST, FashionMNIST:
		if r.Root != "" {
			_, err := locateIDX(r.Set, r.Root)
			return err
		}
	case CIFAR10:
		_, err := locateCIFAR(r.Root)
		return err
	case Folder, ImageNet:
		return r.findClasses()
	}
	return nil
}

// findClasses reads the names of the classes of a folder, of shards or of a packed
// file.
func (r *resolved) findClasses() error {
	var classes []string
	what := "classes"
	if isPacked(r.Root) {
		f, d, err := r.openPacked()
		if err != nil {
			return err
		}
		f.Close()
		classes, r.info.Train, r.info.Test = d.Classes, limited(d.Train, r.Limit), limited(d.Test, r.Limit)
	} else {
		c, err := openContainer(r.Root)
		if err != nil {
			return located(r.Spec, err)
		}
		classes = c.classNames()
		if _, folders := c.(classList); folders {
			what = "class folders"
		}
	}
	if r.Set == ImageNet && len(classes) != 1000 {
		return problem("data.root", "%s has %d %s, ImageNet has 1000; use set = \"images\" for a part of it", r.Root, len(classes), what)
	}
	r.info.ClassNames, r.info.Classes = classes, len(classes)
	return nil
}

func isFolder(path string) error {
	st, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return problem("data.root", "there is no folder %s; check the path, relative paths start where prabench is run", path)
	case err != nil:
		return problem("data.root", "cannot look into %s: %v", path, err)
	case !st.IsDir():
		return problem("data.root", "%s is a file; name the folder that holds the data", path)
	}
	return nil
}
