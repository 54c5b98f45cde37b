package layers

import (
	"slices"

	"prabench/models"
	"prabench/models/device"
)

// Averages are averaged weights, one flat array for each of a training's decays. The
// first is the optimiser's, see [AdamW.Update]; [Averages.Follow] moves the others.
type Averages struct {
	First device.Buffer

	others []device.Buffer
	decays []float64
	names  []string // of all
}

// NewAverages allocates them.
func NewAverages(m *Memory, l *Parameters, a models.Averages) Averages {
	out := Averages{First: m.Alloc(device.Model, l.Total), decays: a.Decays()[1:], names: a.Names()}
	for range out.decays {
		out.others = append(out.others, m.Alloc(device.Model, l.Total))
	}
	return out
}

// Upload gives all of them the same values.
func (a *Averages) Upload(be device.Backend, flat []float32) {
	be.Upload(a.First, flat)
	for _, other := range a.others {
		be.Upload(other, flat)
	}
}

// Of is the flat array that sample.weights names, which was checked: "raw", a decay of
// several, or "ema", the first.
func (a *Averages) Of(name string, raw device.Buffer) device.Buffer {
	if name == "raw" {
		return raw
	}
	if i := slices.Index(a.names, name); i > 0 {
		return a.others[i-1]
	}
	return a.First
}

// Flats are raw and averaged weights by their prefixes in a file: "raw.", "ema." of the
// first average, "ema@0.999." of another one.
func (a *Averages) Flats(raw device.Buffer) map[string]device.Buffer {
	flats := map[string]device.Buffer{"raw.": raw, "ema.": a.First}
	for i, other := range a.others {
		flats["ema@"+a.names[i+1]+"."] = other
	}
	return flats
}

// Follow moves all averages but the first towards the weights after so many steps before
// this one.
func (a *Averages) Follow(be device.Backend, raw device.Buffer, done int) {
	for i, other := range a.others {
		decay := models.Decay(a.decays[i], done)
		device.Do(be, device.Mix{Dst: other, A: float32(decay), X: other, B: float32(1 - decay), Y: raw})
	}
}
