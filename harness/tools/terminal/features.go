package terminal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/outside"
	"prabench/internal/numeral"
	"prabench/metrics"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results/table"
)

// Features is a comparison of ready-made features, outside of any database.
type Features struct {
	Path      string // of the features of generated images, .npy [N, D]
	Reference string // of those of real images
	HeldOut   string // of those of other real images, for floors
	Stats     string // mean and covariance of real images, .npz
	Write     string // where mean and covariance of the generated images go, .npz
	Metric    string // what the Fréchet distance is called; "" is fid_proxy
}

// Any says that something of it is asked for.
func (f Features) Any() bool { return f != Features{} }

// compared is what a comparison found.
type compared struct {
	File     string   `json:"file"`
	Images   int      `json:"images"`
	Features int      `json:"features"`
	Against  string   `json:"against,omitempty"`
	Of       int      `json:"reference_images,omitempty"` // unknown of statistics
	Values   []scored `json:"values"`
	Notes    []string `json:"notes,omitempty"`
}

type scored struct {
	Metric string   `json:"metric"`
	Value  float64  `json:"value"`
	Lo     *float64 `json:"lo,omitempty"`
	Hi     *float64 `json:"hi,omitempty"`
	N      int      `json:"n"`
	Method string   `json:"method"`
	Floor  *scored  `json:"floor,omitempty"`
}

// Embed compares images in the features of an experiment's extractor.
func (f Features) Embed(w io.Writer, asJSON bool, e *engine.Experiment, o engine.Outside) error {
	if err := f.check(); err != nil {
		return err
	}
	gen, extractor, metric, err := e.Embedded(o, runtime.NumCPU())
	if err != nil {
		return err
	}
	f.Metric = metric
	return f.Score(w, asJSON, &gen, o.Path+" ("+extractor+")")
}

// Score compares features, of the file or given by the caller with their name, and
// prints every score with its interval and, of held-out real images, its floor.
func (f Features) Score(w io.Writer, asJSON bool, gen *metrics.Features, name string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.Metric == "" {
		f.Metric = quantity.FIDProxy.Name
	}
	if gen == nil {
		x, err := outside.ReadFeatures(f.Path)
		if err != nil {
			return &engine.Mistake{Err: err}
		}
		gen, name = &x, f.Path
	}
	if err := more(name, gen.N, gen.D); err != nil {
		return &engine.Mistake{Err: err}
	}
	c := compared{File: name, Images: gen.N, Features: gen.D, Values: []scored{}}
	c.few(name, gen.N, gen.D)
	var err error
	switch {
	case f.Reference != "":
		err = f.reference(&c, *gen)
	case f.Stats != "":
		err = f.stats(&c, *gen)
	}
	if err != nil {
		return &engine.Mistake{Err: fmt.Errorf("%w; nothing was scored", err)}
	}
	var unwritten error // the scores are printed all the same
	if f.Write != "" {
		m, err := metrics.MomentsOf(*gen)
		if err != nil {
			return &engine.Mistake{Err: err}
		}
		if unwritten = outside.WriteStats(f.Write, m); unwritten == nil {
			c.Notes = append(c.Notes, fmt.Sprintf("%s has mean and covariance of %d images and %d features", f.Write, gen.N, gen.D))
		}
	}
	if !asJSON {
		return cmp.Or(c.print(w), unwritten)
	}
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", raw)
	return cmp.Or(err, unwritten)
}

// check refuses what cannot be compared or written, before anything is read.
func (f Features) check() error {
	switch {
	case f.Reference == "" && f.Stats == "" && f.Write == "":
		return engine.Mistakef("features are compared with those of real images: give --reference-features R.npy or --stats S.npz, or write " +
			"their own statistics with --write-stats")
	case f.Reference != "" && f.Stats != "":
		return engine.Mistakef("give --reference-features or --stats, not both")
	case f.HeldOut != "" && f.Reference == "":
		return engine.Mistakef("--held-out-features are scored against --reference-features, for floors")
	case f.Write != "" && !strings.HasSuffix(strings.ToLower(f.Write), ".npz"):
		return engine.Mistakef("--write-stats %s: statistics are written to a file that ends with .npz; nothing was started", f.Write)
	}
	return engine.CheckOut("--write-stats", f.Write)
}

// more refuses fewer images than features.
func more(name string, n, d int) error {
	if n <= d {
		return fmt.Errorf("%s has %d images of %d features: a covariance of so few is singular, and a distance of it says nothing; give at "+
			"least %d images, better %d", name, n, d, d+1, engine.PerFeature*d)
	}
	return nil
}

func (c *compared) few(name string, n, d int) {
	if n < engine.PerFeature*d {
		c.Notes = append(c.Notes, fmt.Sprintf("%s has %d images of %d features, fewer than %d (%d per feature): the bias of a Fréchet "+
			"distance is large; compare only equal counts, or read fd_inf", name, n, d, engine.PerFeature*d, engine.PerFeature))
	}
}

