// Package sampler draws images from a trained model: a sheet for people to look at,
// or a file for other programs. Nothing of it is measured or kept with the results.
package sampler

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"maps"
	"slices"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/outside"
	"prabench/harness/sheet"
	"prabench/harness/work"
	"prabench/models"
	"prabench/models/device"
)

// batch is how many images are drawn at once.
const batch = 250

// Request is a sheet with a row of images for each class.
type Request struct {
	Model     string // path of a model file
	Device    string // cpu when empty
	Precision string // of matrix products; fp32 when empty
	Threads   int    // of the device; 0 is all cores
	Columns   int    // images of each class
	Count     int    // images of all classes together, in place of Columns, where it is not 0

	Params models.Params  // whose sampling settings count; nil: the default ones of the model's family
	Set    map[string]any // keys of the table [sample] that have another value

	Note func(string) // is given what to know of the model's file; nil: nobody asks
}

// params are those that a model is sampled by.
func (r Request) params(m models.Model) (models.Params, error) {
	p := r.Params
	if p == nil {
		p = m.Params()
	}
	for _, key := range slices.Sorted(maps.Keys(r.Set)) {
		var ok bool
		if p, ok = models.Set(p, key, r.Set[key]); !ok {
			return nil, engine.Mistakef("models of the family %s have no %s", p.Family().Name(), key)
		}
	}
	if err := p.Validate(); err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	return p, nil
}

// Sheet is a picture and what is on it.
type Sheet struct {
	Picture         image.Image
	Images, Classes int
}

// Sheet draws it. What the device, the file or the settings do not allow is a
// [*engine.Mistake].
func (r Request) Sheet(ctx context.Context) (*Sheet, error) {
	m, err := r.Draw(ctx)
	if err != nil {
		return nil, err
	}
	drawn := sheet.ByClass(m.Pixels, m.Labels, m.Size, m.Channels, m.Classes, r.Columns)
	return &Sheet{Picture: drawn.Picture(), Images: len(m.Labels), Classes: m.Classes}, nil
}

// Draw draws the images, as many of each class. Mistakes are as in Sheet.
func (r Request) Draw(ctx context.Context) (outside.Images, error) {
	var out outside.Images
	if r.Threads <= 0 {
		r.Threads = machine.Processors()
	}
	if r.Device == "" {
		r.Device = "cpu"
	}
	be, err := work.Open(work.Device{Name: r.Device, Threads: r.Threads, Precision: cmp.Or(r.Precision, "fp32")})
	if err != nil {
		switch d, ok := device.DriverOf(r.Device); {
		case !ok:
			err = fmt.Errorf("%w; sample with prabench-cuda for CUDA devices, or here with --device cpu", err)
		case r.Precision != "" && d.Refuse(r.Precision) != nil:
			err = fmt.Errorf("%w; prabench sample %s samples the model in fp32", err, r.Model)
		}
		return out, &engine.Mistake{Err: err}
	}
	defer be.Close()
	m, err := models.Load(be, r.Model)
	if err != nil {
		return out, &engine.Mistake{Err: err}
	}
	defer m.Close()
	if note := models.Unverified(r.Model); note != "" && r.Note != nil {
		r.Note(note)
	}
	p, err := r.params(m)
	if err != nil {
		return out, err
	}
	c := p.Shape()
	n := r.Count
	if n == 0 {
		n = c.Classes * r.Columns
	}
	out = outside.Images{Size: c.Size, Channels: c.Channels, Labels: work.EvenLabels(n, c.Classes), Classes: c.Classes}
	out.Pixels, err = work.Draw(m, p, min(n, batch), out.Labels, func(int) error { return ctx.Err() })
	return out, err
}

// Write draws the images into a file or folder for other programs, see
// [outside.Write], and gives their number.
func (r Request) Write(ctx context.Context, path string) (int, error) {
	m, err := r.Draw(ctx)
	if err != nil {
		return 0, err
	}
	if err := outside.Write(path, m); err != nil {
		return 0, &engine.Mistake{Err: err}
	}
	return len(m.Labels), nil
}

// ForPrograms says whether a path is one of [Request.Write], and no sheet.
func ForPrograms(path string) bool { return outside.Writes(path) }

// Written says what was written; files for programs have no rows of classes.
type Written struct {
	File    string `json:"file"`
	Images  int    `json:"images"`
	Classes int    `json:"classes,omitempty"`
}

func (w Written) String() string {
	if w.Classes == 0 {
		return fmt.Sprintf("%s: %d images", w.File, w.Images)
	}
	return fmt.Sprintf("%s: %d images of %d classes, one row per class", w.File, w.Images, w.Classes)
}

// CheckOut refuses a path that images could not be written to, before any is drawn:
// flag is what named it.
func CheckOut(flag, path string) error {
	folder, err := outside.Possible(path)
	switch {
	case err != nil:
		return engine.Mistakef("%s %s: %w", flag, path, err)
	case folder:
		return engine.CheckOutFolder(flag, path)
	}
	return engine.CheckOut(flag, path)
}

// Of makes the request one for a cell and the file of its model: the sampling, the device
// and the precision are the cell's.
func (r *Request) Of(c *engine.Cell, model string) {
	m := c.Settings.Measure
	r.Model, r.Params, r.Device, r.Precision = model, c.Settings.Params, m.Device, m.Precision
}

// Trained finds the first cell that is not skipped and has been trained, and the
// file of its model; the cell is nil where there is none. Where it has chosen its own
// sampling, that is in its settings.
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
			return c, path, fmt.Errorf("%w; prabench run FILE --force %s makes it again", err, c.ID)
		}
		key := c.Chain.Key(work.Tune)
		if _, err := store.Stat(work.Tune.Ref(key)); key == "" || err != nil {
			return c, path, nil
		}
		own, set := *c, *c.Settings
		if set.Params, err = work.Chosen(store, key, set.Params); err != nil {
			return c, path, fmt.Errorf("%w; prabench run FILE --force %s makes it again", err, c.ID)
		}
		own.Settings = &set
		return &own, path, nil
	}
	return nil, "", nil
}
