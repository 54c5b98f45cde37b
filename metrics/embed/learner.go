package embed

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"math"
)

// learner trains a network: batches of shards of `chunk` images, each shard
// normalised by its own statistics, gradients summed in the order of shards.
type learner struct {
	net     *network
	threads int
	images  []uint8 // [batchImages, size, size, channels]
	labels  []int32 // [batchImages]

	gain, bias [len(widths)][]float32 // of the normalisation, [out]
	mean, vari [len(widths)][]float64 // running statistics, [out]
	adapts     []adapt
	shards     []*shard
	steps      int
	of         string // the training it is, see [TrainOptions.identity]
}

// adapt is AdamW's state for one parameter slice.
type adapt struct {
	value  []float32
	first  []float32
	second []float32
	decay  float64
}

// StepImages is the number of images of a training step.
const StepImages = batchImages

func newLearner(net *network, seed uint64, threads int) *learner {
	l := &learner{net: net, threads: threads,
		images: make([]uint8, batchImages*net.size*net.size*net.channels), labels: make([]int32, batchImages)}
	draw := splitmix(seed ^ 0x656d626564646572)
	fill := func(w []float32, std float64) {
		for i := range w { // Box–Muller, one of the pair
			radius := math.Sqrt(-2 * math.Log(1-draw.unit()))
			w[i] = float32(std * radius * math.Cos(2*math.Pi*draw.unit()))
		}
	}
	for i := range net.convs {
		c := &net.convs[i]
		fill(c.weight, math.Sqrt(2/float64(9*c.in)))
		l.gain[i], l.bias[i] = make([]float32, c.out), make([]float32, c.out)
		l.mean[i], l.vari[i] = make([]float64, c.out), make([]float64, c.out)
		for j := range l.gain[i] {
			l.gain[i][j] = 1
		}
	}
	fill(net.headWeight, math.Sqrt(1/float64(featureDim)))
	for k, p := range l.parameters() {
		a := adapt{value: p, first: make([]float32, len(p)), second: make([]float32, len(p))}
		if k%3 == 0 { // convolution and head weights; gains and biases do not decay
			a.decay = decay
		}
		l.adapts = append(l.adapts, a)
	}
	for range batchImages / chunk {
		l.shards = append(l.shards, l.newShard())
	}
	return l
}

// parameters lists weight, gain, bias of each convolution, then the head's
// weight and bias: the order of shard.grads.
func (l *learner) parameters() [][]float32 {
	var list [][]float32
	for i := range l.net.convs {
		list = append(list, l.net.convs[i].weight, l.gain[i], l.bias[i])
	}
	return append(list, l.net.headWeight, l.net.headBias)
}

// gradients runs the batch forward and backward and leaves the mean gradient in
// the first shard; it returns the summed loss and the number of right answers.
func (l *learner) gradients() (loss float64, hits int) {
	pixels := l.net.size * l.net.size * l.net.channels
	chunks(batchImages, chunk, l.threads, func(lo, hi int) {
		l.shards[lo/chunk].run(l.images[lo*pixels:hi*pixels], l.labels[lo:hi])
	})
	for i, s := range l.shards {
		loss += s.loss
		hits += s.hits
		if i == 0 {
			continue
		}
		for k, g := range s.grads {
			sum := l.shards[0].grads[k]
			for j, v := range g {
				sum[j] += v
			}
		}
	}
	return loss, hits
}

// step trains on the images and labels that lie in the learner.
func (l *learner) step(rate float64) (loss float64, hits int) {
	loss, hits = l.gradients()
	l.steps++
	const beta1, beta2, eps = 0.9, 0.99, 1e-8
	fix1, fix2 := 1-math.Pow(beta1, float64(l.steps)), 1-math.Pow(beta2, float64(l.steps))
	for k := range l.adapts {
		a := &l.adapts[k]
		for j, sum := range l.shards[0].grads[k] {
			g := sum * (1. / batchImages)
			a.first[j] = beta1*a.first[j] + (1-beta1)*g
			a.second[j] = beta2*a.second[j] + (1-beta2)*g*g
			update := float64(a.first[j]) / fix1 / (math.Sqrt(float64(a.second[j])/fix2) + eps)
			a.value[j] -= float32(rate * (update + a.decay*float64(a.value[j])))
		}
	}
	l.remember()
	return loss, hits
}

