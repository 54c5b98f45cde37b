package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"

	"prabench/harness/artifact"
	"prabench/harness/sheet"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/ranks"
)

// Files of a sample artifact.
const (
	SamplesFile = "samples.npy"  // uint8 [n, H, W, C]
	DrawnFile   = "samples.json" // Drawn
	GridFile    = "grid.png"     // one row per class
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
		return stage.Effort{FLOPs: c.FLOPsImage * float64(s.Count), Threads: s.Training().Threads * s.Measure.Ranks()}
	},
	Together: true,
	File:     func(h stage.Host) int64 { return h.Images(h.Count) },
	Memory: func(h stage.Host) int64 {
		if h.Program.Is() {
			return h.Images(2*h.Count) + programMemory(h)
		}
		picture := h.Images(3 * sheetImages(h.Count, h.Params.Shape().Classes)) // in rows and in colours too
		return picture + int64(h.Measure.Ranks())*(h.Images(min(max(h.Batch, 1), h.Count))+h.Sampling(h.Count, 1))
	},
	Shown:      true,
	Unfinished: unfinishedSamples,
}

type samplePart struct {
	Sample    any    `json:"sample"` // the family's table
	Count     int    `json:"count"`
	Precision string `json:"precision,omitempty"`
}

// sample draws the images that are going to be scored, as many of each class.
func (t *task) sample() (err error) {
	if t.set.Program.Is() {
		return t.programSample()
	}
	if t.job.Rank > 0 {
		return t.sampleRank()
	}
	if t.team, err = worker.Gather(t.job); err != nil {
		return err
	}
	defer t.team.End()
	model, done, err := t.trained()
	if err != nil {
		return err
	}
	defer done()
	n, c := t.set.Count, model.Params().Shape()
	labels := EvenLabels(n, c.Classes)
	images, err := t.startDrawing(n, c.Size, c.Size, c.Channels)
	if err != nil {
		return err
	}
	defer images.close()
	if images.done > 0 {
		fmt.Fprintf(os.Stderr, "goes on from image %d of %d\n", images.done, n)
	}
	if err := t.beginDrawing(images); err != nil {
		return err
	}
	if err := t.draw(model, images, labels); err != nil {
		return err
	}
	if err := t.swept(images.sweeps, labels); err != nil {
		return err
	}
	drawn := Drawn{Count: n, Size: c.Size, Channels: c.Channels, Classes: c.Classes}
	if info, err := dataset.Describe(t.set.Data); err == nil && len(info.ClassNames) == c.Classes {
		drawn.ClassNames = info.ClassNames
	}
	return t.keep(func(d *artifact.Draft) error {
		if err := drawn.describe(d, labels, images.read); err != nil {
			return err
		}
		return images.moveTo(d.Path(SamplesFile))
	})
}

// trained is the model of the cell's training on the job's device; done gives both back.
func (t *task) trained() (model models.Model, done func(), err error) {
	path, err := t.store.Path(t.input(Train), ModelFile)
	if err != nil {
		return nil, nil, err
	}
	be, err := t.open(t.set.Training().Threads)
	if err != nil {
		return nil, nil, err
	}
	if model, err = models.Load(be, path); err != nil {
		be.Close()
		return nil, nil, err
	}
	return model, func() { model.Close(); be.Close() }, nil
}

// swept keeps how many sweeps images took, where any were counted.
func (t *task) swept(sweeps []float64, labels []int32) error {
	if len(sweeps) != len(labels) || len(sweeps) < metrics.Least {
		return nil
	}
	e, err := metrics.ImageMean(sweeps, labels)
	if err != nil {
		return err
	}
	t.estimate(quantity.Sweeps, e)
	return nil
}

// startDrawing opens where the images of this stage are drawn: what an earlier attempt left,
// or, beside another process that does the same stage, a file of this attempt alone.
func (t *task) startDrawing(shape ...int) (*drawing, error) {
	d, err := openDrawing(filepath.Join(t.job.Artifacts, unfinishedSamples, t.job.Stage+".npy"), shape...)
	if errors.Is(err, errElsewhere) {
		return openDrawing(filepath.Join(t.job.Artifacts, "tmp", t.job.Attempt+".npy"), shape...)
	}
	return d, err
}

