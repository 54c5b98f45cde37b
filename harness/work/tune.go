package work

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/models"
)

// Tune chooses how a cell samples: every combination of the grid draws a few images
// with noise of its own, and the best by one score is what samples and timings take.
var Tune = &stage.Kind{
	Name:     "tune",
	Inputs:   []*stage.Kind{Reference, Train},
	Optional: featured(),
	Chief:    Train,
	Wanted:   func(s *stage.Settings) bool { return s.Tune.Metric != "" },
	Version:  "1/" + stage.Core + "/" + scoreVersion,
	Part: func(s *stage.Settings) any {
		return tunePart{models.Table(s.Params, "sample"), s.Tune.Metric, string(s.Tune.Grid), s.Tune.Images, s.Tune.Seed, s.Measure.Lowered()}
	},
	OnDevice: true,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		var flops float64
		points, _ := s.Tune.Grid.Points(s.Params)
		for _, p := range points {
			flops += p.Params.Costs().FLOPsImage * float64(s.Tune.Images)
		}
		return stage.Effort{FLOPs: flops, Threads: s.Training().Threads, Other: time.Duration(len(points)+1) * time.Second}
	},
	// Guidance evaluates images twice, whatever the cell samples with by itself.
	Memory: func(h stage.Host) int64 {
		return h.Images(2*h.Tune.Images) + 2*h.Sampling(h.Tune.Images, 1) + embedding(h)
	},
	Lacks: func(s *stage.Settings, n stage.Images) error {
		reference, _ := n.Splits(s)
		if err := metrics.CheckScoreBy(s.Tune.Metric, stage.AtMost(s.Samples, reference), s.Tune.Images); err != nil {
			return fmt.Errorf("tune.images = %d: %w", s.Tune.Images, err)
		}
		return nil
	},
	Shown: true,
}

type tunePart struct {
	Sample    any    `json:"sample"` // the family's table
	Metric    string `json:"metric"`
	Grid      string `json:"grid"`
	Images    int    `json:"images"`
	Seed      uint64 `json:"seed"`
	Precision string `json:"precision,omitempty"`
}

// ResponseFile is what every combination came to, and which was chosen: Response.
const ResponseFile = "response.json"

// Response is how a score responds to the settings of sampling.
type Response struct {
	Metric string  `json:"metric"`
	Images int     `json:"images"`
	Grid   string  `json:"grid"`
	Trials []Trial `json:"trials"`
	Chosen int     `json:"chosen"` // place among the trials
	Fresh  Bounded `json:"fresh"`  // the chosen one's score on other noise, of as many images
	// Ends are the keys of numbers whose chosen value is the first or the last of the grid.
	Ends []string `json:"ends,omitempty"`
}

// Trial is one combination.
type Trial struct {
	Settings map[string]any `json:"settings"` // by keys of [sample]
	Score    Bounded        `json:"score"`
}

// tune tries every combination and keeps the best.
func (t *task) tune() error {
	real, info, err := t.readReference()
	if err != nil {
		return err
	}
	shape := t.set.Params.Shape()
	embedder, err := t.embedder(shape.Size, shape.Channels)
	if err != nil {
		return err
	}
	be, model, err := t.model()
	if err != nil {
		return err
	}
	defer be.Close()
	defer model.Close()
	points, err := t.set.Tune.Grid.Points(t.set.Params)
	if err != nil {
		return worker.Invalid("%v", err)
	}
	n := t.set.Tune.Images
	of := trials{task: t, model: model, embedder: embedder, real: real, labels: EvenLabels(n, shape.Classes), total: len(points) + 1}
	out := Response{Metric: t.set.Tune.Metric, Images: n, Grid: string(t.set.Tune.Grid), Chosen: -1}
	better := float64(quantity.Find(out.Metric).Better)
	for _, p := range points {
		e, err := of.score(p.Params, t.set.Tune.Seed)
		if err != nil {
			return err
		}
		out.Trials = append(out.Trials, Trial{p.Settings, bounded(e)})
		if out.Chosen < 0 || (e.Value-out.Trials[out.Chosen].Score.Value)*better > 0 {
			out.Chosen = len(out.Trials) - 1
		}
	}
	chosen := points[out.Chosen]
	fresh, err := of.score(chosen.Params, t.set.Tune.Seed+1)
	if err != nil {
		return err
	}
	out.Fresh, out.Ends = bounded(fresh), t.set.Tune.Grid.Ends(t.set.Params, chosen.Settings)
	info.Protocol.Samples = n
	t.attempt.Protocol = info.Protocol.Map()
	t.attempt.Protocol["tuned_by"], t.attempt.Protocol["grid"] = out.Metric, out.Grid
	t.choice(out, fresh)
	raw, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	return t.keep(func(d *artifact.Draft) error { return d.Write(ResponseFile, raw) })
}

