// Package sampler draws a sheet of images from a trained model for people to look
// at: nothing of it is measured or kept with the results.
package sampler

import (
	"context"
	"fmt"
	"image"
	"runtime"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/sheet"
	"prabench/harness/work"
	"prabench/models/pra"
)

// batch is how many images are drawn at once.
const batch = 250

// Settings are those of sampling; see [Default].
type Settings = pra.SampleConfig

// Default is how a model is sampled when nobody says how.
func Default() Settings { return pra.DefaultSample() }

// Request is a sheet with a row of images for each class.
type Request struct {
	Model   string // path of a model file
	Device  string // cpu when empty
	Threads int    // of the device; 0 is all cores
	Columns int    // images of each class
	Settings
}

// Sheet is a picture and what is on it.
type Sheet struct {
	Picture         image.Image
	Images, Classes int
}

// Sheet draws it. What the device, the file or the settings do not allow is a
// [*engine.Mistake].
func (r Request) Sheet(ctx context.Context) (*Sheet, error) {
	if r.Threads <= 0 {
		r.Threads = runtime.NumCPU()
	}
	if r.Device == "" {
		r.Device = "cpu"
	}
	be, err := work.Open(work.Device{Name: r.Device, Threads: r.Threads, Precision: "fp32"})
	if err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	defer be.Close()
	m, err := pra.LoadModel(be, r.Model)
	if err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	defer m.Close()
	c := m.Config
	n := c.Classes * r.Columns
	labels := work.EvenLabels(n, c.Classes)
	pixels, err := work.Draw(m, r.Settings, min(n, batch), labels, func(int) error { return ctx.Err() })
	if err != nil {
		return nil, err
	}
	drawn := sheet.ByClass(pixels, labels, c.Size, c.Channels, c.Classes, r.Columns)
	return &Sheet{Picture: drawn.Picture(), Images: n, Classes: c.Classes}, nil
}

// Trained finds the first cell that is not skipped and has been trained, and the
// file of its model; the cell is nil where there is none.
func Trained(store artifact.Store, e *engine.Experiment) (c *engine.Cell, model string, err error) {
	for i := range e.Cells {
		c := &e.Cells[i]
		if c.Skip {
			continue
		}
		ref := work.Train.Ref(c.Chain.Key(work.Train))
		if _, err := store.Stat(ref); err != nil {
			continue
		}
		path, err := store.Path(ref, work.ModelFile)
		if err != nil {
			err = fmt.Errorf("%w; prabench run makes it again", err)
		}
		return c, path, err
	}
	return nil, "", nil
}
