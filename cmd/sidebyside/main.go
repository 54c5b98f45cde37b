// Command sidebyside is prabench's side of the comparison with PyTorch and JAX: a process
// that stays alive, opens one model, and trains or samples a few times whenever
// it is asked, so that two programs can be timed in turn at a grain of seconds.
// Between requests it waits for its input and computes nothing.
//
// Requests and replies are JSON, one per line; see the request and reply types.
// The images are made up: a step's arithmetic does not depend on them. Built with
// the tag cuda it opens CUDA devices too.
package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"prabench/harness/work"
	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/gemm"
	"prabench/models/pra"
	"prabench/models/pra/sizes"
)

// request is what to do next.
type request struct {
	Do string `json:"do"` // "open" first, then "train" and "sample"

	// open
	Model   string `json:"model"`   // a name of package sizes
	Patch   int    `json:"patch"`   // p, 0 for the size's own
	Block   int    `json:"block"`   // B, 0 for 1
	Batch   int    `json:"batch"`   // images per training step, and per sampling call at most
	Threads int    `json:"threads"` // compute threads
	Steps   int    `json:"steps"`   // training steps before the checkpoint
	Dir     string `json:"dir"`     // where the files of the equality check go
	Flow    int    `json:"flow"`    // Euler steps, 0 for the size's own
	Device  string `json:"device"`  // "cpu" or "cuda:0"; "" is cpu

	FlowSamples int     `json:"flow_samples"` // draws a token in training, 0 for the size's own
	LR          float64 `json:"lr"`           // without warm-up, so that few steps move the weights; 0 for the size's own schedule
	Precision   string  `json:"precision"`    // cuda: fp32 or bf16; "" is fp32
	NoBLAS      bool    `json:"no_blas"`      // cuda: own products
	NoGraphs    bool    `json:"no_graphs"`    // cuda: nothing is recorded

	// train, sample
	Times  int `json:"times"`  // steps or calls to time
	Images int `json:"images"` // sample: images per call
}

// reply answers one request.
type reply struct {
	Error   string      `json:"error,omitempty"`
	Seconds []float64   `json:"seconds,omitempty"` // of each step or call
	Losses  *pra.Losses `json:"losses,omitempty"`  // open: of the step between before and after
	GEMM    string      `json:"gemm,omitempty"`    // open: which matrix product
	Backend string      `json:"backend,omitempty"`
	Params  int64       `json:"params,omitempty"`
	Train   float64     `json:"flops_train_image,omitempty"`
	Sample  float64     `json:"flops_image,omitempty"`
}

// side is the open model.
type side struct {
	be       device.Backend
	trainer  *pra.Trainer
	model    *pra.Model
	flow     pra.SampleConfig
	samplers map[int]*pra.Sampler // by batch
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ours:", err)
		os.Exit(1)
	}
}

// serve answers requests until the input ends; a failed request is answered by
// its error and does not end it.
func serve(in io.Reader, out io.Writer) error {
	requests, replies := json.NewDecoder(in), json.NewEncoder(out)
	var s *side
	for {
		var q request
		if err := requests.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		r, err := reply{}, error(nil)
		switch {
		case q.Do == "open" && s == nil:
			s, r, err = open(q)
		case q.Do == "train" && s != nil:
			r.Seconds, err = times(q.Times, s.step)
		case q.Do == "sample" && s != nil:
			r.Seconds, err = s.sample(q.Images, q.Times)
		default:
			err = fmt.Errorf("%q: the first request opens a model, further ones train or sample", q.Do)
		}
		if err != nil {
			r.Error = err.Error()
		}
		if err := replies.Encode(r); err != nil {
			return err
		}
	}
}

// openCUDA is there in a program that was built with CUDA.
var openCUDA func(q request) (device.Backend, error)

func openDevice(q request) (device.Backend, error) {
	switch {
	case q.Device == "" || q.Device == "cpu":
		return cpu.New(q.Threads)
	case openCUDA == nil:
		return nil, fmt.Errorf("device %q: this program was built without CUDA", q.Device)
	}
	return openCUDA(q)
}