func (f Features) reference(c *compared, gen metrics.Features) error {
	real, err := f.like(f.Reference, gen.D)
	if err != nil {
		return err
	}
	c.Against, c.Of = f.Reference, real.N
	c.few(f.Reference, real.N, real.D)
	var held *metrics.Features
	if f.HeldOut != "" {
		h, err := f.like(f.HeldOut, gen.D)
		if err != nil {
			return err
		}
		if h.N < gen.N {
			return fmt.Errorf("%s has %d images, %d are scored: a floor of fewer images is higher than theirs; give as many held-out images, "+
				"or score %[2]d", f.HeldOut, h.N, gen.N)
		}
		if h, err = h.Take(gen.N); err != nil {
			return err
		}
		held = &h
	} else {
		c.Notes = append(c.Notes, "there are no floors: --held-out-features gives those of real images that are not in the reference")
	}
	names, scores, err := all(real, gen)
	if err != nil {
		return err
	}
	var floors []stat.Estimate
	if held != nil {
		if _, floors, err = all(real, *held); err != nil {
			return fmt.Errorf("floor: %w", err)
		}
	}
	for i, e := range scores {
		if names[i] == quantity.FIDProxy.Name {
			names[i] = f.Metric
		}
		s := newScored(names[i], e)
		if held != nil {
			s.Floor = new(scored)
			*s.Floor = newScored(names[i], floors[i])
		}
		c.Values = append(c.Values, s)
	}
	if least := metrics.NeedsMore("fd_inf", min(gen.N, real.N), gen.D); least > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("fd_inf is left out: it needs %d images on each side", least))
	}
	return nil
}

// like reads features that come from the same extractor.
func (f Features) like(path string, d int) (metrics.Features, error) {
	x, err := outside.ReadFeatures(path)
	if err != nil {
		return x, err
	}
	if x.D != d {
		return x, fmt.Errorf("%s has %d features an image, the scored ones have %d: both must come from the same extractor", path, x.D, d)
	}
	return x, more(path, x.N, x.D)
}

// all are the scores that need no classes.
func all(real, gen metrics.Features) (names []string, scores []stat.Estimate, err error) {
	s, err := metrics.Score(real, gen)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range []struct {
		m *quantity.Metric
		e stat.Estimate
	}{{quantity.FIDProxy, s.Frechet}, {quantity.KID, s.KID}, {quantity.Precision, s.Precision}, {quantity.Recall, s.Recall}} {
		names, scores = append(names, v.m.Name), append(scores, v.e)
	}
	for _, l := range metrics.LaterScores {
		if l.Classes || metrics.NeedsMore(l.Name, min(real.N, gen.N), gen.D) > 0 {
			continue
		}
		es, err := l.Of(real, gen)
		if err != nil {
			return nil, nil, err
		}
		for i, e := range es {
			names, scores = append(names, l.Metrics[i].Name), append(scores, e)
		}
	}
	return names, scores, nil
}

func (f Features) stats(c *compared, gen metrics.Features) error {
	m, err := outside.ReadStats(f.Stats)
	if err != nil {
		return err
	}
	if len(m.Mean) != gen.D {
		return fmt.Errorf("%s is of %d features, %s has %d: statistics and features must come from the same extractor", f.Stats, len(m.Mean),
			c.File, gen.D)
	}
	e, err := metrics.FrechetToMoments(m, gen)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Stats, err)
	}
	c.Against = f.Stats
	c.Values = append(c.Values, newScored(f.Metric, e))
	c.Notes = append(c.Notes, "statistics have no floor, and the interval covers the choice of the generated images alone; the distance "+
		"depends on the count: published values are often of 50,000 images")
	return nil
}

func newScored(name string, e stat.Estimate) scored {
	s := scored{Metric: name, Value: e.Value, N: e.N, Method: e.Method.String()}
	s.Lo, s.Hi = e.Bounds()
	return s
}

func (s scored) text() string {
	text := numeral.Compact(s.Value, 4)
	if s.Lo != nil {
		text += " [" + numeral.Compact(*s.Lo, 4) + ", " + numeral.Compact(*s.Hi, 4) + "]"
	}
	return text
}

func (c compared) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %d images of %d features", c.File, c.Images, c.Features)
	switch {
	case c.Of > 0:
		fmt.Fprintf(w, ", against %s, %d images", c.Against, c.Of)
	case c.Against != "":
		fmt.Fprintf(w, ", against %s", c.Against)
	}
	fmt.Fprintln(w)
	t := table.Table{Columns: []string{"metric", "value, 95 % over images", "real images", "n", "aim"}}
	floors := false
	for _, s := range c.Values {
		floor := ""
		if s.Floor != nil {
			floor, floors = s.Floor.text(), true
		}
		m := quantity.Find(s.Metric)
		aim := m.Aim
		if aim == "" {
			aim = m.Direction()
		}
		t.Rows = append(t.Rows, []any{s.Metric, s.text(), floor, int64(s.N), aim})
	}
	if !floors {
		t.Columns = append(t.Columns[:2], t.Columns[3:]...)
		for i, r := range t.Rows {
			t.Rows[i] = append(r[:2], r[3:]...)
		}
	}
	if len(t.Rows) > 0 {
		if err := table.WriteText(w, t); err != nil {
			return err
		}
	}
	for _, n := range c.Notes {
		fmt.Fprintln(w, "note: "+n)
	}
	return nil
}
