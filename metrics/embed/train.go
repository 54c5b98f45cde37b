package embed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
)

// TrainOptions are the data and the recipe of a classifier.
type TrainOptions struct {
	Name       string  // data set; names the classifier
	Images     []uint8 // training split, [n, Size, Size, Channels]
	Labels     []int32 // [n], from 0
	TestImages []uint8 // test split; only for the accuracy that is reported
	TestLabels []int32
	Size       int // a multiple of 4
	Channels   int
	Seed       uint64
	Epochs     int    // 0: 10
	Threads    int    // 0: all cores; changes the speed, never the weights
	Flips      bool   // also show images mirrored left to right
	Command    string // kept in the weights file
	// Progress, when given, is called after every epoch with the mean loss and
	// the accuracy on the augmented training images of that epoch.
	Progress func(epoch, epochs int, loss, accuracy float64)
}

// The recipe; changing it needs new committed weights.
const (
	batchImages = 4 * chunk
	maxShift    = 2 // pixels, each way, zeros move in
	peakRate    = 4e-3
	decay       = 0.02
	warmup      = 0.05 // share of all steps
	smoothing   = 0.05 // of the target distribution, over all classes
)

// Train trains a classifier on the training split alone and returns its weights
// file (for Open) and its accuracy on the test split. The same options give the
// same bytes at any thread count on the same machine and matrix library.
// An epoch passes every training image once, except the rest of the last batch.
func Train(ctx context.Context, o TrainOptions) (weights []byte, accuracy float64, err error) {
	n := len(o.Labels)
	classes, err := o.check()
	if err != nil {
		return nil, 0, fmt.Errorf("embedder training: %w", err)
	}
	if o.Epochs == 0 {
		o.Epochs = 10
	}
	if o.Threads == 0 {
		o.Threads = runtime.NumCPU()
	}
	net, err := newNetwork(o.Size, o.Channels, classes)
	if err != nil {
		return nil, 0, fmt.Errorf("embedder training: %w", err)
	}
	l := newLearner(net, o.Seed, o.Threads)
	pixels := o.Size * o.Size * o.Channels
	steps := n / batchImages * o.Epochs
	step := 0
	for epoch := range o.Epochs {
		draw := splitmix(o.Seed*0x9e3779b97f4a7c15 + uint64(epoch) + 1)
		order := shuffled(&draw, n)
		var loss float64
		var hits, seen int
		for lo := 0; lo+batchImages <= n; lo += batchImages {
			if err := ctx.Err(); err != nil {
				return nil, 0, fmt.Errorf("embedder training stopped in epoch %d of %d: %w", epoch+1, o.Epochs, err)
			}
			batch := order[lo : lo+batchImages]
			for i, at := range batch {
				augment(l.images[i*pixels:(i+1)*pixels], o.Images[at*pixels:(at+1)*pixels], o.Size, o.Channels, o.Flips, &draw)
				l.labels[i] = o.Labels[at]
			}
			part, right := l.step(rate(step, steps))
			if math.IsNaN(part) {
				return nil, 0, fmt.Errorf("embedder training: the loss is not a number in epoch %d", epoch+1)
			}
			loss += part
			hits += right
			seen += batchImages
			step++
		}
		if o.Progress != nil {
			o.Progress(epoch+1, o.Epochs, loss/float64(seen), float64(hits)/float64(seen))
		}
	}
	l.fold()
	about := About{Set: o.Name, Command: o.Command, Seed: o.Seed, Epochs: o.Epochs, TrainingHash: o.trainingHash(), Size: o.Size,
		Channels: o.Channels, Classes: classes}
	c := newClassifier(net, about, nil)
	if err := c.unitVariance(o); err != nil {
		return nil, 0, err
	}
	accuracy, err = c.Accuracy(o.TestImages, o.TestLabels, o.Threads)
	if err != nil {
		return nil, 0, err
	}
	about.Accuracy = accuracy
	weights, err = encode(net, about)
	return weights, accuracy, err
}

