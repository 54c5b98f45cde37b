package work

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/results/record"
)

// Files of a reference artifact.
const (
	featuresFile = "features.npy" // float32 [n, D]
	aboutFile    = "about.json"   // what a score needs beside the features
)

// Reference embeds the real images that scores compare with. It knows no model.
var Reference = &stage.Kind{
	Name:     "reference",
	Optional: featured(),
	Version:  scoreVersion,
	Part: func(s *stage.Settings) any {
		return referencePart{s.DataHash, s.EmbedderHash, s.Reference, s.Samples, s.Count}
	},
	Effort: func(*stage.Settings, *stage.Costs) stage.Effort { return stage.Effort{Other: 3 * time.Second} },
	Memory: func(h stage.Host) int64 { return h.Data() + embedding(h) },
	Lacks: func(s *stage.Settings, n stage.Images) error {
		if reference, _ := n.Splits(s); reference == 0 {
			return fmt.Errorf("metrics.reference: the data set %s has no %s images", s.Data.Set, s.Reference)
		}
		return nil
	},
	Label: func(s *stage.Settings) string { return s.Data.Set },
}

type referencePart struct {
	Data     string `json:"data"`     // hash
	Embedder string `json:"embedder"` // hash
	Split    string `json:"split"`
	Samples  int    `json:"samples"`
	Count    int    `json:"count"` // of the floor
}

// about describes reference features.
type about struct {
	Protocol metrics.Protocol `json:"protocol"` // Samples is 0: a score fills it in
	Labels   []int32          `json:"labels"`
}

// reference embeds the real images that scores compare with, and scores real
// images of the other split against them: the floor.
func (t *task) reference() error {
	data, err := t.data()
	if err != nil {
		return err
	}
	embedder, err := t.embedder(data.Size, data.Channels)
	if err != nil {
		return err
	}
	split, other := t.splits(data)
	if split.N == 0 {
		return worker.Invalid("metrics.reference: the data set %s has no %s images", t.set.Data.Set, t.set.Reference)
	}
	real, x, err := t.features(embedder, data, split, t.set.Samples)
	if err != nil {
		return err
	}
	p := metrics.Protocol{
		Embedder: embedder.Name(), EmbedderHash: embedder.Hash(), Data: t.set.Data.Set, DataHash: data.Hash,
		Split: t.set.Reference, Size: data.Size, Channels: data.Channels, Reference: real.N,
	}
	t.attempt.Protocol = map[string]string{}
	if n := min(t.set.Count, other.N); metrics.CheckScore(real.N, n) == nil { // else there is no floor
		held, _, err := t.features(embedder, data, other, n)
		if err != nil {
			return err
		}
		floor, err := metrics.Floor(real, held, n)
		if err != nil {
			return fitting(err)
		}
		fp := p
		fp.Samples = n
		t.attempt.Protocol = fp.Map()
		t.estimate(quantity.FIDProxyFloor, floor.Frechet)
		if named := quantity.Find(embed.MetricOf(embedder)); named != nil {
			t.estimate(quantity.FloorOf(named), floor.Frechet)
		}
		t.estimate(quantity.KIDFloor, floor.KID)
		t.estimate(quantity.PrecisionFloor, floor.Precision)
		t.estimate(quantity.RecallFloor, floor.Recall)
	}
	raw, err := json.Marshal(about{p, real.Labels})
	if err != nil {
		return err
	}
	return t.keep(func(d *artifact.Draft) error {
		if err := writeArray(d.Path(featuresFile), x, real.N, real.D); err != nil {
			return err
		}
		return d.Write(aboutFile, raw)
	})
}

// embedder is the one the run planned with.
func (t *task) embedder(size, channels int) (embed.Embedder, error) {
	if t.set.EmbedderHash == embed.Trained {
		return OpenClassifier(t.store, t.input(Classifier).Key)
	}
	e, err := embed.For(t.set.Data.Set, size, channels, t.set.Embedder)
	if err != nil {
		return nil, worker.Invalid("%v", err)
	}
	if e.Hash() != t.set.EmbedderHash {
		return nil, worker.Invalid("the embedder %s is another one than the run planned with: build prabench and its workers from one revision",
			e.Name())
	}
	return e, nil
}

// features embeds n images of a split (0: all), spread evenly over the classes.
// x is the same numbers as the embedder gave them.
func (t *task) features(e embed.Embedder, data *dataset.Data, s dataset.Split, n int) (f metrics.Features, x []float32, err error) {
	at, labels, err := chosen(s, n)
	if err != nil {
		return f, nil, err
	}
	if x, err = t.embedEach(e, len(at), data.Size, data.Channels, func(i int, into []uint8) error { return s.Read(at[i], into) }); err != nil {
		return f, nil, err
	}
	f, err = metrics.FromFloat32(x, e.Dim(), labels)
	return f, x, err
}