// draw draws the images that are not there yet, and notes now and then, and when it
// is stopped, how many are.
func (t *task) draw(model models.Model, images *drawing, labels []int32) error {
	n := len(labels)
	batch := min(max(t.set.Batch, 1), n)
	err := drawRounds(model, t.set.Params, batch, labels, images.done, t.team, func(at int, pixels []uint8, sweeps []float64) error {
		if err := t.drawn(images, at, pixels, sweeps, min(images.done+batch*t.team.Size(), n)); err != nil {
			return err
		}
		t.report(worker.Progress{Done: int64(images.done), Total: int64(n), What: "sampling"})
		if err := t.stopped(); err != nil {
			return err
		}
		if images.due(t.set.SaveEvery) {
			return images.save()
		}
		return nil
	})
	_, lost := ranks.IsLost(err)
	if err == nil || t.stopped() == nil && !lost {
		return err
	}
	if lost {
		err = t.team.Why(err)
	}
	if failed := images.save(); failed != nil {
		return after(err, fmt.Sprintf("after image %d of %d, which could not be saved: %v", images.done, n, failed))
	}
	return after(err, fmt.Sprintf("saved after image %d of %d", images.done, n))
}

// after adds to an error how far a stage was.
func after(err error, state string) error {
	var known *worker.Refusal
	if errors.As(err, &known) {
		return &worker.Refusal{Outcome: known.Outcome, Reason: known.Reason + ": " + state}
	}
	return fmt.Errorf("%w: %s", err, state)
}

// write writes the files of a sample artifact, of images in memory.
func (drawn Drawn) write(d *artifact.Draft, pixels []uint8, labels []int32) error {
	if err := writeArray(d.Path(SamplesFile), pixels, drawn.Count, drawn.Size, drawn.Size, drawn.Channels); err != nil {
		return err
	}
	per := drawn.Size * drawn.Size * drawn.Channels
	return drawn.describe(d, labels, func(i int, into []uint8) error {
		copy(into, pixels[i*per:(i+1)*per])
		return nil
	})
}

// The picture of a sample artifact has so many images of a class, and so many classes.
const (
	sheetColumns = 10
	sheetRows    = 100
)

// sheetImages is how many of n images the picture shows.
func sheetImages(n, classes int) int { return min(n, sheetColumns*min(max(classes, 1), sheetRows)) }

// describe writes what a sample artifact has beside its images, which read reads.
func (drawn Drawn) describe(d *artifact.Draft, labels []int32, read func(i int, into []uint8) error) error {
	raw, err := json.MarshalIndent(drawn, "", " ")
	if err != nil {
		return err
	}
	if err := d.Write(DrawnFile, raw); err != nil {
		return err
	}
	per := drawn.Size * drawn.Size * drawn.Channels
	var places []int
	var shown []int32
	of := make([]int, drawn.Classes)
	for i, l := range labels {
		if of[l]++; of[l] <= sheetColumns && l < sheetRows {
			places, shown = append(places, i), append(shown, l)
		}
	}
	pixels := make([]uint8, len(places)*per)
	for at, i := range places {
		if err := read(i, pixels[at*per:(at+1)*per]); err != nil {
			return err
		}
	}
	f, err := os.Create(d.Path(GridFile))
	if err != nil {
		return err
	}
	defer f.Close()
	picture := sheet.ByClass(pixels, shown, drawn.Size, drawn.Channels, drawn.Classes, sheetColumns).Picture()
	return errors.Join(png.Encode(f, picture), f.Close())
}

// Draw draws images of a model by the sampling of p, of the given classes, image i
// with noise i.
// drawn is called after each batch with the number of images so far; its error
// ends the drawing.
func Draw(m models.Model, p models.Params, batch int, labels []int32, drawn func(int) error) ([]uint8, error) {
	pixels := make([]uint8, 0, len(labels)*m.Params().Shape().Bytes())
	done := 0
	err := drawFrom(m, p, batch, labels, 0, func(some []uint8) error {
		pixels = append(pixels, some...)
		done = min(done+batch, len(labels))
		return drawn(done)
	})
	return pixels, err
}

// drawFrom draws the images from one on and gives them to each, batch by batch.
func drawFrom(m models.Model, p models.Params, batch int, labels []int32, from int, each func(pixels []uint8) error) error {
	return drawRounds(m, p, batch, labels, from, ranks.Alone{}, func(_ int, pixels []uint8, _ []float64) error { return each(pixels) })
}

