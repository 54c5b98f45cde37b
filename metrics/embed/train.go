package embed

import (
	"cmp"
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
	Steps      int    // of one batch each, in place of Epochs; 0: as many as the epochs have
	Threads    int    // 0: all cores; changes the speed, never the weights
	Flips      bool   // also show images mirrored left to right
	Command    string // kept in the weights file
	// Read and ReadTest, when given, take the place of Images and TestImages of a set
	// that is too large for memory: they read image i into place.
	Read, ReadTest func(i int, into []uint8) error
	// TrainingHash names the training images; "" hashes them.
	TrainingHash string
	// Kept is what an earlier training of the same options gave to Keep: this one goes
	// on from there and ends with the same bytes. Keep is called after a step where Due
	// says so, and before a training ends that is stopped.
	Kept []byte
	Keep func(state []byte) error
	Due  func() bool
	// Progress, when given, is called after every epoch with the mean loss and
	// the accuracy on the augmented training images of that epoch.
	Progress func(epoch, epochs int, loss, accuracy float64)
}

// Recipe is the version of the recipe below; changing that needs new committed
// weights, and makes classifiers again that a run has trained.
const Recipe = "1"

// The recipe; changing it needs new committed weights.
const (
	batchImages = 4 * chunk
	maxShift    = 2 // pixels, each way, zeros move in
	peakRate    = 4e-3
	decay       = 0.02
	warmup      = 0.05 // share of all steps
	smoothing   = 0.05 // of the target distribution, over all classes
)

// RecipeSteps is how long a classifier is trained for n images: ten epochs, as the
// committed ones. Few images are shown up to sixty times, until there are 600 steps;
// more than 60,000 take as long as these.
func RecipeSteps(n int) int {
	const most = 60_000 / batchImages * 10
	epoch := max(1, n/batchImages)
	return min(max(10*epoch, min(600, 60*epoch)), most)
}

// Train trains a classifier on the training split alone and returns its weights
// file (for Open) and its accuracy on the test split. The same options give the
// same bytes at any thread count on the same machine and matrix library.
// An epoch passes every training image once, except the rest of the last batch.
func Train(ctx context.Context, o TrainOptions) (weights []byte, accuracy float64, err error) {
	classes, err := o.check()
	if err != nil {
		return nil, 0, fmt.Errorf("embedder training: %w", err)
	}
	o.Epochs, o.Threads = cmp.Or(o.Epochs, 10), cmp.Or(o.Threads, runtime.NumCPU())
	net, err := newNetwork(o.Size, o.Channels, classes)
	if err != nil {
		return nil, 0, fmt.Errorf("embedder training: %w", err)
	}
	l := newLearner(net, o.Seed, o.Threads)
	each := len(o.Labels) / batchImages
	steps := o.Steps
	if steps == 0 {
		steps = each * o.Epochs
	}
	o.Epochs = (steps + each - 1) / each
	if err := o.learn(ctx, l, steps); err != nil {
		return nil, 0, err
	}
	l.fold()
	about := About{Set: o.Name, Command: o.Command, Seed: o.Seed, Epochs: o.Epochs, TrainingHash: o.TrainingHash, Size: o.Size,
		Channels: o.Channels, Classes: classes}
	if about.TrainingHash == "" {
		about.TrainingHash = o.trainingHash()
	}
	c := newClassifier(net, about, nil)
	if err := c.unitVariance(o); err != nil {
		return nil, 0, err
	}
	accuracy, err = c.accuracy(len(o.TestLabels), o.test, o.TestLabels, o.Threads)
	if err != nil {
		return nil, 0, err
	}
	about.Accuracy = accuracy
	weights, err = encode(net, about)
	return weights, accuracy, err
}

