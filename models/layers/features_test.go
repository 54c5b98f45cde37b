package layers

import (
	"math"
	"slices"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/device/reference"
)

// drawnClassifier is one of the architecture with weights of a seed.
func drawnClassifier(t *testing.T, size, channels int) *models.Classifier {
	t.Helper()
	c, err := models.ClassifierOf(size, channels)
	if err != nil {
		t.Fatal(err)
	}
	c = c.Untrained()
	for l := range c.Convolutions {
		v := &c.Convolutions[l]
		for part, to := range [][]float32{v.Weight, v.Scale, v.Shift} {
			for i := range to {
				to[i] = float32(0.3 * Normal(7, uint32(l), uint32(part), uint32(i/2), i%2))
			}
		}
		for i := range v.Weight {
			v.Weight[i] *= float32(3 / math.Sqrt(float64(9*v.In)))
		}
		for i := range v.Scale {
			v.Scale[i] += 0.8
		}
	}
	return c
}

// plainActivations are those of the last convolution for one image of tokens, written from
// the definition: [positions, channels].
func plainActivations(c *models.Classifier, p Patches, order []int32, tokens []float64) []float64 {
	side, in := c.Size, c.Channels
	x := make([]float64, side*side*in)
	for i, o := range order {
		for j := range p.Patch {
			for k := range p.Patch {
				y, u := int(o)/(p.Size/p.Patch)*p.Patch+j, int(o)%(p.Size/p.Patch)*p.Patch+k
				for ch := range in {
					x[(y*side+u)*in+ch] = (tokens[((i*p.Patch+j)*p.Patch+k)*in+ch] + 1) / 2
				}
			}
		}
	}
	for _, v := range c.Convolutions {
		z := make([]float64, side*side*v.Out)
		for y := range side {
			for u := range side {
				for ky := range 3 {
					for kx := range 3 {
						r, q := y+ky-1, u+kx-1
						if r < 0 || q < 0 || r >= side || q >= side {
							continue
						}
						for i := range v.In {
							for o := range v.Out {
								z[(y*side+u)*v.Out+o] += x[(r*side+q)*v.In+i] * float64(v.Weight[((ky*3+kx)*v.In+i)*v.Out+o])
							}
						}
					}
				}
			}
		}
		step := 1
		if v.Pool {
			step = 2
		}
		x = make([]float64, side/step*(side/step)*v.Out)
		for y := range side / step {
			for u := range side / step {
				for o := range v.Out {
					most := math.Inf(-1)
					for dy := range step {
						for du := range step {
							most = max(most, z[((y*step+dy)*side+u*step+du)*v.Out+o])
						}
					}
					x[(y*side/step+u)*v.Out+o] = max(0, float64(v.Scale[o])*most+float64(v.Shift[o]))
				}
			}
		}
		side /= step
	}
	return x
}

