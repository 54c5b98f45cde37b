package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/work"
	"prabench/metrics/quantity"
	"prabench/models"
)

// Bounds of one answer about chosen cells, whatever the size of the sweep.
const (
	mostChosen    = 60  // cells
	mostPoints    = 300 // of a curve
	mostStops     = 60  // of a training
	mostTrainings = 12  // whose samples are shown
	mostGrids     = 8   // of a training
	keptCurves    = 256 // curves in memory
)

// answer is what chosen cells have to show together.
type answer struct {
	Most    int     `json:"most"` // cells that can be chosen
	Loss    string  `json:"loss"` // of the curves
	Losses  []words `json:"losses"`
	Metric  string  `json:"metric"` // of the stops
	Metrics []words `json:"metrics"`

	Cells   []chosenCell `json:"cells"`
	Curves  []series     `json:"curves"`
	Stops   []series     `json:"stops"`
	Samples []strip      `json:"samples"`

	Notes []string `json:"notes"` // sentences
	Live  bool     `json:"live"`  // a chosen cell is being trained
}

// words is a loss or a metric with the words of axes.
type words struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// chosenCell is one of them, or a training of which several stops were chosen.
// Seeds of one setting have one group, and one look.
type chosenCell struct {
	Picks []string `json:"picks"`
	Name  string   `json:"name"` // of its group
	Group int      `json:"group"`
	Seed  uint64   `json:"seed"`
}

// series is a line: values by training step.
type series struct {
	Cell int      `json:"cell"` // place in Cells
	X    []amount `json:"x"`
	Y    []amount `json:"y"`
	Live bool     `json:"live,omitempty"`
}

// strip is the samples of a training in the order of its steps.
type strip struct {
	Cell  int    `json:"cell"`
	Grids []grid `json:"grids"`
}

type grid struct {
	Step string `json:"step"` // "" where there is one only
	URL  string `json:"url"`
}

// amount is a number in JSON: with seven digits, and null where it is none.
type amount float64

// MarshalJSON writes it.
func (a amount) MarshalJSON() ([]byte, error) {
	v := float64(a)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, v, 'g', 7, 64), nil
}

// chosen answers with what the cells named by pick have to show.
func (s *Server) chosen(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := s.watch.look(r.Context())
	chosen, notes := s.watch.units(v, q["pick"])
	a := s.gather(v, chosen, q.Get("loss"))
	a.Samples = samplesOf(v.base, chosen)
	if err := s.watch.stops(r.Context(), v.base, chosen, &a, q.Get("metric")); err != nil {
		notes = append(notes, "Values cannot be read: "+err.Error())
	}
	a.Notes = append(append([]string{}, notes...), a.Notes...) // none is [], not null
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(a) // the reader may be gone
}

// gather collects what was chosen and its curves.
func (s *Server) gather(v *view, chosen []chosenUnit, loss string) answer {
	a := answer{Most: mostChosen, Loss: cmp.Or(loss, models.Total), Losses: []words{}, Metrics: []words{}, Cells: []chosenCell{},
		Curves: []series{}, Stops: []series{}, Samples: []strip{}, Notes: []string{}}
	running := map[string]engine.Running{}
	for _, m := range v.marks {
		running[m.Stage] = m
	}
	groups := map[string]int{}
	without, thinned := 0, 1
	for i, u := range chosen {
		if _, known := groups[u.title]; !known {
			groups[u.title] = len(groups)
		}
		a.Cells = append(a.Cells, chosenCell{u.picks, u.title, groups[u.title], u.seed})
		line := series{Cell: i}
		points, losses := s.curve(v.base, u, a.Loss)
		for _, of := range u.stops {
			m, now := running[v.base.keys[of.name][work.Train.Name]]
			if !now {
				continue
			}
			a.Live, line.Live = true, true
			if a.Loss == models.Total { // the one that a run tells of
				points = goOn(points, m.Curve)
			}
		}
		for _, loss := range losses {
			if !slices.ContainsFunc(a.Losses, func(l words) bool { return l.Name == loss }) {
				a.Losses = append(a.Losses, words{loss, lossLabel(loss)})
			}
		}
		if len(points) == 0 {
			without++
			continue
		}
		var each int
		line.X, line.Y, each = thin(points, mostPoints)
		thinned = max(thinned, each)
		a.Curves = append(a.Curves, line)
	}
	if len(a.Losses) == 0 {
		a.Losses = append(a.Losses, words{a.Loss, lossLabel(a.Loss)})
	}
	if without > 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("No curve of this loss yet: %d of %d chosen.", without, len(chosen)))
	}
	if thinned > 1 {
		a.Notes = append(a.Notes, fmt.Sprintf("Each point is the mean of up to %d logged losses.", thinned))
	}
	return a
}

