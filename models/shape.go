package models

import "fmt"

// Shape is that of the images of a data set, and how many classes it has.
type Shape struct {
	Size     int // side in pixels
	Channels int // 1 grey, 3 RGB
	Classes  int
}

// Bytes is the size of an image.
func (s Shape) Bytes() int { return s.Size * s.Size * s.Channels }

// Images is a set of images as bytes: Pixels [N, Size, Size, Channels], or, of a
// set that is too large for memory, what reads them one at a time.
type Images struct {
	N, Size, Channels int
	Pixels            []uint8 // nil where Reader has them
	Labels            []int32
	Reader            ImageReader
	Flip              float64 // share of the images that a training sees mirrored
}

// ImageReader reads image i into place. It is called from many goroutines at once.
type ImageReader interface {
	Read(i int, into []uint8) error
}

// Read copies image i into place.
func (s Images) Read(i int, into []uint8) error {
	if s.Reader != nil {
		return s.Reader.Read(i, into)
	}
	per := s.Size * s.Size * s.Channels
	copy(into, s.Pixels[i*per:(i+1)*per])
	return nil
}

// Suit says why a model of a shape cannot be trained on the images.
func (s Images) Suit(shape Shape) error {
	if s.N < 1 || s.Size != shape.Size || s.Channels != shape.Channels {
		return fmt.Errorf("train: %d images of %d×%d×%d; the model needs at least one of %d×%d×%d", s.N, s.Size, s.Size, s.Channels,
			shape.Size, shape.Size, shape.Channels)
	}
	return nil
}

// CheckDraw reports labels and ids that a sampler of at most so many images cannot draw.
func CheckDraw(labels []int32, ids []uint32, most, classes int) error {
	n := len(labels)
	if n == 0 || n > most || len(ids) != n {
		return fmt.Errorf("sample: %d labels and %d ids; a call takes 1 to %d of each", n, len(ids), most)
	}
	for _, l := range labels {
		if l < 0 || int(l) > classes {
			return fmt.Errorf("sample: label %d; allowed are 0 to %d, and %d for no class", l, classes-1, classes)
		}
	}
	return nil
}

// Costs is what one image takes, independent of any machine. FLOPs count
// matrix products and attention, a multiplication and an addition as two.
type Costs struct {
	ARSteps         int     `json:"ar_steps"`          // sequential depth: AR steps, or sweeps
	NFE             int     `json:"nfe"`               // evaluations of the head for each token (with guidance twice)
	TrunkEvals      int     `json:"trunk_evals"`       // evaluations of the trunk over all tokens
	FLOPsImage      float64 `json:"flops_image"`       // sampling one image
	FLOPsTrainImage float64 `json:"flops_train_image"` // one image in one training step

	// FLOPsTokenizerImage is that of one image in a step of [Tokenized.Tokenizer], which is
	// within FLOPsTrainImage; 0 where there is none.
	FLOPsTokenizerImage float64 `json:"flops_tokenizer_image,omitempty"`
}

// MemoryEstimate is the backend's memory in bytes, by class.
type MemoryEstimate struct {
	Model       int64 `json:"model"`
	Cache       int64 `json:"cache"`
	Activations int64 `json:"activations"`
}

// Total is the sum over the classes.
func (m MemoryEstimate) Total() int64 { return m.Model + m.Cache + m.Activations }
