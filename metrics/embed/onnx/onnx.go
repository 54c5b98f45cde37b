// Package onnx makes features with a network from a file, run by ONNX Runtime.
//
// Its principle is that reviewers accept the features they know: Inception's, DINOv2's,
// CLIP's. A network comes as PATH.onnx with a PATH.onnx.toml beside it that says how
// images are given to it (see [Spec]); the SHA-256 of both is the extractor's identity.
// ONNX Runtime is loaded while the program runs, so that a program without it does all
// else.
package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// Prefix marks a value of metrics.embedder that is the path of a network.
const Prefix = "onnx:"

// batch is the number of images that a network is given at once. It depends on nothing,
// so that neither do the features.
const batch = 16

// Extractor is a network from a file.
type Extractor struct {
	spec     Spec
	name     string
	hash     string
	dim      int // channels of the output
	features int // of an image: channels, or those that are kept at all places
	spatial  int // places of the output; 1 without
	last     bool
	fixed    int64 // images of a call that the file insists on, else 0
	shape    ort.Shape
	session  *ort.DynamicAdvancedSession
	channels int
	provider string
	beside   []string // other files with its weights
	stamp    string   // of these when they were read
}

var (
	openMu sync.Mutex
	opened = map[string]*Extractor{}
)

// Open reads a network and the file beside it. The same file is read once in a process.
func Open(path string) (*Extractor, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the network %s cannot be read: %w", path, errors.Unwrap(err))
	}
	beside, _ := os.ReadFile(path + ".toml")
	openMu.Lock()
	defer openMu.Unlock()
	key := fmt.Sprint(path, info.Size(), info.ModTime(), string(beside))
	if e := opened[key]; e != nil && e.stamp == stampOf(path, e.beside) {
		return e, nil
	}
	e, err := open(path)
	if err != nil {
		return nil, err
	}
	opened[key] = e
	return e, nil
}

// stampOf says when the files beside a network were changed.
func stampOf(path string, files []string) string {
	var b strings.Builder
	for _, name := range files {
		if info, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(name))); err == nil {
			fmt.Fprintln(&b, name, info.Size(), info.ModTime())
		}
	}
	return b.String()
}

