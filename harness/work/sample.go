package work

import (
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"slices"

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

// Drawn describes the images of a sample artifact. The noise of image i is keyed
// by i.
type Drawn struct {
	Count      int      `json:"count"`
	Size       int      `json:"size"`
	Channels   int      `json:"channels"`
	Classes    int      `json:"classes"`
	ClassNames []string `json:"class_names,omitempty"`
	// Labels are the classes of the images. The file has them where they are not
	// [EvenLabels]; [ReadDrawn] gives them always.
	Labels []int32 `json:"labels,omitempty"`
}

// EvenLabels are the classes of n images, as many of each class: image i is of
// class i mod classes.
func EvenLabels(n, classes int) []int32 {
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(i % classes)
	}
	return labels
}

// Sample draws the images that are going to be scored.
var Sample = &stage.Kind{
	Name:     "sample",
	Inputs:   []*stage.Kind{Train},
	Chief:    Train,
	Optional: []*stage.Kind{Tune},
	Version:  "1/" + stage.Core,
	Given:    "outside/1",
	Program:  programSample,
	Part: func(s *stage.Settings) any {
		return samplePart{models.Table(s.Params.Canonical(), "sample"), s.Count, s.Measure.Lowered()}
	},
	OnDevice: true,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		if s.Program.Is() {
			return programEffort
		}
		return stage.Effort{FLOPs: c.FLOPsImage * float64(s.Count), Threads: s.Training().Threads}
	},
	File: func(h stage.Host) int64 { return h.Images(h.Count) },
	Memory: func(h stage.Host) int64 {
		if h.Program.Is() {
			return h.Images(2*h.Count) + programMemory(h)
		}
		return h.Images(2*h.Count) + h.Sampling(h.Count, 1)
	},
	Shown:      true,
	Unfinished: programFolder,
}

type samplePart struct {
	Sample    any    `json:"sample"` // the family's table
	Count     int    `json:"count"`
	Precision string `json:"precision,omitempty"`
}

// sample draws the images that are going to be scored, as many of each class.
func (t *task) sample() error {
	if t.set.Program.Is() {
		return t.programSample()
	}
	path, err := t.store.Path(t.input(Train), ModelFile)
	if err != nil {
		return err
	}
	be, err := t.open(t.set.Training().Threads)
	if err != nil {
		return err
	}
	defer be.Close()
	model, err := models.Load(be, path)
	if err != nil {
		return err
	}
	defer model.Close()
	n, c := t.set.Count, model.Params().Shape()
	labels := EvenLabels(n, c.Classes)
	pixels, err := Draw(model, t.set.Params, min(max(t.set.Batch, 1), n), labels, func(done int) error {
		t.report(worker.Progress{Done: int64(done), Total: int64(n), What: "sampling"})
		return t.stopped()
	})
	if err != nil {
		return err
	}
	drawn := Drawn{Count: n, Size: c.Size, Channels: c.Channels, Classes: c.Classes}
	if info, err := dataset.Describe(t.set.Data); err == nil && len(info.ClassNames) == c.Classes {
		drawn.ClassNames = info.ClassNames
	}
	return t.keep(func(d *artifact.Draft) error { return drawn.write(d, pixels, labels) })
}

// write writes the files of a sample artifact.
func (drawn Drawn) write(d *artifact.Draft, pixels []uint8, labels []int32) error {
	raw, err := json.MarshalIndent(drawn, "", " ")
	if err != nil {
		return err
	}
	if err := writeArray(d.Path(SamplesFile), pixels, drawn.Count, drawn.Size, drawn.Size, drawn.Channels); err != nil {
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
	return png.Encode(f, sheet.ByClass(pixels, labels, drawn.Size, drawn.Channels, drawn.Classes, 10).Picture())
}

// Draw draws images of a model by the sampling of p, of the given classes, image i
// with noise i.
// drawn is called after each batch with the number of images so far; its error
// ends the drawing.
func Draw(m models.Model, p models.Params, batch int, labels []int32, drawn func(int) error) ([]uint8, error) {
	per, n := m.Params().Shape().Bytes(), len(labels)
	sampler, err := m.Sampler(p, batch)
	if err != nil {
		return nil, err
	}
	defer sampler.Close()
	pixels := make([]uint8, n*per)
	ids := make([]uint32, batch)
	for at := 0; at < n; at += batch {
		k := min(batch, n-at)
		for i := range k {
			ids[i] = uint32(at + i)
		}
		if err := sampler.Sample(labels[at:at+k], ids[:k], pixels[at*per:(at+k)*per]); err != nil {
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
	if d.Count < 0 || d.Classes < 1 {
		return d, nil, fmt.Errorf("artifact %s: %s tells of %d images of %d classes", ref, DrawnFile, d.Count, d.Classes)
	}
	if d.Labels == nil {
		d.Labels = EvenLabels(d.Count, d.Classes)
	}
	if slices.ContainsFunc(d.Labels, func(l int32) bool { return l < 0 || int(l) >= d.Classes }) || len(d.Labels) != d.Count {
		return d, nil, fmt.Errorf("artifact %s: %s has %d labels for %d images of %d classes, or other ones", ref, DrawnFile, len(d.Labels),
			d.Count, d.Classes)
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
