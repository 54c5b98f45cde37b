// Package dataset turns a short description of a data set into pixels, in
// memory or read one image at a time: uint8 images [n, size, size, channels] with a class label each, a
// training and a test split, and a hash that names exactly what was loaded.
//
// Its principle is that data arrive before an experiment starts, never in the
// middle of one: [Describe] checks a description without reading images,
// [Available] says whether the bytes are on this machine, [Fetch] brings them
// and checks them against pinned SHA-256 sums, and [Load] only reads. It
// believes that a file is wrong until it has shown otherwise: no header is
// trusted with an allocation, and every refusal names the file. And it
// believes that the same description gives the same bytes everywhere: fitting
// and drawing use integers or single rounded operations, and no image depends
// on how many others are loaded.
package dataset

import (
	"context"
	"errors"
	"fmt"
)

// Names of the data sets, as written in data.set.
const (
	MNIST        = "mnist"         // handwritten digits, 28×28 grey, 60000 + 10000
	FashionMNIST = "fashion-mnist" // clothes, 28×28 grey, 60000 + 10000
	CIFAR10      = "cifar10"       // small photographs, 32×32 RGB, 50000 + 10000, read from data.root
	Folder       = "images"        // a folder of class folders with PNG, JPEG, WebP or BMP files, read from data.root
	ImageNet     = "imagenet"      // 1000 class folders; described without data.root, loaded only with it
	Shapes       = "shapes"        // drawn by the program at any size
)

// Names lists every value of data.set.
func Names() []string { return []string{MNIST, FashionMNIST, CIFAR10, Folder, ImageNet, Shapes} }

// Spec is the [data] table: which images, and in what form.
type Spec struct {
	Set      string `toml:"set" json:"set"`           // one of Names
	Size     int    `toml:"size" json:"size"`         // side in pixels after fitting; 0 is the set's own
	Channels int    `toml:"channels" json:"channels"` // 1 grey or 3 RGB; 0 is the set's own
	// Limit keeps the first n training images; 0 keeps all. The test split is
	// whole, except in image folders, which keep at most n test images too.
	// Shapes draws exactly n training images, also more than its default.
	Limit int `toml:"limit" json:"limit"`
	// Fit says how to reach Size: "pad" with black, "crop" the centre, "resize"
	// by area, or "auto" (also ""): pad when larger by at most 8 pixels, else
	// resize. In image folders "crop" and "auto" scale the short side to Size
	// and crop the centre, "pad" scales the long side and adds black borders,
	// "resize" stretches to the square.
	Fit  string `toml:"fit" json:"fit"`
	Root string `toml:"root" json:"root"` // folder to read; "" is the data folder of this machine
	Seed uint64 `toml:"seed" json:"seed"` // of the drawn shapes; other sets ignore it
	// Flip is the share of images that a training sees mirrored, drawn again in each
	// epoch. The set itself is the same with any.
	Flip float64 `toml:"flip" json:"flip,omitempty" absent:"0"`
	// Decoder of JPEG files in image folders and shards: "go", or "turbo", which is
	// libjpeg-turbo. Their pixels differ in the last bits.
	Decoder string `toml:"decoder" json:"decoder,omitempty" absent:"go"`
}

// Info is what is known of a set before its images are read. Size, Channels,
// Train and Test are after fitting and Limit.
type Info struct {
	Size, Channels int
	Classes        int
	ClassNames     []string // Classes names in label order; nil when they are read only with the images
	Train, Test    int      // number of images; -1 when only reading tells
}

// Split is one part of a set. Pixels is [N, size, size, channels], raster
// order, channels interleaved; Labels[i] is in [0, Classes).
type Split struct {
	N      int
	Pixels []uint8 // nil where Reader has them
	Labels []int32
	Reader Reader // of a set that is too large for memory
}

// Data is a loaded set.
type Data struct {
	Info           Info
	Size, Channels int
	Train, Test    Split
	// Hash is a SHA-256 in hex that fixes every pixel and label of both splits.
	// It is taken over the contents of the source files and the way they were
	// fitted (over the decoded pixels for image folders), never over paths of
	// this machine, so copies of a set in different places agree.
	Hash string
	// Found says of folders what was found and what was left out, and why: a
	// sentence each.
	Found []string
}

// Progress gets how far a longer piece of work has come. Total is -1 when
// the end is not known. A nil Progress is allowed everywhere.
type Progress func(what string, done, total int64)

func (p Progress) report(what string, done, total int64) {
	if p != nil {
		p(what, done, total)
	}
}

// Error is a problem with one key of the [data] table.
type Error struct {
	Key     string // dotted, for example "data.root"
	Problem string // a sentence: what is wrong, what is allowed, what to do
	Fetch   string // the set that [Fetch] can bring to solve it; "" otherwise
	cause   error
}

// Unwrap is the error of the files behind it, if there is one.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) Error() string { return e.Key + ": " + e.Problem }

func problem(key, format string, args ...any) *Error {
	return &Error{Key: key, Problem: fmt.Sprintf(format, args...)}
}

// Describe checks a Spec and says what it will load. It lists folders at most:
// no image is read and nothing is fetched. MNIST and Fashion-MNIST need not be
// on this machine yet, nor ImageNet when Root is empty; see [Available]. Every
// error is an [*Error].
func Describe(s Spec) (Info, error) {
	r, err := s.resolve()
	if err != nil {
		return Info{}, err
	}
	return r.info, nil
}

// Available is nil when Load would find its files, and otherwise the [*Error]
// that Load would return: what is missing and how to get it. It looks at names
// and sizes only.
func Available(s Spec) error {
	if _, err := s.resolve(); err != nil {
		return err
	}
	switch s.Set {
	case MNIST, FashionMNIST:
		_, err := locateIDX(s.Set, s.Root)
		return err
	case ImageNet:
		if s.Root == "" {
			return noImageNet()
		}
		return s.decodable()
	case Folder:
		return s.decodable()
	}
	return nil
}

// Load reads a set into memory, or where it is too large for that finds out how each
// image is read. It fetches nothing: what is not on this
// machine is an [*Error] that names the command to get it. A damaged file is
// an error that names the file and what was found in it.
func Load(ctx context.Context, s Spec, p Progress) (*Data, error) {
	r, err := s.resolve()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var d *Data
	switch s.Set {
	case MNIST, FashionMNIST:
		d, err = loadIDXSet(ctx, r, p)
	case CIFAR10:
		d, err = loadCIFAR(ctx, r, p)
	case Folder, ImageNet:
		d, err = loadPictures(ctx, r, p)
	case Shapes:
		d, err = drawShapes(ctx, r)
	}
	if err != nil {
		return nil, located(s, err)
	}
	d.Size, d.Channels = r.info.Size, r.info.Channels
	names := r.info.ClassNames
	if d.Info.ClassNames != nil {
		names = d.Info.ClassNames
	}
	d.Info = r.info
	d.Info.ClassNames = names
	d.Info.Train, d.Info.Test = d.Train.N, d.Test.N
	return d, nil
}

// located makes an error of the files an *Error at the key that names them.
func located(s Spec, err error) error {
	var have *Error
	if errors.As(err, &have) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	key := "data.set"
	if s.Root != "" {
		key = "data.root"
	}
	return &Error{Key: key, Problem: err.Error(), cause: err}
}