// choice gives the numbers of what was chosen.
func (t *task) choice(r Response, fresh stat.Estimate) {
	t.estimate(quantity.TuneSelected, r.Trials[r.Chosen].Score.Estimate())
	t.estimate(quantity.TuneFresh, fresh)
	t.value(quantity.TuneTrials, float64(len(r.Trials)), len(r.Trials))
	t.value(quantity.TuneAtEnd, float64(len(r.Ends)), len(r.Trials))
	for _, row := range quantity.Tuned {
		switch v := r.Trials[r.Chosen].Settings[row.Key].(type) {
		case int:
			t.value(row.Metric, float64(v), len(r.Trials))
		case float64:
			t.value(row.Metric, v, len(r.Trials))
		case string:
			if !slices.ContainsFunc(r.Trials, func(t Trial) bool { return t.Settings[row.Key] == row.Word }) {
				continue
			}
			x := 0.0
			if v == row.Word {
				x = 1
			}
			t.value(row.Metric, x, len(r.Trials))
		}
	}
}

// trials draws and scores.
type trials struct {
	*task
	model    models.Model
	embedder embed.Embedder
	real     metrics.Features
	labels   []int32
	done     int
	total    int
}

// score draws images by some sampling with some noise and scores them.
func (t *trials) score(p models.Params, seed uint64) (stat.Estimate, error) {
	p, _ = models.Set(p, "sample.seed", seed)
	n, shape := len(t.labels), p.Shape()
	at := func(share float64) {
		t.report(worker.Progress{Done: int64(float64(n) * (float64(t.done) + share)), Total: int64(n * t.total), What: "trying"})
	}
	pixels, err := Draw(t.model, p, min(max(t.set.Batch, 1), n), t.labels, func(k int) error {
		at(float64(k) / float64(n))
		return t.stopped()
	})
	if err != nil {
		return stat.Estimate{}, err
	}
	t.done++
	x, err := t.embedder.Embed(pixels, n, shape.Size, shape.Channels, t.job.Threads)
	if err != nil {
		return stat.Estimate{}, fmt.Errorf("embedding with %s: %w", t.embedder.Name(), err)
	}
	gen, err := metrics.FromFloat32(x, t.embedder.Dim(), t.labels)
	if err != nil {
		return stat.Estimate{}, err
	}
	e, err := metrics.ScoreBy(t.set.Tune.Metric, t.real, gen)
	if err == nil && math.IsNaN(e.Value) {
		err = fmt.Errorf("the %s of %v is not a number", t.set.Tune.Metric, models.Table(p, "sample"))
	}
	if err != nil {
		return e, worker.Invalid("%v", err)
	}
	return e, nil
}

// tuned gives the settings of a cell what its own choice was, where it has chosen.
func (t *task) tuned() (err error) {
	if key := t.job.Inputs[Tune.Name]; key != "" {
		t.set.Params, err = Chosen(t.store, key, t.set.Params)
	}
	return err
}

// Chosen gives parameters with the sampling that a tune stage chose.
func Chosen(s artifact.Store, key string, p models.Params) (models.Params, error) {
	r, err := ReadResponse(s, key)
	if err != nil {
		return p, err
	}
	for name, v := range r.Trials[r.Chosen].Settings {
		have, ok := models.Get(p, "sample."+name)
		if !ok {
			continue
		}
		if f, number := v.(float64); number { // of JSON
			if _, whole := have.(float64); !whole {
				v = int(f)
			}
		}
		p, _ = models.Set(p, "sample."+name, v)
	}
	return p, nil
}

// ReadResponse reads what a tune stage came to.
func ReadResponse(s artifact.Store, key string) (Response, error) {
	var r Response
	ref := Tune.Ref(key)
	raw, err := s.Read(ref, ResponseFile)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("artifact %s: %s: %w", ref, ResponseFile, err)
	}
	if r.Chosen < 0 || r.Chosen >= len(r.Trials) || slices.ContainsFunc(r.Trials, func(t Trial) bool { return t.Settings == nil }) {
		return r, fmt.Errorf("artifact %s: %s has %d trials, of which number %d was chosen", ref, ResponseFile, len(r.Trials), r.Chosen)
	}
	return r, nil
}
