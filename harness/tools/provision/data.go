package provision

import (
	"context"
	"fmt"
	"image/png"
	"io"

	"prabench/harness/engine"
	"prabench/harness/sheet"
	"prabench/internal/numeral"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/layers"
)

// Sources are the data sets, those that are here and how to get the others.
func Sources() []dataset.Source { return dataset.Sources() }

// Fetch gets a data set and checks it. root is the folder to put it in, that of
// this machine without one. It gives the folder, or "" for a set that has none.
func Fetch(ctx context.Context, set, root string, progress func(what string, done, total int64)) (string, error) {
	if err := dataset.Fetch(ctx, set, root, progress); err != nil {
		return "", &engine.Mistake{Err: err}
	}
	for _, s := range dataset.Sources() {
		if s.Set == set {
			return s.Where, nil
		}
	}
	return "", nil
}

// Maker makes a file of the images that the first chosen cell of an experiment is
// trained on, and says what they are.
type Maker func(ctx context.Context, e *engine.Experiment, out string, progress func(what string, done, total int64)) ([]string, error)

// dataOf is the [data] table of the first cell that is chosen.
func dataOf(e *engine.Experiment) (dataset.Spec, models.Params, error) {
	for i := range e.Cells {
		if c := &e.Cells[i]; !c.Skip && c.Settings.Params != nil {
			return c.Settings.Data, c.Settings.Params, nil
		}
	}
	return dataset.Spec{}, nil, engine.Mistakef("no cell is chosen that trains a model")
}

// Pack writes the images as raw pixels into a file for data.root.
func Pack(ctx context.Context, e *engine.Experiment, out string, progress func(what string, done, total int64)) ([]string, error) {
	spec, _, err := dataOf(e)
	if err != nil {
		return nil, err
	}
	d, err := dataset.Pack(ctx, spec, out, progress)
	if err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	return append(about(spec, d), fmt.Sprintf("%s: set data.root to it; size, channels and fit stay as they are", out)), nil
}

// shown is how many images of each class a sheet has, of at most so many classes.
const (
	shown        = 10
	shownClasses = 40
)

// Show draws images as the first epoch of a training sees them, one row per class.
func Show(ctx context.Context, e *engine.Experiment, out string, progress func(what string, done, total int64)) ([]string, error) {
	spec, p, err := dataOf(e)
	if err != nil {
		return nil, err
	}
	d, err := dataset.Load(ctx, spec, progress)
	if err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	classes, per := min(shownClasses, d.Info.Classes), d.Size*d.Size*d.Channels
	images := models.Images{N: d.Train.N, Size: d.Size, Channels: d.Channels, Flip: spec.Flip}
	var pixels []uint8
	var labels []int32
	has := make([]int, classes)
	for i, l := range d.Train.Labels {
		if int(l) >= classes || has[l] == shown {
			continue
		}
		has[l]++
		one := make([]uint8, per)
		if err := d.Train.Read(i, one); err != nil {
			return nil, err
		}
		layers.Mirrored(images, p.Seed(), i, one)
		pixels, labels = append(pixels, one...), append(labels, l)
	}
	drawn := sheet.ByClass(pixels, labels, d.Size, d.Channels, classes, shown).Picture()
	if err := engine.WriteOut(out, func(w io.Writer) error { return png.Encode(w, drawn) }); err != nil {
		return nil, err
	}
	return append(about(spec, d), fmt.Sprintf("%s: %d training images, a row for each of %d classes", out, len(labels), classes)), nil
}

// about says what a set is.
func about(spec dataset.Spec, d *dataset.Data) []string {
	where := "in memory"
	if d.Train.Reader != nil {
		where = "read while they are used"
	}
	lines := []string{
		fmt.Sprintf("%s: %d training and %d test images of %d×%d×%d, %d classes, %s of pixels, %s", spec.Set, d.Train.N, d.Test.N, d.Size, d.Size,
			d.Channels, d.Info.Classes, numeral.Bytes(int64(d.Train.N+d.Test.N)*int64(d.Size*d.Size*d.Channels)), where),
		"identity: " + d.Hash,
	}
	return append(lines, d.Found...)
}
