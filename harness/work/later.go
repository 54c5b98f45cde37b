package work

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/quantity"
)

// laterKinds are the stages of scores that came later: of each one that reads
// the features which a score has kept, so that nothing is sampled or embedded
// again, and one of its floor.
func laterKinds() []kind {
	var out []kind
	for _, l := range metrics.LaterScores {
		wanted := func(s *stage.Settings) bool {
			return slices.ContainsFunc(strings.Split(s.Also, ","), func(name string) bool { return strings.TrimSpace(name) == l.Name })
		}
		version := fmt.Sprintf("%s/metrics %d", l.Version, metrics.DefinitionVersion)
		out = append(out, kind{&stage.Kind{
			Name: l.Name, Inputs: []*stage.Kind{Reference, Score}, Chief: Score, Version: version, Wanted: wanted,
			Effort: func(*stage.Settings, *stage.Costs) stage.Effort { return stage.Effort{Other: 2 * time.Second} },
			Memory: func(h stage.Host) int64 { return embedding(h) },
			Lacks: func(s *stage.Settings, n stage.Images) error {
				reference, _ := n.Splits(s)
				return lacking(l, l.Enough(stage.AtMost(s.Samples, reference), s.Count))
			},
		}, func(t *task) error { return t.later(l) }}, kind{&stage.Kind{
			Name: l.Name + "_floor", Inputs: []*stage.Kind{Reference}, Optional: featured(), Chief: Reference, Version: version, Wanted: wanted,
			Part:   func(s *stage.Settings) any { return stage.CountPart{Count: s.Count} },
			Effort: func(*stage.Settings, *stage.Costs) stage.Effort { return stage.Effort{Other: 3 * time.Second} },
			Memory: func(h stage.Host) int64 { return h.Data() + embedding(h) },
			Label:  func(s *stage.Settings) string { return s.Data.Set },
		}, func(t *task) error { return t.laterFloor(l) }})
	}
	return out
}

// later scores images that were scored before, by their kept features.
func (t *task) later(l metrics.Later) error {
	real, info, err := t.readReference()
	if err != nil {
		return err
	}
	path, err := t.store.Path(t.input(Score), featuresFile)
	if err != nil {
		return err
	}
	x, shape, err := readArray[float32](path)
	if err != nil {
		return err
	}
	if len(shape) != 2 || shape[1] != real.D {
		return fmt.Errorf("artifact %s: %s has the shape %v; the reference has %d features", t.input(Score), featuresFile, shape, real.D)
	}
	labels, err := t.classes(shape[0])
	if err != nil {
		return err
	}
	gen, err := metrics.FromFloat32(x, real.D, labels)
	if err != nil {
		return err
	}
	return t.keepLater(l, l.Metrics, info, real, gen)
}

// laterFloor scores real images that are not in the reference.
func (t *task) laterFloor(l metrics.Later) error {
	real, info, err := t.readReference()
	if err != nil {
		return err
	}
	data, err := t.data()
	if err != nil {
		return err
	}
	embedder, err := t.embedder(data.Size, data.Channels)
	if err != nil {
		return err
	}
	_, other := t.splits(data)
	n := min(t.set.Count, other.N)
	if l.Enough(real.N, n) != nil || metrics.NeedsMore(l.Name, min(n, real.N), real.D) > 0 {
		return t.keepNumbers() // too few for a floor, as for the other scores
	}
	held, _, err := t.features(embedder, data, other, n)
	if err != nil {
		return err
	}
	return t.keepLater(l, l.Floors, info, real, held)
}

func (t *task) keepLater(l metrics.Later, as []*quantity.Metric, info about, real, gen metrics.Features) error {
	if l.Classes && (gen.Labels == nil || real.Labels == nil) {
		return t.keepNumbers() // images without classes have no score by class
	}
	t.report(worker.Progress{What: "comparing"})
	estimates, err := l.Of(real, gen)
	if err != nil {
		return worker.Invalid("%v", err)
	}
	info.Protocol.Samples = gen.N
	t.attempt.Protocol = info.Protocol.Map()
	for i, e := range estimates {
		t.estimate(as[i], e)
	}
	return t.keepNumbers()
}

// lacking names the key that asks for a score that there are too few images for.
func lacking(l metrics.Later, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("metrics.also = %q: %w", l.Name, err)
}
