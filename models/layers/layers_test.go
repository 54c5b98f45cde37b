package layers

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/device/reference"
	"prabench/models/safetensors"
)

func TestParametersHaveTheirPlaces(t *testing.T) {
	l := &Parameters{}
	bias := l.Tensor("bias", false, 0.5, 3)
	f := l.Linear("f", 4, 2)
	a := l.Affine("a", 5)
	l.Place()
	if l.Total != 3+8+2+10 || l.Decayed != 8 || f.W.Offset != 0 || bias.Offset != 8 || f.B.Offset != 11 || a.Gain.Offset != 13 ||
		a.Bias.Offset != 18 {
		t.Errorf("%d, %d with decay; %+v %+v %+v %+v", l.Total, l.Decayed, bias, f, a.Gain, a.Bias)
	}
	flat := l.Initial(7, 3)
	drawn := func(tensor, pair uint32, which int) float32 { return float32(0.5 * Normal(7, 3, tensor, pair, which)) }
	if flat[8] != drawn(0, 0, 0) || flat[9] != drawn(0, 0, 1) || flat[10] != drawn(0, 1, 0) {
		t.Errorf("the first tensor begins as %v", flat[8:11])
	}
	if flat[11] != 0 || flat[13] != 1 || flat[18] != 0 || flat[0] != drawn(1, 0, 0) {
		t.Errorf("%v", flat)
	}
}

