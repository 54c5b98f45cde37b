package embed

import "math"

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
}

// adapt is AdamW's state for one parameter slice.
type adapt struct {
	value  []float32
	first  []float32
	second []float32
	decay  float64
}

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
