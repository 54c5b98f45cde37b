package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"prabench/experiments"
	"prabench/harness/certified"
	"prabench/harness/engine"
	"prabench/harness/tools/certify"
	"prabench/harness/tools/draw"
	"prabench/harness/work"
	"prabench/metrics/certificate"
	"prabench/metrics/embed"
	"prabench/models/dataset"
)

// Certification is which extractor is certified on which data.
type Certification struct {
	Extractor string // as metrics.embedder; "classifier/SET" also names the data
	Set       string // data set
	File      string // experiment whose data these are, instead of a set
	Agree     string // a second extractor that orders the experiment's cells
	Images    int    // on each side; 0 is the default
	Again     bool   // measure what is certified already
	JSON      bool
	Engine    engine.Detached
	Load      engine.LoadOptions
}

// Flags are those of the command line.
func (c *Certification) Flags(of *cobra.Command) {
	f := of.Flags()
	f.StringVar(&c.Set, "data", "", "data set to try it on")
	f.StringVar(&c.File, "experiment", "", "experiment `FILE` on whose data to try it")
	f.StringVar(&c.Agree, "agree", "", "second `EXTRACTOR`: how far it orders the experiment's trained cells alike")
	f.IntVar(&c.Images, "images", 0, "images on each side; 0 is 2000, or half of the held-out ones where these are fewer")
	f.BoolVar(&c.Again, "again", false, "measure what is certified already")
}

// Print certifies, prints the certificate's page, and says whether every criterion
// holds.
func (c Certification) Print(ctx context.Context, w io.Writer) (bool, error) {
	cert, err := c.certificate(ctx)
	if errors.Is(err, certify.ErrStopped) {
		fmt.Fprintln(c.Engine.Out, err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if c.JSON {
		raw, err := json.MarshalIndent(cert, "", "  ")
		if err != nil {
			return false, err
		}
		_, err = fmt.Fprintf(w, "%s\n", raw)
		return cert.Certified(), err
	}
	_, err = fmt.Fprint(w, certify.Markdown(cert))
	dir := c.Engine.Places.Store().Dir(certified.Ref(cert.ExtractorHash, cert.DataHash))
	if _, stat := c.Engine.Places.Store().Stat(certified.Ref(cert.ExtractorHash, cert.DataHash)); stat == nil {
		fmt.Fprintln(c.Engine.Out, filepath.Join(dir, certified.Page))
	}
	return cert.Certified(), err
}

func (c Certification) certificate(ctx context.Context) (*certificate.Certificate, error) {
	if set, ok := strings.CutPrefix(c.Extractor, embed.Classified+"/"); ok {
		if c.Set != "" && c.Set != set {
			return nil, engine.Mistakef("%s is the classifier of %s, --data names %s: leave one of them out", c.Extractor, set, c.Set)
		}
		c.Extractor = embed.Classified
		if c.File == "" {
			c.Set = set
		}
	}
	switch {
	case (c.Set == "") == (c.File == ""):
		return nil, engine.Mistakef("certify needs --data SET or --experiment FILE, whose data the extractor is tried on, and not both")
	case c.Agree != "" && c.File == "":
		return nil, engine.Mistakef("--agree orders the trained cells of an experiment: give --experiment FILE")
	case c.Images < 0:
		return nil, engine.Mistakef("--images %d: a number of images, 0 for %d", c.Images, certificate.DefaultImages)
	}
	e, first, err := c.loaded(ctx, c.Extractor)
	if err != nil {
		return nil, err
	}
	set := e.Cells[0].Settings.Data
	d, err := dataset.Load(ctx, set, nil)
	if err != nil {
		return nil, err
	}
	store := c.Engine.Places.Store()
	o := certify.Certifying{Images: c.Images, Threads: c.Engine.Cores, Again: c.Again, Program: ThisProgram().Revision, Out: c.Engine.Out,
		Draw: draw.Certificate}
	cert, err := o.Measure(ctx, store, first, d, set.Set)
	if err != nil || c.Agree == "" {
		return cert, err
	}
	second, err := c.second(ctx, e.Cells[0].Settings.Data.Set, d)
	if err != nil {
		return nil, err
	}
	a, err := o.Agree(ctx, store, e, first, second, d)
	if err != nil {
		return nil, err
	}
	cert.Agree(a)
	return cert, o.Save(store, cert)
}

// second is the extractor of --agree, on the same data.
func (c Certification) second(ctx context.Context, set string, d *dataset.Data) (embed.Embedder, error) {
	if c.Agree != embed.Classified {
		return embed.For(set, d.Size, d.Channels, c.Agree)
	}
	_, second, err := c.loaded(ctx, c.Agree)
	return second, err
}

// read is an experiment on a set alone. Its model does not matter; patches of a pixel fit
// images of any size.
func (c Certification) read(path string, o experiments.Options) (*experiments.Experiment, error) {
	source := fmt.Sprintf("name = \"certificate\"\n[data]\nset = %q\n[model]\npatch = 1\n", c.Set)
	e, err := experiments.Parse(path, []byte(source), o)
	if wrong := (*experiments.Error)(nil); errors.As(err, &wrong) && wrong.File == path {
		wrong.Line, wrong.Column = 0, 0 // nobody has seen these lines
		if wrong.Key == "data.root" {
			wrong.Hint = "here by --set data.root=FOLDER"
		}
	}
	return e, err
}

// loaded is the experiment, its keys known, and an extractor for its data, trained
// where it has to be.
func (c Certification) loaded(ctx context.Context, extractor string) (*engine.Experiment, embed.Embedder, error) {
	o := c.Load
	o.Set = append(append([]string{}, o.Set...), fmt.Sprintf("metrics.embedder=%q", extractor))
	file := c.File
	if file == "" {
		file = "--data " + c.Set
		o.Read = c.read
	}
	ls, err := engine.Load([]string{file}, o)
	if err != nil {
		return nil, nil, err
	}
	e := ls[0].Exp
	if _, err := (&engine.Identifier{Places: c.Engine.Places, Read: true}).Identify(ctx, e); err != nil {
		if away := (*dataset.Error)(nil); errors.As(err, &away) && away.Key == "data.root" && c.File == "" {
			return nil, nil, engine.Mistakef("%w; here by --set data.root=FOLDER", err)
		}
		return nil, nil, err
	}
	of := &e.Cells[0]
	for i := range e.Cells {
		if !e.Cells[i].Skip && e.Cells[i].Settings.DataHash != of.Settings.DataHash {
			return nil, nil, engine.Mistakef("%s has cells of several data sets: choose those of one with --only", e.File)
		}
	}
	if of.Settings.EmbedderHash == embed.Trained {
		if _, err := TrainFor(ctx, c.Engine, e); err != nil {
			return nil, nil, err
		}
		classifier, err := work.OpenClassifier(c.Engine.Places.Store(), of.Chain.Key(work.Classifier))
		return e, classifier, err
	}
	shape := of.Settings.Params.Shape()
	x, err := embed.For(of.Settings.Data.Set, shape.Size, shape.Channels, extractor)
	return e, x, err
}
