package embed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"sync"
)

// Classifier is a small convolutional network trained to name the classes of
// one data set. Its features are the 64 pooled activations before the last
// layer, scaled so that their variances sum to 64 over the training split.
type Classifier struct {
	About About
	net   *network
	file  []byte
	hash  string
	spare sync.Pool // *activations
}

// Convolution is one of a classifier's: 3×3 with zeros around the image, then, where Pool
// says so, the largest of each 2×2, then max(0, Scale·z + Shift) of each channel. Its
// slices are the classifier's own.
type Convolution struct {
	In, Out      int
	Pool         bool
	Weight       []float32 // [3, 3, In, Out]
	Scale, Shift []float32 // [Out]
}

// About is what a weights file says of itself.
type About struct {
	Set          string  // data set, for example "mnist"
	Command      string  // that made the weights
	Seed         uint64  // of that command
	Epochs       int     // passes over the training split
	Accuracy     float64 // on the test split, 0 to 1
	TrainingHash string  // SHA-256 in hex of the training pixels and labels
	Size         int     // image side
	Channels     int
	Classes      int
}

// Open reads a weights file as Train writes it.
func Open(file []byte) (*Classifier, error) {
	net, about, err := decode(file)
	if err != nil {
		return nil, fmt.Errorf("classifier weights: %w", err)
	}
	return newClassifier(net, about, file), nil
}

func newClassifier(net *network, about About, file []byte) *Classifier {
	sum := sha256.Sum256(file)
	c := &Classifier{About: about, net: net, file: file, hash: hex.EncodeToString(sum[:])}
	c.spare.New = func() any { return net.newActivations() }
	return c
}

func (c *Classifier) Name() string { return "classifier/" + c.About.Set }
func (c *Classifier) Hash() string { return c.hash }
func (c *Classifier) Dim() int     { return featureDim }

// File is the weights file, as Open reads it.
func (c *Classifier) File() []byte { return c.file }

// Convolutions are those whose last activations the features are the means of over the
// positions. Pixels are from 0 to 1.
func (c *Classifier) Convolutions() []Convolution {
	var out []Convolution
	for i := range c.net.convs {
		v := &c.net.convs[i]
		out = append(out, Convolution{v.in, v.out, v.pool, v.weight, v.scale, v.shift})
	}
	return out
}

func (c *Classifier) fits(size, channels int) error {
	if size != c.About.Size || channels != c.About.Channels {
		return fmt.Errorf("the classifier of %s takes images of %d×%d×%d, these are %d×%d×%d",
			c.About.Set, c.About.Size, c.About.Size, c.About.Channels, size, size, channels)
	}
	return nil
}

// Embed implements Embedder.
func (c *Classifier) Embed(images []uint8, n, size, channels, threads int) ([]float32, error) {
	if err := c.fits(size, channels); err != nil {
		return nil, err
	}
	if err := checkImages(images, n, size, channels); err != nil {
		return nil, err
	}
	out := make([]float32, n*featureDim)
	pixels := size * size * channels
	chunks(n, chunk, threads, func(lo, hi int) {
		a := c.spare.Get().(*activations)
		c.net.features(a, images[lo*pixels:hi*pixels], hi-lo, out[lo*featureDim:hi*featureDim])
		c.spare.Put(a)
	})
	return out, nil
}

// Classify returns the most probable class of each image and the probabilities
// [n, Classes] of all classes.
func (c *Classifier) Classify(images []uint8, n, size, channels, threads int) ([]int32, []float32, error) {
	features, err := c.Embed(images, n, size, channels, threads)
	if err != nil {
		return nil, nil, err
	}
	classes, probabilities := c.ClassifyFeatures(features)
	return classes, probabilities, nil
}

// ClassifyFeatures is Classify for features [n, 64] that Embed returned.
func (c *Classifier) ClassifyFeatures(features []float32) ([]int32, []float32) {
	n, k := len(features)/featureDim, c.net.classes
	classes, p := make([]int32, n), make([]float32, n*k)
	c.net.logits(features, n, p)
	for i := range n {
		classes[i] = int32(softmax(p[i*k : (i+1)*k]))
	}
	return classes, p
}

// softmax replaces logits by probabilities and returns the largest one's index.
func softmax(row []float32) int {
	best := 0
	for j, v := range row {
		if v > row[best] {
			best = j
		}
	}
	top, sum := float64(row[best]), 0.0
	for j, v := range row {
		e := math.Exp(float64(v) - top)
		row[j] = float32(e)
		sum += e
	}
	for j := range row {
		row[j] = float32(float64(row[j]) / sum)
	}
	return best
}
