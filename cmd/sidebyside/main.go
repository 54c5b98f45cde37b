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
	"cmp"
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
	_ "prabench/models/families"
	"prabench/models/gemm"
	"prabench/models/pra"
	"prabench/models/pra/sizes"
)

// request is what to do next.
type request struct {
	Do string `json:"do"` // "open" first, then "train" and "sample"

	// open
	Family  string `json:"family"`  // "pra" or "jit"; "" is pra
	Model   string `json:"model"`   // a name of package sizes; of jit, its trunk
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
	Precision   string  `json:"precision"`    // fp32 or bf16; "" is fp32
	NoBLAS      bool    `json:"no_blas"`      // cuda: own products
	NoGraphs    bool    `json:"no_graphs"`    // cuda: nothing is recorded

	// train, sample
	Times  int `json:"times"`  // steps or calls to time
	Images int `json:"images"` // sample: images per call
}

// reply answers one request.
type reply struct {
	Error   string         `json:"error,omitempty"`
	Seconds []float64      `json:"seconds,omitempty"` // of each step or call
	Losses  *models.Losses `json:"losses,omitempty"`  // open: of the step between before and after
	GEMM    string         `json:"gemm,omitempty"`    // open: which matrix product
	Backend string         `json:"backend,omitempty"`
	Params  int64          `json:"params,omitempty"`
	Train   float64        `json:"flops_train_image,omitempty"`
	Sample  float64        `json:"flops_image,omitempty"`
}

// side is the open model.
type side struct {
	be       device.Backend
	params   models.Params
	trainer  models.Trainer
	model    models.Model
	samplers map[int]sampler // by batch
}

// sampler is one that gives its images as unclipped tokens too.
type sampler interface {
	models.Sampler
	Tokens(labels []int32, ids []uint32) ([]float32, error)
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
		return cpu.NewPrecision(q.Threads, cmp.Or(q.Precision, "fp32"))
	case openCUDA == nil:
		return nil, fmt.Errorf("device %q: this program was built without CUDA", q.Device)
	}
	return openCUDA(q)
}

// params are those of the model, its training and its sampling.
func (q request) params() (models.Params, error) {
	size, err := sizes.Named(q.Model)
	if err != nil {
		return nil, err
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
	if q.Family == "" || q.Family == models.Default {
		return pra.Params{Model: cfg, Train: tc, Sample: sc}, nil
	}
	family, err := models.Named(q.Family)
	if err != nil {
		return nil, err
	}
	p := family.Defaults().For(models.Shape{Size: cfg.Size, Channels: cfg.Channels, Classes: cfg.Classes}).Seeded(1)
	for key, v := range map[string]any{
		"model.patch": cfg.Patch, "model.width": cfg.Width, "model.depth": cfg.Depth, "model.heads": cfg.Heads,
		"train.batch": tc.Batch, "train.threads": tc.Threads, "train.lr": tc.LR, "train.warmup": tc.Warmup, "train.steps": tc.Steps,
		"sample.flow_steps": sc.FlowSteps, "sample.solver": "euler",
	} {
		with, ok := models.Set(p, key, v)
		if !ok {
			return nil, fmt.Errorf("the family %s has no %s, and is not compared", q.Family, key)
		}
		p = with
	}
	return p, nil
}

// open trains a model for a few steps and writes into q.Dir what the other side
// needs to compute the same: before and after (training checkpoints around one
// step), model (the model then), images and labels (the training set) and tokens
// (one sampling call of q.Batch images, float32).
func open(q request) (*side, reply, error) {
	p, err := q.params()
	if err != nil {
		return nil, reply{}, err
	}
	be, err := openDevice(q)
	if err != nil {
		return nil, reply{}, err
	}
	data := waves(p.Shape(), 2*q.Batch)
	s := &side{be: be, params: p, samplers: map[int]sampler{}}
	if s.trainer, err = p.NewTrainer(be, data); err != nil {
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
		s.trainer.Save(at("before.safetensors"), ""),
		s.trainer.Step(),
		s.trainer.Save(at("after.safetensors"), ""), s.trainer.SaveModel(at("model.safetensors")),
	); err != nil {
		return nil, reply{}, err
	}
	if s.model, err = models.Load(be, at("model.safetensors")); err != nil {
		return nil, reply{}, err
	}
	draws, err := s.sampler(q.Batch)
	if err != nil {
		return nil, reply{}, err
	}
	tokens, err := draws.Tokens(work.EvenLabels(q.Batch, p.Shape().Classes), ids(q.Batch))
	if err != nil {
		return nil, reply{}, err
	}
	costs, losses := p.Costs(), s.trainer.Losses()
	r := reply{
		Losses: &losses, GEMM: gemm.Loaded().Name, Backend: be.Details(), Params: p.Size(),
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

func (s *side) sampler(images int) (sampler, error) {
	if have := s.samplers[images]; have != nil {
		return have, nil
	}
	made, err := s.model.Sampler(s.params, images)
	if err != nil {
		return nil, err
	}
	draws, ok := made.(sampler)
	if !ok {
		return nil, fmt.Errorf("the family %s gives no tokens, and is not compared", s.params.Family().Name())
	}
	s.samplers[images] = draws
	return draws, nil
}

// sample times calls that draw so many images as bytes.
func (s *side) sample(images, n int) ([]float64, error) {
	draws, err := s.sampler(images)
	if err != nil {
		return nil, err
	}
	shape := s.params.Shape()
	l, id, out := work.EvenLabels(images, shape.Classes), ids(images), make([]uint8, images*shape.Bytes())
	return times(n, func() error { return draws.Sample(l, id, out) })
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

// ids are those of the images that are sampled: 0, 1, 2, …
func ids(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(i)
	}
	return out
}

// waves are n images of plane waves, the direction by class.
func waves(c models.Shape, n int) models.Images {
	images := models.Images{N: n, Size: c.Size, Channels: c.Channels, Labels: work.EvenLabels(n, c.Classes)}
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