// images is a whole split, for a training.
func (t *task) images(data *dataset.Data, s dataset.Split) models.Images {
	return models.Images{N: s.N, Size: data.Size, Channels: data.Channels, Pixels: s.Pixels, Labels: s.Labels, Reader: s.Reader,
		Flip: t.set.Data.Flip}
}

// chosen are the places of n images of a split (0, or more than there are: all),
// spread evenly over the classes; the same n are the same images.
func chosen(s dataset.Split, n int) (at []int, labels []int32, err error) {
	if n <= 0 || n > s.N {
		n = s.N
	}
	// A set whose one feature is the image's own number lets the metrics
	// choose, as they would among features.
	numbers := metrics.Features{N: s.N, D: 1, X: make([]float64, s.N), Labels: s.Labels}
	for i := range numbers.X {
		numbers.X[i] = float64(i)
	}
	taken, err := numbers.Take(n)
	if err != nil {
		return nil, nil, err
	}
	for _, i := range taken.X {
		at = append(at, int(i))
	}
	return at, taken.Labels, nil
}

// choose is the images that chosen names, in memory.
func choose(data *dataset.Data, s dataset.Split, n int) (metrics.Pictures, error) {
	p := metrics.Pictures{Size: data.Size, Channels: data.Channels}
	at, labels, err := chosen(s, n)
	if err != nil {
		return p, err
	}
	per := data.Size * data.Size * data.Channels
	p.N, p.Labels, p.Pixels = len(at), labels, make([]uint8, len(at)*per)
	for i, from := range at {
		if err := s.Read(from, p.Pixels[i*per:(i+1)*per]); err != nil {
			return p, err
		}
	}
	return p, nil
}

// splits are the reference's split and the held-out one.
func (t *task) splits(data *dataset.Data) (reference, heldOut dataset.Split) {
	if t.set.Reference == "test" {
		return data.Test, data.Train
	}
	return data.Train, data.Test
}

// Images are embedded in portions: at most mostPortion, fewer where they are large.
const (
	mostPortion  = 500
	portionBytes = 16 << 20
)

// portion is how many images of a size in bytes are embedded at once.
func portion(each int) int { return max(1, min(mostPortion, portionBytes/max(each, 1))) }

// embedding is the bytes of what an embedder makes of a portion on its way.
func embedding(h stage.Host) int64 { return h.Images(portion(h.Params.Shape().Bytes())) * 64 }

// embed embeds in portions, so that it can report and stop.
func (t *task) embed(e embed.Embedder, pixels []uint8, n, size, channels int) ([]float32, error) {
	per := size * size * channels
	return t.embedded(e, n, size, channels, func(at, m int) ([]uint8, error) { return pixels[at*per : (at+m)*per], nil })
}

// embedEach is embed of images that read gives, one at a time.
func (t *task) embedEach(e embed.Embedder, n, size, channels int, read func(i int, into []uint8) error) ([]float32, error) {
	per := size * size * channels
	pixels := make([]uint8, min(n, portion(per))*per)
	return t.embedded(e, n, size, channels, func(at, m int) ([]uint8, error) {
		var g errgroup.Group
		g.SetLimit(max(1, t.job.Threads))
		for i := range m {
			g.Go(func() error { return read(at+i, pixels[i*per:(i+1)*per]) })
		}
		return pixels[:m*per], g.Wait()
	})
}

func (t *task) embedded(e embed.Embedder, n, size, channels int, images func(at, m int) ([]uint8, error)) ([]float32, error) {
	if on := embed.RunsOn(e); on != "" {
		extra := maps.Clone(t.attempt.Environment.Extra)
		if extra == nil {
			extra = map[string]string{}
		}
		extra["features"] = on
		t.attempt.Environment.Extra = extra
	}
	x := make([]float32, 0, n*e.Dim())
	most := portion(size * size * channels)
	for at := 0; at < n; at += most {
		if err := t.stopped(); err != nil {
			return nil, err
		}
		m := min(most, n-at)
		pixels, err := images(at, m)
		if err != nil {
			return nil, err
		}
		part, err := e.Embed(pixels, m, size, channels, t.job.Threads)
		if err != nil {
			return nil, fmt.Errorf("embedding with %s: %w", e.Name(), err)
		}
		x = append(x, part...)
		t.report(worker.Progress{Done: int64(at + m), Total: int64(n), What: "embedding"})
	}
	return x, nil
}

func (t *task) estimate(m *quantity.Metric, e stat.Estimate) {
	t.attempt.Values = append(t.attempt.Values, record.Estimated(m.Name, m.Unit, e))
}