// The loss is the distance of activations that are computed from the definition, and its
// gradient that of central differences, for any order of tokens and any number of images.
func TestFeatures(t *testing.T) {
	for name, x := range map[string]struct {
		p      Patches
		order  []int32
		images int
	}{
		"grey, in order":      {Patches{8, 1, 4}, []int32{0, 1, 2, 3}, 3},
		"RGB, in other order": {Patches{8, 3, 2}, []int32{0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15}, 2},
		"in two goes":         {Patches{8, 1, 8}, []int32{0}, featureChunk + 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, c := newRoom(), drawnClassifier(t, x.p.Size, x.p.Channels)
			per := x.p.Size * x.p.Size * x.p.Channels
			f := NewFeatures(&r.Memory, c, x.p, x.order, x.images, 2*x.images)
			pred, target, dpred := r.filled(x.images*per, 0), r.filled(x.images*per, 1), r.filled(x.images*per, 2)
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if err := f.Give(r.Be, c); err != nil {
				t.Fatal(err)
			}
			p, before := &Pass{Be: r.Be}, slices.Clone(r.ref.Host(dpred))
			const scale = 0.01
			loss := func(i int) (sum float64) {
				a := plainActivations(c, x.p, x.order, r.ref.Host(pred)[i*per:(i+1)*per])
				b := plainActivations(c, x.p, x.order, r.ref.Host(target)[i*per:(i+1)*per])
				for k := range a {
					sum += (a[k] - b[k]) * (a[k] - b[k])
				}
				return sum
			}
			f.Compare(p, dpred, pred, target, x.images, x.images, scale)
			rows := f.positions()
			for i := range x.images {
				var got float64
				for _, v := range r.ref.Host(f.Loss)[(x.images+i)*rows : (x.images+i+1)*rows] {
					got += v
				}
				if want := loss(i); math.Abs(got-want) > 1e-5*want || want == 0 { // weights were halved in float32
					t.Errorf("image %d: %g, from the definition %g", i, got, want)
				}
			}
			host := r.ref.Host(pred)
			for _, i := range []int{0, x.images - 1} {
				var diff, size float64
				for k := i * per; k < (i+1)*per; k += max(1, per/40) {
					const h = 1e-6
					old := host[k]
					host[k] = old + h
					up := loss(i)
					host[k] = old - h
					want := scale * (up - loss(i)) / (2 * h)
					host[k] = old
					got := r.ref.Host(dpred)[k] - before[k]
					diff += (got - want) * (got - want)
					size += want * want
				}
				if !(math.Sqrt(diff) <= 1e-4*math.Sqrt(size)) || size == 0 {
					t.Errorf("image %d: the gradient differs from central differences by %g of %g", i, math.Sqrt(diff), math.Sqrt(size))
				}
			}
		})
	}
}

// The CPU's kernels give what the float64 backend gives, at any number of threads.
func TestFeaturesOnTheCPU(t *testing.T) {
	c, p, order := drawnClassifier(t, 28, 1), Patches{28, 1, 7}, []int32{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}
	const images = 5
	run := func(be device.Backend) ([]float32, []float32) {
		m := Memory{Be: be}
		defer m.Free()
		f := NewFeatures(&m, c, p, order, images, images)
		x, y, dx := m.Act(images*784), m.Act(images*784), m.Act(images*784)
		host := make([]float32, x.N)
		for i, b := range []device.Buffer{dx, x, y} {
			for k := range host {
				host[k] = float32(i) * float32(math.Sin(0.3*float64(k*i)))
			}
			be.Upload(b, host)
		}
		if err := models.First(m.Err, f.Give(be, c)); err != nil {
			t.Fatal(err)
		}
		f.Compare(&Pass{Be: be}, dx, x, y, images, 0, 1)
		loss := make([]float32, f.Loss.N)
		be.Download(host, dx)
		be.Download(loss, f.Loss)
		return host, loss
	}
	dwant, want := run(reference.New())
	var first []float32
	for threads := 1; threads <= 2; threads++ {
		be, err := cpu.New(threads)
		if err != nil {
			t.Fatal(err)
		}
		dgot, got := run(be)
		be.Close()
		for _, x := range []struct{ got, want []float32 }{{dgot, dwant}, {got, want}} {
			var diff, size float64
			for i, w := range x.want {
				diff += float64(x.got[i]-w) * float64(x.got[i]-w)
				size += float64(w) * float64(w)
			}
			if !(diff <= 1e-8*size) || size == 0 {
				t.Errorf("%d threads: off by %g of %g", threads, math.Sqrt(diff), math.Sqrt(size))
			}
		}
		if first == nil {
			first = got
		} else if !slices.Equal(first, got) {
			t.Error("two threads give other losses")
		}
	}
}

// What does not fit is refused, with what is wrong.
func TestFeaturesErrors(t *testing.T) {
	if _, err := models.ClassifierOf(30, 1); err == nil {
		t.Error("30 is no multiple of 4")
	}
	r, c := newRoom(), drawnClassifier(t, 8, 1)
	f := NewFeatures(&r.Memory, c, Patches{8, 1, 4}, []int32{0, 1, 2, 3}, 1, 1)
	if err := f.Give(r.Be, drawnClassifier(t, 8, 3)); err == nil || f.Ready() {
		t.Errorf("a classifier of RGB images for grey ones: %v", err)
	}
	bare, _ := models.ClassifierOf(8, 1)
	if err := f.Give(r.Be, bare); err == nil || f.Ready() {
		t.Errorf("a classifier without weights: %v", err)
	}
}
