package work

import (
	"encoding/json"
	"fmt"
	"image/png"
	"os"

	"prabench/harness/artifact"
	"prabench/harness/sheet"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/models"
	"prabench/models/dataset"
)

// Files of a sample artifact.
const (
	SamplesFile = "samples.npy"  // uint8 [n, H, W, C]
	DrawnFile   = "samples.json" // Drawn
	GridFile    = "grid.png"     // one row a class
)

// Drawn describes the images of a sample artifact: image i is of class
// i mod Classes, and its noise is keyed by i.
type Drawn struct {
	Count      int      `json:"count"`
	Size       int      `json:"size"`
	Channels   int      `json:"channels"`
	Classes    int      `json:"classes"`
	ClassNames []string `json:"class_names,omitempty"`
}

// Sample draws the images that are going to be scored.
var Sample = &stage.Kind{
	Name:    "sample",
	Inputs:  []*stage.Kind{Train},
	Chief:   Train,
	Version: "1/" + coreVersion,
	Part: func(s *stage.Settings) any {
		return samplePart{s.Sample, s.Count, s.Measure.Lowered()}
	},
	OnDevice: true,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		return stage.Effort{FLOPs: c.FLOPsImage * float64(s.Count), Threads: s.Train.Threads}
	},
	Memory: func(h stage.Host) int64 { return h.Images(2*h.Count) + h.Sampling(h.Count, 1) },
	Shown:  true,
}

type samplePart struct {
	Sample    models.SampleConfig `json:"sample"`
	Count     int                 `json:"count"`
	Precision string              `json:"precision,omitempty"`
}

// sample draws the images that are going to be scored, as many of each class.
func (t *task) sample() error {
	path, err := t.store.Path(t.input(Train), ModelFile)
	if err != nil {
		return err
	}
	be, err := t.open(t.set.Train.Threads)
	if err != nil {
		return err
	}
	defer be.Close()
	model, err := models.LoadModel(be, path)
	if err != nil {
		return err
	}
	defer model.Close()
	n := t.set.Count
	pixels, err := Draw(model, t.set.Sample, min(max(t.set.Batch, 1), n), n, func(done int) error {
		t.report(worker.Progress{Done: int64(done), Total: int64(n), What: "sampling"})
		return t.stopped()
	})
	if err != nil {
		return err
	}
	c := model.Config
	drawn := Drawn{Count: n, Size: c.Size, Channels: c.Channels, Classes: c.Classes}
	if info, err := dataset.Describe(t.set.Data); err == nil && len(info.ClassNames) == c.Classes {
		drawn.ClassNames = info.ClassNames
	}
	raw, err := json.MarshalIndent(drawn, "", " ")
	if err != nil {
		return err
	}
	return t.keep(func(d *artifact.Draft) error {
		if err := writeArray(d.Path(SamplesFile), pixels, n, c.Size, c.Size, c.Channels); err != nil {
			return err
		}
		if err := d.Write(DrawnFile, raw); err != nil {
			return err
		}
		f, err := os.Create(d.Path(GridFile))
		if err != nil {
			return err
		}
		defer f.Close()
		return png.Encode(f, sheet.ByClass(pixels, n, c.Size, c.Channels, c.Classes, 10).Picture())
	})
}

// Draw draws n images of a model, image i of class i mod classes with noise i.
// drawn is called after each batch with the number of images so far; its error
// ends the drawing.
func Draw(m *models.Model, sc models.SampleConfig, batch, n int, drawn func(int) error) ([]uint8, error) {
	c := m.Config
	sampler, err := models.NewSampler(m, sc, batch)
	if err != nil {
		return nil, err
	}
	defer sampler.Close()
	per := c.Size * c.Size * c.Channels
	pixels := make([]uint8, n*per)
	labels, ids := make([]int32, batch), make([]uint32, batch)
	for at := 0; at < n; at += batch {
		k := min(batch, n-at)
		for i := range k {
			labels[i], ids[i] = int32((at+i)%c.Classes), uint32(at+i)
		}
		if err := sampler.Sample(labels[:k], ids[:k], pixels[at*per:(at+k)*per]); err != nil {
			return nil, fmt.Errorf("drawing images %d to %d: %w", at, at+k-1, err)
		}
		if err := drawn(at + k); err != nil {
			return nil, err
		}
	}
	return pixels, nil
}

// ReadDrawn reads the images of a sample artifact, their hashes compared.
func ReadDrawn(s artifact.Store, key string) (Drawn, []uint8, error) {
	var d Drawn
	ref := Sample.Ref(key)
	raw, err := s.Read(ref, DrawnFile)
	if err != nil {
		return d, nil, err
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, nil, fmt.Errorf("artifact %s: %s: %w", ref, DrawnFile, err)
	}
	path, err := s.Path(ref, SamplesFile)
	if err != nil {
		return d, nil, err
	}
	pixels, shape, err := readArray[uint8](path)
	if err == nil && (len(shape) != 4 || shape[0] != d.Count || len(pixels) != d.Count*d.Size*d.Size*d.Channels) {
		err = fmt.Errorf("artifact %s: %s has the shape %v", ref, SamplesFile, shape)
	}
	return d, pixels, err
}