// remember moves the running statistics towards those of this batch.
func (l *learner) remember() {
	keep := min(0.98, 1-1/float64(l.steps))
	for i := range l.mean {
		for _, s := range l.shards {
			share := (1 - keep) / float64(len(l.shards))
			for j := range l.mean[i] {
				if s == l.shards[0] {
					l.mean[i][j] *= keep
					l.vari[i][j] *= keep
				}
				l.mean[i][j] += share * float64(s.mean[i][j])
				l.vari[i][j] += share * float64(s.vari[i][j])
			}
		}
	}
}

// fold writes the normalisation into the network's scales and shifts.
func (l *learner) fold() {
	for i := range l.net.convs {
		c := &l.net.convs[i]
		for j := range c.scale {
			scale := float64(l.gain[i][j]) / math.Sqrt(l.vari[i][j]+normEps)
			c.scale[j] = float32(scale)
			c.shift[j] = float32(float64(l.bias[i][j]) - l.mean[i][j]*scale)
		}
	}
}

// place is how far a training has come.
type place struct {
	Step, Hits, Seen int
	Draw             uint64  // state of the epoch's draws
	Loss             float64 // of this epoch so far, with Hits of Seen images
}

// unfinished is a training that stopped, in the encoding of package gob.
type unfinished struct {
	Of         string // the options that decide its bytes
	Place      place
	Parameters [][3][]float32 // value and moments, in the order of adapts
	Mean, Vari [][]float64
}

// identity names what a kept state must have been made with.
func (o TrainOptions) identity(steps int) string {
	return fmt.Sprintf("%s size %d channels %d images %d seed %d steps %d flips %v recipe %s", o.Name, o.Size, o.Channels, len(o.Labels),
		o.Seed, steps, o.Flips, Recipe)
}

// state is all that resume needs.
func (l *learner) state(at place) ([]byte, error) {
	u := unfinished{Of: l.of, Place: at, Mean: l.mean[:], Vari: l.vari[:]}
	for _, a := range l.adapts {
		u.Parameters = append(u.Parameters, [3][]float32{a.value, a.first, a.second})
	}
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(u)
	return b.Bytes(), err
}

// resume brings the learner to where state was asked for; nil is the beginning.
func (l *learner) resume(state []byte, of string) (place, error) {
	l.of = of
	if state == nil {
		return place{}, nil
	}
	var u unfinished
	if err := gob.NewDecoder(bytes.NewReader(state)).Decode(&u); err != nil {
		return place{}, fmt.Errorf("what was kept of it cannot be read: %w", err)
	}
	if u.Of != of {
		return place{}, fmt.Errorf("what was kept of it is of another training: %s, want %s", u.Of, of)
	}
	if len(u.Parameters) != len(l.adapts) || len(u.Mean) != len(l.mean) || len(u.Vari) != len(l.vari) {
		return place{}, errors.New("what was kept of it is of another network")
	}
	for k, p := range u.Parameters {
		for i, to := range [3][]float32{l.adapts[k].value, l.adapts[k].first, l.adapts[k].second} {
			if copy(to, p[i]) != len(p[i]) || len(to) != len(p[i]) {
				return place{}, errors.New("what was kept of it is of another network")
			}
		}
	}
	for i := range l.mean {
		copy(l.mean[i], u.Mean[i])
		copy(l.vari[i], u.Vari[i])
	}
	l.steps = u.Place.Step
	return u.Place, nil
}