// Accuracy is the share of images whose most probable class is their label.
func (c *Classifier) Accuracy(images []uint8, labels []int32, threads int) (float64, error) {
	if len(labels) == 0 {
		return 0, fmt.Errorf("accuracy of %s: there are no test images", c.Name())
	}
	classes, _, err := c.Classify(images, len(labels), c.About.Size, c.About.Channels, threads)
	if err != nil {
		return 0, err
	}
	hits := 0
	for i, class := range classes {
		if class == labels[i] {
			hits++
		}
	}
	return float64(hits) / float64(len(labels)), nil
}

func (o TrainOptions) check() (classes int, err error) {
	if o.Name == "" {
		return 0, fmt.Errorf("the data set needs a name")
	}
	if o.Size < 1 || o.Channels < 1 {
		return 0, fmt.Errorf("size %d and channels %d must be positive", o.Size, o.Channels)
	}
	if len(o.Labels) < batchImages {
		return 0, fmt.Errorf("%d training images, at least one batch of %d is needed", len(o.Labels), batchImages)
	}
	for _, split := range []struct {
		what   string
		images []uint8
		labels []int32
	}{{"training", o.Images, o.Labels}, {"test", o.TestImages, o.TestLabels}} {
		if err := checkImages(split.images, len(split.labels), o.Size, o.Channels); err != nil {
			return 0, fmt.Errorf("%s split: %w", split.what, err)
		}
		for i, l := range split.labels {
			if l < 0 || l >= 1<<16 {
				return 0, fmt.Errorf("%s split: image %d has the label %d; labels count from 0", split.what, i, l)
			}
			classes = max(classes, int(l)+1)
		}
	}
	return classes, nil
}

func (o TrainOptions) trainingHash() string {
	h := sha256.New()
	h.Write(o.Images)
	for _, l := range o.Labels {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(l)))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// rate is the learning rate: linear warm-up, then half a cosine to 0.
func rate(step, steps int) float64 {
	at, ramp := float64(step)+.5, warmup*float64(steps)
	if at < ramp {
		return peakRate * at / ramp
	}
	return peakRate * (1 + math.Cos(math.Pi*(at-ramp)/(float64(steps)-ramp))) / 2
}

// augment copies an image shifted by up to maxShift pixels and maybe mirrored.
func augment(to, from []uint8, size, channels int, flips bool, draw *splitmix) {
	dy, dx := int(draw.below(2*maxShift+1))-maxShift, int(draw.below(2*maxShift+1))-maxShift
	mirror := flips && draw.below(2) == 1
	clear(to)
	for y := max(0, -dy); y < min(size, size-dy); y++ {
		for x := max(0, -dx); x < min(size, size-dx); x++ {
			source := x + dx
			if mirror {
				source = size - 1 - source
			}
			copy(to[(y*size+x)*channels:][:channels], from[((y+dy)*size+source)*channels:][:channels])
		}
	}
}

// unitVariance scales the features so that their variances over the training
// split sum to featureDim. The last layer takes the inverse: max(·,0) commutes
// with a positive factor, so no prediction changes. Distances of different data
// sets then have comparable size.
func (c *Classifier) unitVariance(o TrainOptions) error {
	features, err := c.Embed(o.Images, len(o.Labels), o.Size, o.Channels, o.Threads)
	if err != nil {
		return err
	}
	n := float64(len(o.Labels))
	var total float64
	for j := range featureDim {
		var sum, squares float64
		for i := j; i < len(features); i += featureDim {
			v := float64(features[i])
			sum += v
			squares += v * v
		}
		total += squares/n - (sum/n)*(sum/n)
	}
	if total <= 0 {
		return fmt.Errorf("embedder training: the features do not vary over the training split")
	}
	factor := math.Sqrt(featureDim / total)
	last := &c.net.convs[len(c.net.convs)-1]
	for i := range last.scale {
		last.scale[i] *= float32(factor)
		last.shift[i] *= float32(factor)
	}
	for i := range c.net.headWeight {
		c.net.headWeight[i] /= float32(factor)
	}
	return nil
}
