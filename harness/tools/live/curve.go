package live

import (
	"os"
	"slices"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/work"
)

// shownCurves is how many finished trainings stand behind those that run.
const shownCurves = 24

// curve is the loss of one training, by step.
type curve struct {
	Label  string
	Made   time.Time
	Points []engine.LossPoint
}

// curveCache keeps the curves of finished trainings by their keys, since a
// finished training never changes.
type curveCache map[string]curve

// finished are the curves of the trainings that ended last. One that cannot be
// read is left out: the figures of the experiment say what is wrong with it.
func (cache curveCache) finished(store artifact.Store, stages []stage) []curve {
	type candidate struct {
		stage
		made time.Time
	}
	var found []candidate
	for _, s := range stages {
		if s.kind != work.Train.Name || s.state != done {
			continue
		}
		if info, err := os.Stat(store.Dir(s.ref()) + "/" + work.CurveFile); err == nil {
			found = append(found, candidate{s, info.ModTime()})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return b.made.Compare(a.made) })
	var out []curve
	for _, s := range found[:min(len(found), shownCurves)] {
		c, kept := cache[s.key]
		if !kept {
			raw, err := store.Read(s.ref(), work.CurveFile)
			if err != nil {
				continue
			}
			losses, err := work.ReadCurve(raw)
			if err != nil {
				continue
			}
			c = curve{Label: s.label, Made: s.made}
			for _, l := range losses {
				c.Points = append(c.Points, engine.LossPoint{Step: int64(l.Step), Loss: l.Total()})
			}
			cache[s.key] = c
		}
		out = append(out, c)
	}
	return out
}