// learn does the steps, from those that Kept has done.
func (o TrainOptions) learn(ctx context.Context, l *learner, steps int) error {
	at, err := l.resume(o.Kept, o.identity(steps))
	if err != nil {
		return fmt.Errorf("embedder training: %w", err)
	}
	each, pixels := len(o.Labels)/batchImages, o.Size*o.Size*o.Channels
	image := make([]uint8, pixels)
	for first := true; at.Step < steps; first = false {
		epoch := at.Step / each
		draw := splitmix(o.Seed*0x9e3779b97f4a7c15 + uint64(epoch) + 1)
		order := shuffled(&draw, len(o.Labels))
		if in := at.Step % each; first && in > 0 {
			draw = splitmix(at.Draw)
		} else {
			at.Loss, at.Hits, at.Seen = 0, 0, 0
		}
		for lo := at.Step % each * batchImages; lo+batchImages <= len(order) && at.Step < steps; lo += batchImages {
			if err := o.pause(ctx, l, at, epoch); err != nil {
				return err
			}
			for i, from := range order[lo : lo+batchImages] {
				if err := o.train(from, image); err != nil {
					return err
				}
				augment(l.images[i*pixels:(i+1)*pixels], image, o.Size, o.Channels, o.Flips, &draw)
				l.labels[i] = o.Labels[from]
			}
			part, right := l.step(rate(at.Step, steps))
			if math.IsNaN(part) {
				return fmt.Errorf("embedder training: the loss is not a number in epoch %d", epoch+1)
			}
			at.Loss += part
			at.Hits += right
			at.Seen += batchImages
			at.Step++
			at.Draw = uint64(draw)
		}
		if o.Progress != nil {
			o.Progress(epoch+1, o.Epochs, at.Loss/float64(at.Seen), float64(at.Hits)/float64(at.Seen))
		}
	}
	return nil
}

// pause keeps the state where that is due, and where the training is to stop.
func (o TrainOptions) pause(ctx context.Context, l *learner, at place, epoch int) error {
	stopped := ctx.Err()
	if o.Keep != nil && (stopped != nil || o.Due != nil && o.Due()) {
		state, err := l.state(at)
		if err == nil {
			err = o.Keep(state)
		}
		if err != nil {
			return fmt.Errorf("embedder training: keeping what was done in epoch %d: %w", epoch+1, err)
		}
	}
	if stopped != nil {
		return fmt.Errorf("embedder training stopped in epoch %d of %d: %w", epoch+1, o.Epochs, stopped)
	}
	return nil
}

// train and test read one image of a split.
func (o TrainOptions) train(i int, into []uint8) error { return readImage(o.Images, o.Read, i, into) }
func (o TrainOptions) test(i int, into []uint8) error {
	return readImage(o.TestImages, o.ReadTest, i, into)
}

func readImage(images []uint8, read func(int, []uint8) error, i int, into []uint8) error {
	if read != nil {
		return read(i, into)
	}
	copy(into, images[i*len(into):])
	return nil
}

// Accuracy is the share of images whose most probable class is their label.
func (c *Classifier) Accuracy(images []uint8, labels []int32, threads int) (float64, error) {
	if err := checkImages(images, len(labels), c.About.Size, c.About.Channels); err != nil {
		return 0, err
	}
	return c.accuracy(len(labels), func(i int, into []uint8) error { return readImage(images, nil, i, into) }, labels, threads)
}

func (c *Classifier) accuracy(n int, read func(int, []uint8) error, labels []int32, threads int) (float64, error) {
	if n == 0 {
		return 0, fmt.Errorf("accuracy of %s: there are no test images", c.Name())
	}
	hits := 0
	err := c.eachFeatures(n, read, threads, func(at int, features []float32) {
		classes, _ := c.ClassifyFeatures(features)
		for i, class := range classes {
			if class == labels[at+i] {
				hits++
			}
		}
	})
	return float64(hits) / float64(n), err
}

// eachFeatures embeds n images in portions.
func (c *Classifier) eachFeatures(n int, read func(int, []uint8) error, threads int, use func(at int, features []float32)) error {
	const portion = 1024
	per := c.About.Size * c.About.Size * c.About.Channels
	pixels := make([]uint8, min(n, portion)*per)
	for at := 0; at < n; at += portion {
		m := min(portion, n-at)
		for i := range m {
			if err := read(at+i, pixels[i*per:(i+1)*per]); err != nil {
				return err
			}
		}
		features, err := c.Embed(pixels[:m*per], m, c.About.Size, c.About.Channels, threads)
		if err != nil {
			return err
		}
		use(at, features)
	}
	return nil
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
		read   func(int, []uint8) error
		labels []int32
	}{{"training", o.Images, o.Read, o.Labels}, {"test", o.TestImages, o.ReadTest, o.TestLabels}} {
		if err := checkImages(split.images, len(split.labels), o.Size, o.Channels); err != nil && split.read == nil {
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
	n := float64(len(o.Labels))
	var sum, squares [featureDim]float64
	err := c.eachFeatures(len(o.Labels), o.train, o.Threads, func(_ int, features []float32) {
		for i, v := range features {
			sum[i%featureDim] += float64(v)
			squares[i%featureDim] += float64(v) * float64(v)
		}
	})
	if err != nil {
		return err
	}
	var total float64
	for j := range featureDim {
		total += squares[j]/n - (sum[j]/n)*(sum[j]/n)
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
