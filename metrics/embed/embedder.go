// Package embed turns images into the features that package metrics compares.
//
// Its principle is that an embedder is part of the result: it is named, versioned by
// a SHA-256, committed with the program, and gives the same features on every
// machine. A classifier trained on the training split of
// one data set knows what matters in that data; "ternary" knows nothing, is
// integer arithmetic, and serves any size and channel count.
package embed

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"prabench/metrics/embed/onnx"
)

// Embedder maps images to feature rows.
type Embedder interface {
	Name() string // for people, for example "classifier/mnist"
	Hash() string // SHA-256 in hex of everything that decides the features
	Dim() int     // features an image
	// Embed returns [n, Dim] features of the images [n, size, size, channels].
	// The thread count changes the speed and nothing else.
	Embed(images []uint8, n, size, channels, threads int) ([]float32, error)
}

// MetricOf is what a Fréchet distance in an embedder's features is called besides
// fid_proxy, "" for most.
func MetricOf(e Embedder) string {
	if n, ok := e.(interface{ Metric() string }); ok {
		return n.Metric()
	}
	return ""
}

// RunsOn is the library and the kind of device that an embedder's network runs on,
// "" of those that are part of this program.
func RunsOn(e Embedder) string {
	if n, ok := e.(interface{ Provider() string }); ok {
		version, _ := onnx.Version()
		return "ONNX Runtime " + version + " on " + n.Provider()
	}
	return ""
}

// The values of the key metrics.embedder.
const (
	Auto       = "auto"       // the classifier of the data set where it fits, else ternary
	Classified = "classifier" // the classifier of the data set; without a committed one, a classifier trained on the data
	AnyImages  = "ternary"    // the data-independent embedder
)

// Trained stands in the place of a hash for a classifier that a run trains on the
// experiment's own data.
const Trained = "trained"

// Form is what is known of a data set before its images are read.
type Form struct {
	Size, Channels, Classes int
	Train                   int  // images; below 0 if unknown
	Own                     bool // the set is the user's own, of which no embedder can know anything
}

// Choose gives the hash of what For returns, or Trained where the data set gets a
// classifier of its own: where "classifier" asks for one and no committed one fits,
// and, under "auto", for the user's own RGB images with labels, of which there are
// enough to train and to test on.
func Choose(set string, f Form, want string) (hash string, err error) {
	const enough = 4 * batchImages
	e, err := For(set, f.Size, f.Channels, want)
	switch able := Trainable(f.Size, f.Channels, f.Classes, f.Train); {
	case want == Classified && err != nil && able == nil:
		return Trained, nil
	case want == Classified && err != nil:
		return "", &Error{"metrics.embedder", fmt.Sprintf(`no classifier can be trained for %s: %v; use "auto" or "ternary"`, set, able)}
	case err != nil:
		return "", err
	case (want == Auto || want == "") && f.Own && f.Channels == 3 && f.Train >= enough && able == nil:
		return Trained, nil
	}
	return e.Hash(), nil
}

// Error is a setting that no embedder fits. Its text is for the user.
type Error struct {
	Key     string // the configuration key, "metrics.embedder"
	Problem string
}

func (e *Error) Error() string { return e.Key + ": " + e.Problem }

// For returns the embedder for a data set and the size and channels that its
// images have after loading. want is one of Auto, Classified and AnyImages; an
// empty want is Auto. Errors are of type *Error.
func For(set string, size, channels int, want string) (Embedder, error) {
	if path, ok := strings.CutPrefix(want, onnx.Prefix); ok {
		return ofFile(path, channels)
	}
	switch want {
	case "", Auto:
		if c, err := Committed(set); err == nil && c.fits(size, channels) == nil {
			return c, nil
		}
		return ternaryFor(size, channels)
	case Classified:
		c, err := Committed(set)
		if err != nil {
			return nil, err
		}
		if err := c.fits(size, channels); err != nil {
			return nil, &Error{"metrics.embedder", err.Error() + `; use "auto" or "ternary"`}
		}
		return c, nil
	case AnyImages:
		return ternaryFor(size, channels)
	}
	return nil, &Error{"metrics.embedder", fmt.Sprintf("there is no embedder %q; use %q, %q, %q or %q", want, Auto, Classified, AnyImages,
		onnx.Prefix+"PATH")}
}

// ofFile is a network in a file of ONNX.
func ofFile(path string, channels int) (Embedder, error) {
	e, err := onnx.Open(path)
	if err == nil && channels != 1 && channels != 3 {
		err = fmt.Errorf("images have %d channels; a network takes grey and RGB ones", channels)
	}
	if err != nil {
		return nil, &Error{"metrics.embedder", err.Error()}
	}
	return e, nil
}

func ternaryFor(size, channels int) (Embedder, error) {
	t, err := NewTernary(channels)
	if err == nil {
		err = t.fits(size, channels)
	}
	if err != nil {
		return nil, &Error{"metrics.embedder", err.Error()}
	}
	return t, nil
}

// checkImages refuses a pixel slice that does not hold n such images.
func checkImages(images []uint8, n, size, channels int) error {
	if n < 0 || len(images) != n*size*size*channels {
		return fmt.Errorf("embed: %d pixel values for %d images of %d×%d×%d, want %d", len(images), n, size, size, channels, n*size*size*channels)
	}
	return nil
}

// chunks calls work(lo, hi) for [0, n) cut into pieces of at most width, on the
// given number of goroutines. The cuts do not depend on threads.
func chunks(n, width, threads int, work func(lo, hi int)) {
	pieces := (n + width - 1) / width
	next := make(chan int, pieces)
	for i := range pieces {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(max(threads, 1), pieces) {
		wg.Go(func() {
			for i := range next {
				work(i*width, min((i+1)*width, n))
			}
		})
	}
	wg.Wait()
}

// listing names what exists, for error messages.
func listing(names []string) string {
	slices.Sort(names)
	return strings.Join(names, ", ")
}
