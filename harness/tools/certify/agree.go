package certify

import (
	"context"
	"fmt"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/work"
	"prabench/metrics"
	"prabench/metrics/certificate"
	"prabench/metrics/embed"
	"prabench/models/dataset"
)

// Agree says how far a second extractor orders the trained cells of an experiment as
// the certified one does, by the Fréchet distances of the images that were scored. The
// cells' keys must be known.
func (o Certifying) Agree(ctx context.Context, store artifact.Store, e *engine.Experiment, first, second embed.Embedder, d *dataset.Data,
) (certificate.Agreement, error) {
	out := certificate.Agreement{Extractor: second.Name(), ExtractorHash: second.Hash(), Experiment: e.Name}
	both := [2]embed.Embedder{first, second}
	var keys []string
	seen := map[string]bool{}
	for i := range e.Cells {
		key := e.Cells[i].Chain.Key(work.Sample)
		if key == "" || seen[key] {
			continue
		}
		if seen[key] = true; e.Cells[i].Skip {
			continue
		}
		if _, err := store.Stat(work.Sample.Ref(key)); err == nil {
			keys = append(keys, key)
		}
	}
	if len(keys) < 2 {
		return out, engine.Mistakef("--agree: %s has %d cells whose images are among the artifacts, two at least are ordered: "+
			"`prabench run %s` first", e.Name, len(keys), e.File)
	}
	var reference [2]metrics.Features
	var distances [2][]float64
	images := 0
	for at, key := range keys {
		if err := context.Cause(ctx); err != nil {
			return out, ErrStopped
		}
		drawn, pixels, err := work.ReadDrawn(store, key)
		if err != nil {
			return out, err
		}
		if images == 0 {
			images = drawn.Count
			real, err := certificate.Chosen(split(d.Train), min(images, d.Train.N), d.Size, d.Channels)
			if err != nil {
				return out, err
			}
			for i, x := range both {
				if reference[i], err = o.features(x, real); err != nil {
					return out, err
				}
			}
		}
		if drawn.Count != images {
			return out, engine.Mistakef("--agree: cells of %s have %d and %d images, and distances of different counts do not compare: choose "+
				"cells with --only", e.Name, images, drawn.Count)
		}
		gen := metrics.Pictures{N: drawn.Count, Size: drawn.Size, Channels: drawn.Channels, Pixels: pixels, Labels: drawn.Labels}
		for i, x := range both {
			f, err := o.features(x, gen)
			if err != nil {
				return out, err
			}
			distance, err := metrics.Frechet(reference[i], f)
			if err != nil {
				return out, err
			}
			distances[i] = append(distances[i], distance)
		}
		fmt.Fprintf(o.Out, "%d of %d cells\n", at+1, len(keys))
	}
	out.Cells = len(keys)
	out.Tau, out.Lo, out.Hi, out.Interval = certificate.Kendall(distances[0], distances[1])
	return out, nil
}

func (o Certifying) features(e embed.Embedder, p metrics.Pictures) (metrics.Features, error) {
	x, err := e.Embed(p.Pixels, p.N, p.Size, p.Channels, max(1, o.Threads))
	if err != nil {
		return metrics.Features{}, err
	}
	return metrics.FromFloat32(x, e.Dim(), p.Labels)
}
