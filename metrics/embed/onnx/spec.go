package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Spec says what a network wants to be given and which of its outputs are features: the
// file beside it, PATH.toml.
type Spec struct {
	Name   string    `toml:"name" json:"name"`     // for people; the file's name without one
	Size   int       `toml:"size" json:"size"`     // side of its input
	Layout string    `toml:"layout" json:"layout"` // "nchw" or "nhwc"
	Order  string    `toml:"order" json:"order"`   // "rgb", "bgr" or "grey"
	Resize string    `toml:"resize" json:"resize"` // "bicubic", "bilinear", "tensorflow1" or "none"
	Scale  float64   `toml:"scale" json:"scale"`   // value = (pixel · scale − mean) / std
	Mean   []float64 `toml:"mean" json:"mean"`
	Std    []float64 `toml:"std" json:"std"`
	Input  string    `toml:"input" json:"input"`   // the network's only one without it
	Output string    `toml:"output" json:"output"` // the network's first one without it
	Pool   string    `toml:"pool" json:"pool"`     // "none", "mean" over all but batch and channels, or "flatten"
	// Channels are how many of the first channels "flatten" takes; 0 takes all.
	Channels int `toml:"channels" json:"channels,omitempty"`
	// Metric is what a Fréchet distance in these features is called besides
	// fid_proxy, one of [Named]; fid needs Weights.
	Metric string `toml:"metric" json:"metric,omitempty"`
	// Weights is the file beside it that the network was exported from.
	Weights string `toml:"weights" json:"-"`
}

// Named are the distances that a network can be said to be for. fid is proven by its
// weights, the others are its file's word.
var Named = []string{"fid", "fd_dinov2", "fd_clip"}

// ReadSpec reads the file beside a network.
func ReadSpec(path string) (Spec, error) {
	s := Spec{Layout: "nchw", Order: "rgb", Resize: "bicubic", Scale: 1. / 255, Pool: "none"}
	file := path + ".toml"
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("there is no %s, which has to say what the network wants to be given, for example:\n"+
			"  size = 224\n  layout = \"nchw\"\n  order = \"rgb\"\n  resize = \"bicubic\"\n"+
			"  mean = [0.485, 0.456, 0.406]\n  std = [0.229, 0.224, 0.225]",
			file)
	}
	if err != nil {
		return s, err
	}
	meta, err := toml.Decode(string(raw), &s)
	if err != nil {
		return s, fmt.Errorf("%s: %w", file, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return s, fmt.Errorf("%s: unknown key %q; allowed: name, size, layout, order, resize, scale, mean, std, input, output, pool, channels, "+
			"metric, weights", file,
			unknown[0].String())
	}
	if err := s.check(); err != nil {
		return s, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func (s *Spec) check() error {
	for _, w := range []struct {
		key, v  string
		allowed []string
	}{
		{"layout", s.Layout, []string{"nchw", "nhwc"}}, {"order", s.Order, []string{"rgb", "bgr", "grey"}},
		{"resize", s.Resize, []string{"bicubic", "bilinear", "tensorflow1", "none"}}, {"pool", s.Pool, []string{"none", "mean", "flatten"}},
		{"metric", s.Metric, append([]string{""}, Named...)},
	} {
		if !slices.Contains(w.allowed, w.v) {
			return fmt.Errorf("%s = %q is not known; allowed: %s", w.key, w.v, strings.TrimPrefix(strings.Join(w.allowed, ", "), ", "))
		}
	}
	switch {
	case s.Channels < 0 || s.Channels > 0 && s.Pool != "flatten":
		return fmt.Errorf("channels = %d goes with pool = \"flatten\" alone, which takes that many of the first channels", s.Channels)
	case s.Metric == "fid" && s.Weights == "":
		return errors.New("metric = \"fid\" needs weights, the file of Inception-v3's weights for FID that the network was exported from: " +
			"it is compared with the network")
	case s.Metric != "fid" && s.Weights != "":
		return errors.New("weights goes with metric = \"fid\" alone, whose weights are known")
	}
	if s.Size < 1 || s.Size > 4096 {
		return fmt.Errorf("size = %d is no side of an image; give that of the network's input, 1 to 4096", s.Size)
	}
	for _, v := range append(append([]float64{s.Scale}, s.Mean...), s.Std...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%g is no number that pixels can be scaled by", v)
		}
	}
	if s.Scale == 0 {
		return errors.New("scale = 0 makes all images alike")
	}
	n := s.channels()
	for _, l := range []struct {
		key  string
		list *[]float64
		not  float64
	}{{"mean", &s.Mean, 0}, {"std", &s.Std, 1}} {
		switch len(*l.list) {
		case 0:
			*l.list = slices.Repeat([]float64{l.not}, n)
		case 1:
			*l.list = slices.Repeat(*l.list, n)
		case n:
		default:
			return fmt.Errorf("%s has %d values; the network has %d channels", l.key, len(*l.list), n)
		}
	}
	if slices.Contains(s.Std, 0) {
		return errors.New("std has a 0, which nothing can be divided by")
	}
	return nil
}

// channels is that of the network's input.
func (s *Spec) channels() int {
	if s.Order == "grey" {
		return 1
	}
	return 3
}

// hash is that of the network and of all that is done to an image before it; the name
// for people is none of it.
func (s Spec) hash(network string) string {
	s.Name = ""
	raw, err := json.Marshal(s)
	if err != nil {
		panic("onnx: " + err.Error()) // finite numbers and texts
	}
	sum := sha256.Sum256(append([]byte("onnx 1 "+network+" "), raw...))
	return hex.EncodeToString(sum[:])
}