func TestWeightsComeBackFromFiles(t *testing.T) {
	l, r := &Parameters{}, newRoom()
	l.Linear("f", 2, 2)
	l.Affine("a", 2)
	l.Place()
	one, two := r.filled(l.Total, 0), r.filled(l.Total, 1)
	f := &safetensors.File{Tensors: l.Download(r.Be, map[string]device.Buffer{"y.": two, "x.": one})}
	if f.Tensors[0].Name != "x.f.weight" || len(f.Tensors) != 8 {
		t.Fatalf("%+v", f.Tensors)
	}
	back, other := r.Act(l.Total), r.Act(l.Total)
	flats := map[string]device.Buffer{"x.": back, "y.": other}
	if err := l.Upload(r.Be, f, flats); err != nil {
		t.Fatal(err)
	}
	for i, v := range r.ref.Host(one) {
		if r.ref.Host(back)[i] != float64(float32(v)) {
			t.Fatalf("element %d is %g, was %g", i, r.ref.Host(back)[i], v)
		}
	}
	for name, spoil := range map[string]func(ts []safetensors.Tensor) []safetensors.Tensor{
		"one less":      func(ts []safetensors.Tensor) []safetensors.Tensor { return ts[1:] },
		"one more":      func(ts []safetensors.Tensor) []safetensors.Tensor { return append(ts, safetensors.Tensor{Name: "z"}) },
		"another shape": func(ts []safetensors.Tensor) []safetensors.Tensor { ts[0].Shape = []int{4}; return ts },
	} {
		if l.Upload(r.Be, &safetensors.File{Tensors: spoil(slices.Clone(f.Tensors))}, flats) == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestPatchesComeBack(t *testing.T) {
	c := Patches{Size: 6, Channels: 3, Patch: 2}
	image := make([]uint8, 6*6*3)
	for i := range image {
		image[i] = uint8(7 * i)
	}
	order := []int32{8, 0, 1, 2, 7, 6, 5, 4, 3}
	tokens, back := make([]float32, len(image)), make([]uint8, len(image))
	c.Cut(tokens, image, order)
	if want := float32(image[(4*6+4)*3])/127.5 - 1; tokens[0] != want { // the last patch comes first
		t.Errorf("token 0 begins with %g, want %g", tokens[0], want)
	}
	if c.Join(back, tokens, order); !bytes.Equal(back, image) {
		t.Error("an image does not come back")
	}
}

func TestShuffledIsAPermutation(t *testing.T) {
	a, b := Shuffled(1, 2, 0, 50), Shuffled(1, 2, 1, 50)
	if slices.Equal(a, b) || slices.Equal(a, Shuffled(1, 3, 0, 50)) || !slices.Equal(a, Shuffled(1, 2, 0, 50)) {
		t.Error("an order does not depend on its address alone")
	}
	slices.Sort(a)
	for i, v := range a {
		if int(v) != i {
			t.Fatalf("%v", a)
		}
	}
}

func TestTheRateWarmsUpAndEndsAtZero(t *testing.T) {
	r := Recipe{Steps: 100, LR: 2, Warmup: 0.1}
	for step, want := range map[int]float64{0: 0.2, 9: 2, 10: 2, 55: 1, 100: 0, 200: 0} {
		if got := r.Rate(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: %g, want %g", step, got, want)
		}
	}
}

// The kinds of schedule by hand: a warm-up of 10 steps of 100 to a peak of 2; wsd falls
// from step 60 on, by a fortieth of the way to its floor a step.
func TestSchedulesOfTheRate(t *testing.T) {
	constant, wsd := models.Schedule{Kind: "constant", WarmSteps: 10}, models.Schedule{Kind: "wsd", WarmSteps: 10, Fall: 0.4}
	for _, c := range []struct {
		r    Recipe
		want map[int]float64
	}{
		{Recipe{Steps: 100, LR: 2, Schedule: constant}, map[int]float64{0: 0.2, 9: 2, 10: 2, 55: 2, 99: 2, 200: 2}},
		{Recipe{Steps: 100, LR: 2, Floor: 0.5, Schedule: constant}, map[int]float64{99: 2}},
		{Recipe{Steps: 100, LR: 2, Schedule: wsd}, map[int]float64{0: 0.2, 9: 2, 59: 2, 60: 2, 61: 1.95, 80: 1, 99: 0.05, 100: 0, 300: 0}},
		{Recipe{Steps: 100, LR: 2, Floor: 0.5, Schedule: wsd}, map[int]float64{60: 2, 80: 1.5, 100: 1}},
		{Recipe{Steps: 100, LR: 2, Warmup: 0.1, Schedule: models.Schedule{Kind: "cosine", WarmSteps: 20}}, map[int]float64{9: 1, 19: 2, 60: 1}},
	} {
		for step, want := range c.want {
			if got := c.r.Rate(step); math.Abs(got-want) > 1e-12 {
				t.Errorf("%+v: step %d: %g, want %g", c.r.Schedule, step, got, want)
			}
		}
	}
	if c, w := constant.Stable(100), wsd.Stable(100); c != 100 || w != 60 || (models.Schedule{Kind: "cosine"}).Stable(100) != 0 {
		t.Errorf("stable for %d and %d steps", c, w)
	}
}

// One step of AdamW by hand: the first moves every weight by the rate along the
// sign of its gradient, whatever its size, and decays matrices alone.
func TestTheFirstStepOfAdamW(t *testing.T) {
	l, r := &Parameters{}, newRoom()
	l.Linear("f", 1, 1)
	l.Place()
	o := NewAdamW(&r.Memory, l, Recipe{Steps: 10, LR: 0.1, Beta1: 0.9, Beta2: 0.95, WeightDecay: 0.5, Clip: 1, EMA: 0.999})
	raw, ema := r.Act(2), r.Act(2)
	for _, b := range []device.Buffer{raw, ema} {
		r.Be.Upload(b, []float32{1, 1})
	}
	r.Be.Upload(o.Grads, []float32{3, -4})
	o.Update(r.Be, l, raw, ema, 0)
	if o.GradNorm != 5 || math.Abs(o.LR-0.1) > 1e-12 {
		t.Errorf("norm %g, rate %g", o.GradNorm, o.LR)
	}
	got := r.ref.Host(raw)
	if math.Abs(got[0]-(1-0.1-0.1*0.5)) > 1e-6 || math.Abs(got[1]-1.1) > 1e-6 {
		t.Errorf("weight and bias are %v", got[:2])
	}
	if got := r.ref.Host(ema)[0]; math.Abs(got-(0.1*1+0.9*0.85)) > 1e-6 {
		t.Errorf("the averaged weight is %g", got)
	}
}

type failing struct{ *reference.Backend }

func (failing) Alloc(device.Class, int) (device.Buffer, error) {
	return device.Buffer{}, errors.New("full")
}

func TestTheFirstFailureOfMemorySticks(t *testing.T) {
	m := Memory{Be: failing{reference.New()}}
	if b := m.Act(3); !b.Absent() || m.Err == nil {
		t.Error("a failure is not told")
	}
	if i := m.Ints(2); i.N != 0 {
		t.Error("what comes after a failure is allocated")
	}
	m.Free()
}