// drawRounds draws the images from one on in rounds of a batch for each rank of a
// group, and gives this rank's of a round, which may be none, to each with the number
// of the first and the sweeps that they took, nil where the sampler makes none.
func drawRounds(m models.Model, p models.Params, batch int, labels []int32, from int, g ranks.Group,
	each func(at int, pixels []uint8, sweeps []float64) error,
) error {
	per, n := m.Params().Shape().Bytes(), len(labels)
	if from >= n {
		return nil
	}
	sampler, err := m.Sampler(p, batch)
	if err != nil {
		return err
	}
	defer sampler.Close()
	pixels, ids := make([]uint8, batch*per), make([]uint32, batch)
	for round := from; round < n; round += batch * g.Size() {
		at := min(round+batch*g.Rank(), n)
		k := min(batch, n-at)
		for i := range k {
			ids[i] = uint32(at + i)
		}
		if k > 0 {
			if err := sampler.Sample(labels[at:at+k], ids[:k], pixels[:k*per]); err != nil {
				return fmt.Errorf("drawing images %d to %d: %w", at, at+k-1, err)
			}
		}
		var sweeps []float64
		if s, ok := sampler.(models.Sweeper); ok && s.Sweeps() != nil {
			sweeps = s.Sweeps()[:k]
		}
		if err := each(at, pixels[:k*per], sweeps); err != nil {
			return err
		}
	}
	return nil
}

// ReadDrawn reads the images of a sample artifact, their hashes compared.
func ReadDrawn(s artifact.Store, key string) (Drawn, []uint8, error) {
	d, f, err := OpenDrawn(s, key)
	if err != nil {
		return d, nil, err
	}
	defer f.Close()
	pixels, err := f.First(d.Count)
	return d, pixels, err
}

// Images are those of a sample artifact, in a file.
type Images struct {
	path string
	f    *os.File
	head int64
	each int
}

// Each is the bytes of an image.
func (m *Images) Each() int { return m.each }

// Read reads image i into a place for one.
func (m *Images) Read(i int, into []uint8) error {
	if _, err := m.f.ReadAt(into[:m.each], m.head+int64(i)*int64(m.each)); err != nil {
		return fmt.Errorf("%s: image %d: %w", m.path, i, err)
	}
	return nil
}

// First reads the first n images.
func (m *Images) First(n int) ([]uint8, error) {
	pixels := make([]uint8, n*m.each)
	if _, err := io.ReadFull(io.NewSectionReader(m.f, m.head, int64(len(pixels))), pixels); err != nil {
		return nil, fmt.Errorf("%s: %w", m.path, err)
	}
	return pixels, nil
}

// Close closes the file.
func (m *Images) Close() { m.f.Close() }

// OpenDrawn opens the images of a sample artifact, their hashes compared.
func OpenDrawn(s artifact.Store, key string) (Drawn, *Images, error) {
	d, err := Described(s, key)
	if err != nil {
		return d, nil, err
	}
	ref := Sample.Ref(key)
	path, err := s.Path(ref, SamplesFile)
	if err != nil {
		return d, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return d, nil, err
	}
	m := &Images{path: path, f: f, each: d.Size * d.Size * d.Channels}
	var shape []int
	if shape, m.head, err = arrayShape(f); err == nil && !slices.Equal(shape, []int{d.Count, d.Size, d.Size, d.Channels}) {
		err = fmt.Errorf("artifact %s: %s has the shape %v", ref, SamplesFile, shape)
	}
	if err != nil {
		f.Close()
		return d, nil, err
	}
	return d, m, nil
}

// Described reads what a sample artifact says of its images.
func Described(s artifact.Store, key string) (Drawn, error) {
	var d Drawn
	ref := Sample.Ref(key)
	raw, err := s.Read(ref, DrawnFile)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, fmt.Errorf("artifact %s: %s: %w", ref, DrawnFile, err)
	}
	if d.Count < 0 || d.Classes < 1 {
		return d, fmt.Errorf("artifact %s: %s tells of %d images of %d classes", ref, DrawnFile, d.Count, d.Classes)
	}
	if d.Labels == nil {
		d.Labels = EvenLabels(d.Count, d.Classes)
	}
	if slices.ContainsFunc(d.Labels, func(l int32) bool { return l < 0 || int(l) >= d.Classes }) || len(d.Labels) != d.Count {
		return d, fmt.Errorf("artifact %s: %s has %d labels for %d images of %d classes, or other ones", ref, DrawnFile, len(d.Labels),
			d.Count, d.Classes)
	}
	return d, nil
}