// open trains a model for a few steps and writes into q.Dir what the other side
// needs to compute the same: before and after (training checkpoints around one
// step), model (the model then), images and labels (the training set) and tokens
// (one sampling call of q.Batch images, float32).
func open(q request) (*side, reply, error) {
	size, err := sizes.Named(q.Model)
	if err != nil {
		return nil, reply{}, err
	}
	cfg, tc, sc := size.Model, size.Train, size.Sample
	set := func(to *int, v int) {
		if v > 0 {
			*to = v
		}
	}
	set(&cfg.Patch, q.Patch)
	set(&cfg.Block, q.Block)
	set(&sc.FlowSteps, q.Flow)
	set(&tc.FlowSamples, q.FlowSamples)
	set(&tc.Threads, q.Threads)
	tc.Batch, tc.Seed = q.Batch, 1
	if q.LR > 0 {
		tc.LR, tc.Warmup = q.LR, 0
	}
	be, err := openDevice(q)
	if err != nil {
		return nil, reply{}, err
	}
	data := waves(cfg, 2*q.Batch)
	s := &side{be: be, flow: sc, samplers: map[int]*pra.Sampler{}}
	if s.trainer, err = pra.NewTrainer(be, cfg, tc, data); err != nil {
		return nil, reply{}, err
	}
	for range q.Steps {
		if err := s.trainer.Step(); err != nil {
			return nil, reply{}, err
		}
	}
	at := func(name string) string { return filepath.Join(q.Dir, name) }
	if err := errors.Join(
		write(at("images"), data.Pixels), write(at("labels"), data.Labels),
		s.trainer.Save(at("before.safetensors")),
		s.trainer.Step(),
		s.trainer.Save(at("after.safetensors")), s.trainer.SaveModel(at("model.safetensors")),
	); err != nil {
		return nil, reply{}, err
	}
	if s.model, err = pra.LoadModel(be, at("model.safetensors")); err != nil {
		return nil, reply{}, err
	}
	sampler, err := s.sampler(q.Batch)
	if err != nil {
		return nil, reply{}, err
	}
	tokens, err := sampler.Tokens(labels(cfg, q.Batch), ids(q.Batch))
	if err != nil {
		return nil, reply{}, err
	}
	costs, losses := cfg.Costs(tc, sc), s.trainer.Losses()
	r := reply{
		Losses: &losses, GEMM: gemm.Loaded().Name, Backend: be.Details(), Params: cfg.Params(),
		Train: costs.FLOPsTrainImage, Sample: costs.FLOPsImage,
	}
	return s, r, write(at("tokens"), tokens)
}

// step is an optimisation step that is done when it returns.
func (s *side) step() error {
	if err := s.trainer.Step(); err != nil {
		return err
	}
	return s.be.Sync()
}

func (s *side) sampler(images int) (*pra.Sampler, error) {
	if have := s.samplers[images]; have != nil {
		return have, nil
	}
	sampler, err := pra.NewSampler(s.model, s.flow, images)
	if err == nil {
		s.samplers[images] = sampler
	}
	return sampler, err
}

// sample times calls that draw so many images as bytes.
func (s *side) sample(images, n int) ([]float64, error) {
	sampler, err := s.sampler(images)
	if err != nil {
		return nil, err
	}
	c := s.model.Config
	l, id, out := labels(c, images), ids(images), make([]uint8, images*c.Size*c.Size*c.Channels)
	return times(n, func() error { return sampler.Sample(l, id, out) })
}

// times is how long each of n calls took, in seconds.
func times(n int, do func() error) ([]float64, error) {
	out := make([]float64, n)
	for i := range out {
		start := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		out[i] = time.Since(start).Seconds()
	}
	return out, nil
}

// labels and ids are those of the images that are sampled: 0, 1, 2, …
func labels(c pra.Config, n int) []int32 {
	return work.EvenLabels(n, c.Classes)
}

func ids(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(i)
	}
	return out
}

// waves are n images of plane waves, the direction by class.
func waves(c pra.Config, n int) models.Images {
	images := models.Images{N: n, Size: c.Size, Channels: c.Channels, Labels: labels(c, n)}
	for i := range n {
		sin, cos := math.Sincos(math.Pi * float64(images.Labels[i]) / float64(c.Classes))
		for y := range c.Size {
			for x := range c.Size {
				for k := range c.Channels {
					v := math.Sin(0.5*(cos*float64(x)+sin*float64(y)) + float64(i) + float64(k))
					images.Pixels = append(images.Pixels, uint8(127.5+127.5*v))
				}
			}
		}
	}
	return images
}

// write puts an array into a file, little-endian, without a header.
func write(path string, x any) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(binary.Write(f, binary.LittleEndian, x), f.Close())
}
