package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"prabench/harness/outside"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/results"
	"prabench/results/record"
)

// Outside is images that another program made, to be scored as a cell beside those
// of an experiment.
type Outside struct {
	Path  string
	Label string
	Seed  uint64 // which of several samplings or trainings of one label it is
	Range string // of floats, see [outside.Range]
}

// Score scores them under the experiment's protocol, in the stages that score its
// own cells. The row stays beside the experiment's cells when it is run again.
func (r *Run) Score(ctx context.Context, e *Experiment, o Outside) (Summary, error) {
	of, err := e.protocol()
	if err != nil {
		return Summary{}, err
	}
	set := *of.Settings
	pictures, classes, found, dim, err := o.read(&set)
	if err != nil {
		return Summary{}, &Mistake{Err: fmt.Errorf("%w; nothing was scored", err)}
	}
	for _, n := range counts(&set, dim) {
		if r.Out != nil {
			fmt.Fprintln(r.Out, "note: "+n)
		}
	}
	if err := r.planned(ctx, e); err != nil {
		return Summary{}, err
	}
	set.Outside = stage.Outside{Name: found.Name, SHA256: found.SHA256, Range: o.Range, Count: set.Count}
	if found.Classes != nil {
		set.Outside.Classes = record.Hash(classes)
	}
	chain, err := stage.Of(set)
	if err != nil {
		return Summary{}, err
	}
	key := chain.Key(work.Sample)
	if err := work.Place(r.Places.Store(), key, pictures, classes); err != nil {
		return Summary{}, &Failure{err}
	}
	cell := Cell{ID: "outside-" + key[:12], Label: o.Label + " (outside)", Seed: o.Seed, Settings: &set,
		Params: map[string]any{results.OutsideKey: o.Label}}
	r.sayReplaced(ctx, e, cell)
	beside := *e
	beside.Cells, beside.Beside = []Cell{cell}, true
	return r.Do(ctx, &beside)
}

// sayReplaced names the row of other images whose place a cell takes.
func (r *Run) sayReplaced(ctx context.Context, e *Experiment, by Cell) {
	db, err := results.OpenReadOnly(r.Places.DB)
	if err != nil || r.Out == nil {
		return
	}
	defer db.Close()
	cells, err := db.Cells(ctx, e.Ref())
	if err != nil {
		return // it is said when the row is recorded
	}
	for _, c := range cells {
		if results.Beside(c) && c.Label == by.Label && c.Seed == by.Seed && c.Cell != by.ID {
			fmt.Fprintf(r.Out, "note: %s, seed %d were other images so far (%s): these take their place; --seed gives samplings of one label "+
				"rows of their own\n", c.Label, c.Seed, c.Cell)
		}
	}
}

// Embedded are the features of all its images by the experiment's extractor, whose
// name is the second result, and the name of a Fréchet distance in them the third.
// Nothing else of the experiment is looked at, and no
// data are read.
func (e *Experiment) Embedded(o Outside, threads int) (f metrics.Features, extractor, metric string, err error) {
	of, err := e.protocol()
	if err != nil {
		return f, "", "", err
	}
	shape := of.Settings.Params.Shape()
	if k, err := new(Identifier).embedder(embedding{of.Settings.Data, shape, of.Settings.Embedder}); err == nil && k.hash == embed.Trained {
		return metrics.Features{}, "", "", Mistakef("%s scores in the features of a classifier that a run trains on its data, and no data are "+
			"read here: name another extractor, as in --set metrics.embedder=ternary", e.File)
	}
	embedder, err := embed.For(of.Settings.Data.Set, shape.Size, shape.Channels, of.Settings.Embedder)
	if err != nil {
		return f, "", "", err
	}
	found, err := outside.Read(o.Path, outside.Want{Size: shape.Size, Channels: shape.Channels, Floats: outside.Range(o.Range)})
	if err != nil {
		return f, "", "", &Mistake{Err: err}
	}
	x, err := embedder.Embed(found.Pixels, found.N, shape.Size, shape.Channels, threads)
	if err != nil {
		return f, "", "", err
	}
	if f, err = metrics.FromFloat32(x, embedder.Dim(), nil); err != nil {
		return f, "", "", &Mistake{Err: fmt.Errorf("%s: %w", o.Path, err)}
	}
	if metric = embed.MetricOf(embedder); metric == "" {
		metric = quantity.FIDProxy.Name
	}
	return f, embedder.Name(), metric, nil
}

// PerFeature is how many images for each feature a covariance needs before it is
// believed.
const PerFeature = 50