func open(path string) (*Extractor, error) {
	spec, err := ReadSpec(path)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g, unread := readGraph(raw) // what is wrong with it, ONNX Runtime says better
	sum, err := g.identity(path, raw)
	if err != nil {
		return nil, err
	}
	if spec.Metric == "fid" {
		weights := spec.Weights
		if !filepath.IsAbs(weights) {
			weights = filepath.Join(filepath.Dir(path), weights)
		}
		if err := errors.Join(unread, g.proven(path, weights, inception)); err != nil {
			return nil, fmt.Errorf("%s.toml says metric = \"fid\": %w", path, err)
		}
	}
	if err := start(); err != nil {
		return nil, err
	}
	e := &Extractor{spec: spec, name: spec.Name, hash: spec.hash(sum), channels: spec.channels(), beside: g.files()}
	e.stamp = stampOf(path, e.beside)
	if e.name == "" {
		e.name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	inputs, outputs, err := ort.GetInputOutputInfo(path)
	if err != nil {
		return nil, fmt.Errorf("%s is no network that ONNX Runtime %s can read: %w", path, ort.GetVersion(), err)
	}
	if err := e.fits(inputs, outputs); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer func() { _ = options.Destroy() }()
	// One thread a call, and as many calls at once as there are threads: then their
	// number changes no feature.
	for _, set := range []error{options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1)} {
		if set != nil {
			return nil, set
		}
	}
	e.provider = provider(options)
	if e.session, err = ort.NewDynamicAdvancedSession(path, []string{e.spec.Input}, []string{e.spec.Output}, options); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	probe := make([]uint8, e.spec.Size*e.spec.Size)
	if _, err := e.run(probe, 1, e.spec.Size, 1); err != nil { // says what the dimensions are that the file leaves open
		return nil, fmt.Errorf("%s: a black image cannot be run: %w", path, err)
	}
	return e, nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// fits finds the input and the output, and holds that images of the stated size can be
// given to the one.
func (e *Extractor) fits(inputs, outputs []ort.InputOutputInfo) error {
	in, err := pick("input", e.spec.Input, inputs)
	if err != nil {
		return err
	}
	out, err := pick("output", e.spec.Output, outputs)
	if err != nil {
		return err
	}
	e.spec.Input, e.spec.Output = in.Name, out.Name
	if len(inputs) > 1 {
		return fmt.Errorf("it has %d inputs; a feature extractor has one, the images", len(inputs))
	}
	for _, t := range []ort.InputOutputInfo{in, out} {
		if t.DataType != ort.TensorElementDataTypeFloat {
			return fmt.Errorf("%s is of type %v; export the network in float32", t.Name, t.DataType)
		}
	}
	size, channels := int64(e.spec.Size), int64(e.channels)
	e.shape = ort.NewShape(0, channels, size, size)
	if e.spec.Layout == "nhwc" {
		e.shape = ort.NewShape(0, size, size, channels)
	}
	if len(in.Dimensions) != 4 {
		return fmt.Errorf("its input %s has the shape %v; images are four dimensions", in.Name, in.Dimensions)
	}
	for i, d := range in.Dimensions {
		switch {
		case i == 0 && d > 0:
			e.fixed = d
		case i > 0 && d > 0 && d != e.shape[i]:
			return fmt.Errorf("its input %s has the shape %v, and size, layout and order in the file beside it make %v", in.Name, in.Dimensions,
				e.shape[1:])
		}
	}
	return nil
}

func pick(what, name string, of []ort.InputOutputInfo) (ort.InputOutputInfo, error) {
	var names []string
	for _, t := range of {
		if t.Name == name || name == "" {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return ort.InputOutputInfo{}, fmt.Errorf("it has no %s %q; there are: %s", what, name, strings.Join(names, ", "))
}

// Name is for people.
func (e *Extractor) Name() string { return Prefix + e.name }

// Hash is that of the network and of what is done to images before it.
func (e *Extractor) Hash() string { return e.hash }

// Dim is the number of features of an image.
func (e *Extractor) Dim() int { return e.features }

// Metric is what a Fréchet distance in these features is called besides fid_proxy, or
// "".
func (e *Extractor) Metric() string { return e.spec.Metric }

// Provider is what the network runs on: "cpu" or "cuda".
func (e *Extractor) Provider() string { return e.provider }

// Embed gives [n, Dim] features of images [n, size, size, channels] of one channel or
// three.
func (e *Extractor) Embed(images []uint8, n, size, channels, threads int) ([]float32, error) {
	if channels != 1 && channels != 3 {
		return nil, fmt.Errorf("images of %d channels cannot be given to a network; it takes grey and RGB ones", channels)
	}
	if n < 0 || len(images) != n*size*size*channels {
		return nil, fmt.Errorf("%d pixel values for %d images of %d×%d×%d", len(images), n, size, size, channels)
	}
	if e.spec.Resize == "none" && size != e.spec.Size {
		return nil, fmt.Errorf("images are %d pixels wide, the network takes %d, and resize = \"none\"", size, e.spec.Size)
	}
	out := make([]float32, n*e.features)
	each := batch
	if e.fixed > 0 {
		each = int(e.fixed)
	}
	pieces := make(chan int, (n+each-1)/each)
	for at := 0; at < n; at += each {
		pieces <- at
	}
	close(pieces)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range max(1, min(threads, cap(pieces))) {
		wg.Go(func() {
			for at := range pieces {
				m := min(each, n-at)
				x, err := e.run(images[at*size*size*channels:(at+m)*size*size*channels], m, size, channels)
				if err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
				copy(out[at*e.features:], x)
			}
		})
	}
	wg.Wait()
	return out, failed
}

// run gives the features of a few images.
func (e *Extractor) run(images []uint8, n, size, channels int) ([]float32, error) {
	shape := e.shape.Clone()
	shape[0] = max(int64(n), e.fixed)
	data := make([]float32, shape.FlattenedSize()) // black ones fill a batch of a fixed size
	e.fill(data, images, n, size, channels)
	in, err := ort.NewTensor(shape, data)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Destroy() }()
	outputs := []ort.Value{nil}
	if err := e.session.Run([]ort.Value{in}, outputs); err != nil {
		return nil, err
	}
	defer func() { _ = outputs[0].Destroy() }()
	t, ok := outputs[0].(*ort.Tensor[float32])
	if !ok {
		return nil, fmt.Errorf("the output %s is no array of float32", e.spec.Output)
	}
	if e.dim == 0 {
		if err := e.measure(t.GetShape(), shape[0]); err != nil {
			return nil, err
		}
	}
	if want := int(shape[0]) * e.dim * e.spatial; len(t.GetData()) != want {
		return nil, fmt.Errorf("the output %s has %d values for %d images, %d were expected", e.spec.Output, len(t.GetData()), shape[0], want)
	}
	return e.pooled(t.GetData(), n), nil
}

// measure finds the dimension from the shape of an output.
func (e *Extractor) measure(shape ort.Shape, n int64) error {
	if len(shape) < 2 || shape[0] != n {
		return fmt.Errorf("the output %s has the shape %v for %d images; features are a row for each", e.spec.Output, shape, n)
	}
	at := 1 // of the channels
	if e.last = e.spec.Layout == "nhwc" || len(shape) == 3; e.last {
		at = len(shape) - 1
	}
	e.dim, e.spatial = int(shape[at]), 1
	for i, d := range shape {
		if i > 0 && i != at {
			e.spatial *= int(d)
		}
	}
	if e.spatial > 1 && e.spec.Pool == "none" {
		return fmt.Errorf("the output %s has the shape %v, features at %d places; write pool = \"mean\" or \"flatten\", or choose another output",
			e.spec.Output, shape, e.spatial)
	}
	e.features = e.dim
	if e.spec.Pool == "flatten" {
		if e.spec.Channels > e.dim {
			return fmt.Errorf("the output %s has %d channels, channels = %d are asked for", e.spec.Output, e.dim, e.spec.Channels)
		}
		e.features = e.kept() * e.spatial
	}
	return nil
}

// kept is how many channels are flattened.
func (e *Extractor) kept() int {
	if e.spec.Channels > 0 {
		return e.spec.Channels
	}
	return e.dim
}

// flat are the first channels at all places, place by place: as ADM flattens them
// for the sFID of its reference statistics.
func (e *Extractor) flat(x []float32, n int) []float32 {
	c := e.kept()
	out := make([]float32, 0, n*e.features)
	for i := range n {
		for p := range e.spatial {
			for k := range c {
				at := (i*e.dim+k)*e.spatial + p
				if e.last {
					at = (i*e.spatial+p)*e.dim + k
				}
				out = append(out, x[at])
			}
		}
	}
	return out
}

// pooled is the mean over places.
func (e *Extractor) pooled(x []float32, n int) []float32 {
	if e.spec.Pool == "flatten" {
		return e.flat(x, n)
	}
	if e.spatial == 1 {
		return x[: n*e.dim : n*e.dim]
	}
	out := make([]float32, n*e.dim)
	for i := range n {
		for c := range e.dim {
			var sum float64
			for p := range e.spatial {
				if e.last {
					sum += float64(x[(i*e.spatial+p)*e.dim+c])
				} else {
					sum += float64(x[(i*e.dim+c)*e.spatial+p])
				}
			}
			out[i*e.dim+c] = float32(sum / float64(e.spatial))
		}
	}
	return out
}

// fill resizes and normalises images into the input.
func (e *Extractor) fill(data []float32, images []uint8, n, size, channels int) {
	to := e.spec.Size
	r := resizer{from: size, to: to}
	switch e.spec.Resize {
	case "tensorflow1":
		r.taps = tensorflow1(size, to)
	case "none":
		r.taps = tensorflow1(to, to)
	default:
		r.taps = tapsOf(filters[e.spec.Resize], size, to)
	}
	rows := make([]float32, size*to)
	planes := make([][]float32, channels)
	for c := range planes {
		planes[c] = make([]float32, to*to)
	}
	for i := range n {
		picture := images[i*size*size*channels : (i+1)*size*size*channels]
		for c, p := range planes {
			r.resize(picture, channels, c, rows, p)
		}
		for c := range e.channels {
			scale, shift := float32(e.spec.Scale/e.spec.Std[c]), float32(e.spec.Mean[c]/e.spec.Std[c])
			for k := range to * to {
				at := (i*e.channels+c)*to*to + k
				if e.spec.Layout == "nhwc" {
					at = (i*to*to+k)*e.channels + c
				}
				data[at] = e.value(planes, c, k)*scale - shift
			}
		}
	}
}

// value is a channel of the network's input at a place: a grey image in all channels,
// and the luma of Rec. 601, as Pillow's, of a colour one for a network of grey images.
func (e *Extractor) value(planes [][]float32, c, k int) float32 {
	switch {
	case len(planes) == 1:
		return planes[0][k]
	case e.spec.Order == "grey":
		return 0.299*planes[0][k] + 0.587*planes[1][k] + 0.114*planes[2][k]
	case e.spec.Order == "bgr":
		return planes[2-c][k]
	}
	return planes[c][k]
}