// curve is one loss of the longest stop that is done, with the names of all losses.
func (s *Server) curve(b *base, u chosenUnit, loss string) (points []engine.LossPoint, losses []string) {
	for _, of := range slices.Backward(u.stops) {
		points, losses = s.shelf.of(s.watch.src.Places.Store(), b, b.keys[of.name][work.Train.Name], loss)
		if len(losses) > 0 {
			break
		}
	}
	return points, losses
}

// goOn adds to a curve what a training that goes on from its end has told.
func goOn(points, more []engine.LossPoint) []engine.LossPoint {
	last := int64(-1)
	if n := len(points); n > 0 {
		last = points[n-1].Step
	}
	for _, p := range more {
		if p.Step > last {
			points = append(points, p)
		}
	}
	return points
}

// lossLabel is what the catalogue calls a loss, or its own name.
func lossLabel(loss string) string {
	of := work.LossName(loss)
	if m := quantity.Find(of); m != nil {
		return m.Label
	}
	return of
}

// thin averages equal numbers of neighbouring points until at most so many are
// left, and says how many each stands for. What is no number stays out of means.
func thin(points []engine.LossPoint, most int) (x, y []amount, each int) {
	each = (len(points) + most - 1) / most
	for i := 0; i < len(points); i += each {
		part := points[i:min(i+each, len(points))]
		var steps, sum, n float64
		for _, p := range part {
			steps += float64(p.Step)
			if !math.IsNaN(p.Loss) && !math.IsInf(p.Loss, 0) {
				sum += p.Loss
				n++
			}
		}
		x, y = append(x, amount(steps/float64(len(part)))), append(y, amount(sum/n)) // 0/0 is no number either
	}
	return x, y, each
}

// shelf keeps curves of finished trainings for those who chose them.
type shelf struct {
	mu   sync.Mutex
	kept map[string]work.Curve
}

// of gives one loss of a finished training, and the names of all that it has.
// There are none of a training that is not done, or whose curve cannot be read:
// status and figures say what is wrong with it.
func (s *shelf) of(store artifact.Store, b *base, key, loss string) (points []engine.LossPoint, losses []string) {
	if i, ok := b.stageOf[key]; !ok || b.stages[i].state != done {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	curve, known := s.kept[key]
	if !known {
		raw, err := store.Read(work.Train.Ref(key), work.CurveFile)
		if err != nil {
			return nil, nil
		}
		if curve, err = work.ReadCurve(raw); err != nil {
			return nil, nil
		}
		if s.kept == nil || len(s.kept) >= keptCurves {
			s.kept = map[string]work.Curve{}
		}
		s.kept[key] = curve
	}
	for _, l := range curve {
		if v, ok := l.Of(loss); ok {
			points = append(points, engine.LossPoint{Step: int64(l.Step), Loss: v})
		}
		for _, v := range l.Values {
			if !slices.Contains(losses, v.Name) {
				losses = append(losses, v.Name)
			}
		}
	}
	return points, losses
}