// counts says what the numbers of images make of a cell's scores: too few for the
// extractor, and floors of fewer images than the scores are of.
func counts(s *stage.Settings, features int) (notes []string) {
	if s.Count < PerFeature*features {
		notes = append(notes, fmt.Sprintf("sample.count = %d images of %d features, fewer than %d (%d per feature): the bias of a Fréchet "+
			"distance is large; compare only equal counts, and with the floor", s.Count, features, PerFeature*features, PerFeature))
	}
	info, err := dataset.Describe(s.Data)
	held, split := info.Test, "test"
	if s.Reference == "test" {
		held, split = info.Train, "training"
	}
	if err == nil && held >= 0 && held < s.Count {
		notes = append(notes, fmt.Sprintf("the floors are of %d held-out images (all of the %s split), the scores of %d (sample.count): a floor "+
			"of fewer images is higher; lower sample.count, or hold out more", held, split, s.Count))
	}
	return notes
}

// protocol is the first cell that is not skipped; all of them must be scored in
// the same way.
func (e *Experiment) protocol() (*Cell, error) {
	type protocol struct {
		data                      dataset.Spec
		embedder, reference, also string
		samples, count            int
		shape                     models.Shape
	}
	var first *Cell
	var want protocol
	for i := range e.Cells {
		c := &e.Cells[i]
		if c.Skip || c.Settings.Program.Is() {
			continue
		}
		s := c.Settings
		p := protocol{s.Data, s.Embedder, s.Reference, s.Also, s.Samples, s.Count, s.Params.Shape()}
		switch {
		case first == nil:
			first, want = c, p
		case p != want:
			return nil, Mistakef("%s: cells %s and %s are scored by different protocols (data, sample.count or metrics): choose one with --only",
				e.File, first.ID, c.ID)
		}
	}
	if first == nil {
		return nil, Mistakef("%s: --only chooses no cell whose protocol could score: drop it, or choose one", e.File)
	}
	return first, nil
}

// planned sees to it that the database has the plan of the experiment as it is.
func (r *Run) planned(ctx context.Context, e *Experiment) error {
	db, err := results.OpenReadOnly(r.Places.DB)
	if err == nil {
		err = e.CheckPlanned(ctx, db)
		db.Close()
	}
	var not *NotPlanned
	switch {
	case errors.As(err, &not) && not.Stored == 0, errors.Is(err, results.ErrMissing), errors.Is(err, fs.ErrNotExist):
		_, release, err := r.Prepare(ctx, e)
		if err == nil {
			release()
		}
		return err
	case errors.As(err, &not):
		return &Mistake{Err: err}
	}
	return err
}

// read reads as many images as the experiment scores, and the names of their
// classes; dim is the number of the extractor's features.
func (o Outside) read(s *stage.Settings) (p metrics.Pictures, classes []string, found *outside.Set, dim int, err error) {
	shape := s.Params.Shape()
	features, err := new(Identifier).embedder(embedding{s.Data, shape, s.Embedder})
	if err != nil {
		return p, nil, nil, 0, err
	}
	found, err = outside.Read(o.Path, outside.Want{Size: shape.Size, Channels: shape.Channels, Floats: outside.Range(o.Range)})
	if err != nil {
		return p, nil, nil, 0, err
	}
	if found.N < s.Count {
		return p, nil, nil, 0, fmt.Errorf("%s has %d images, the experiment scores %d (sample.count), and scores of different counts do not "+
			"compare: make more images, or score them beside an experiment whose sample.count is %[2]d", o.Path, found.N, s.Count)
	}
	if s.Count <= features.dim {
		return p, nil, nil, 0, fmt.Errorf("sample.count = %d images are not more than the %d features of %s: a distance of so few says nothing; "+
			"raise sample.count in the experiment", s.Count, features.dim, features.name)
	}
	p = metrics.Pictures{N: found.N, Size: shape.Size, Channels: shape.Channels, Pixels: found.Pixels, Labels: found.Labels}
	if info, err := dataset.Describe(s.Data); err == nil {
		classes = info.ClassNames
	}
	if len(classes) == 0 {
		for i := range shape.Classes {
			classes = append(classes, fmt.Sprint(i))
		}
	}
	if found.Classes != nil {
		if p.Labels, err = work.Numbered(p.Labels, found.Classes, classes); err != nil {
			return p, nil, nil, 0, fmt.Errorf("%s: %w", o.Path, err)
		}
	}
	for i, l := range p.Labels {
		if int(l) >= len(classes) {
			return p, nil, nil, 0, fmt.Errorf("%s: label %d is %d, the data set has the classes 0 to %d: number them as the data set does",
				o.Path, i, l, len(classes)-1)
		}
	}
	p, err = work.Evenly(p, s.Count)
	return p, classes, found, features.dim, err
}

// FloatRanges are the ranges that can be said of floats.
func FloatRanges() []string {
	var all []string
	for _, r := range outside.Ranges() {
		all = append(all, string(r))
	}
	return all
}
