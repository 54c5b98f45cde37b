package live

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prabench/harness/work"
	"prabench/metrics/quantity"
	"prabench/results"
	"prabench/results/where"
)

// untilKey is the key of how far a cell was trained: cells that differ in it
// alone are one training, looked at on its way.
const untilKey = "train.until"

// training is one training of an experiment that is looked at on its way.
type training struct{ experiment, setting string }

// trainingOf is the training that a cell belongs to, and how far the cell went.
func trainingOf(experiment string, seed uint64, p params) (of training, step float64, along bool) {
	step, along = where.Float(p.swept[untilKey])
	if !along {
		return of, 0, false
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d", seed)
	for _, key := range slices.Sorted(maps.Keys(p.swept)) {
		if key != untilKey {
			fmt.Fprintf(&b, "\x00%s=%s", key, where.Text(p.swept[key]))
		}
	}
	return training{experiment, b.String()}, step, true
}

// stop is a cell of a training, with how far it was trained.
type stop struct {
	name
	step float64
}

// along are the stops of all trainings, by step. It is made once for a base.
func (b *base) along(cells []cell) map[training][]stop {
	if b.trainings != nil {
		return b.trainings
	}
	b.trainings = map[training][]stop{}
	for i := range cells {
		n := name{cells[i].Experiment, cells[i].Cell}
		if of, step, ok := trainingOf(n.experiment, cells[i].Seed, b.params[n]); ok {
			b.trainings[of] = append(b.trainings[of], stop{n, step})
		}
	}
	for _, stops := range b.trainings {
		slices.SortFunc(stops, func(a, b stop) int { return cmp.Compare(a.step, b.step) })
	}
	return b.trainings
}

// chosenUnit is what is drawn for a choice: a cell, or the training that a stop
// belongs to.
type chosenUnit struct {
	title string
	seed  uint64
	picks []string
	stops []stop // the cell itself, or all stops of the training
	along bool
}

// units finds what was chosen, and says what is not there.
func (w *watcher) units(v *view, picks []string) (chosen []chosenUnit, notes []string) {
	if len(picks) > mostChosen {
		notes = append(notes, fmt.Sprintf("Shown are the first %d of %d chosen cells.", mostChosen, len(picks)))
		picks = picks[:mostChosen]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := map[name]*cell{}
	for i := range v.Cells {
		at[name{v.Cells[i].Experiment, v.Cells[i].Cell}] = &v.Cells[i]
	}
	unit := map[training]int{}
	gone := 0
	for _, pick := range picks {
		n := named(pick)
		c := at[n]
		if c == nil {
			gone++
			continue
		}
		of, _, along := trainingOf(n.experiment, c.Seed, v.base.params[n])
		if !along {
			of = training{n.experiment, "cell " + n.cell}
		}
		if i, again := unit[of]; again {
			chosen[i].picks = append(chosen[i].picks, pick)
			continue
		}
		unit[of] = len(chosen)
		u := chosenUnit{title: v.title(c), seed: c.Seed, picks: []string{pick}, stops: []stop{{name: n}}, along: along}
		if along {
			u.stops = spread(v.base.along(v.Cells)[of], mostStops)
		}
		chosen = append(chosen, u)
	}
	if gone > 0 {
		notes = append(notes, fmt.Sprintf("Not here any more: %d of %d chosen cells.", gone, len(picks)))
	}
	return chosen, notes
}

// title names a setting: seeds and stops of it have the same.
func (v *view) title(c *cell) string {
	words := slices.DeleteFunc(strings.Fields(c.Label), func(w string) bool { return strings.HasPrefix(w, "until=") })
	if len(v.Experiments) > 1 || len(words) == 0 {
		words = append([]string{c.Experiment}, words...)
	}
	return strings.Join(words, " ")
}

// score is a value with the protocol it was measured by.
type score struct {
	value    float64
	protocol string
}

// quality are the metrics that are shown along trainings.
var quality = quantity.Names(func(m *quantity.Metric) bool { return m.Group == quantity.Quality })

// stops adds the values of a metric along the chosen trainings, and which metrics
// there are.
func (w *watcher) stops(ctx context.Context, b *base, chosen []chosenUnit, a *answer, metric string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var cells []name
	for _, u := range chosen {
		for _, s := range u.stops {
			if u.along {
				cells = append(cells, s.name)
			}
		}
	}
	err := w.readScores(context.WithoutCancel(ctx), b, cells)
	protocols := map[string]map[string]bool{}
	for _, c := range cells {
		for m, s := range b.scores[c] {
			if protocols[m] == nil {
				protocols[m] = map[string]bool{}
			}
			protocols[m][s.protocol] = true
		}
	}
	for _, m := range quality {
		if protocols[m] != nil {
			a.Metrics = append(a.Metrics, words{m, quantity.Find(m).Label})
		}
	}
	if protocols[metric] == nil && len(a.Metrics) > 0 {
		metric = a.Metrics[0].Name
	}
	a.Metric = metric
	if n := len(protocols[metric]); n > 1 {
		a.Notes = append(a.Notes, fmt.Sprintf("%s was measured by %d protocols, whose values share no axis: choose cells of one.", metric, n))
		return err
	}
	for i, u := range chosen {
		line := series{Cell: i}
		for _, s := range u.stops {
			if v, ok := b.scores[s.name][metric]; ok && u.along {
				line.X, line.Y = append(line.X, amount(s.step)), append(line.Y, amount(v.value))
			}
		}
		if len(line.X) > 0 {
			a.Stops = append(a.Stops, line)
		}
	}
	return err
}

// readScores reads what is not known yet of some cells, once for each state of the
// database.
func (w *watcher) readScores(ctx context.Context, b *base, cells []name) error {
	missing := map[string][]string{}
	for _, c := range cells {
		if b.scores[c] == nil && b.refs[c.experiment] != "" {
			missing[c.experiment] = append(missing[c.experiment], c.cell)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return w.open(func(db *results.DB) error {
		for experiment, ids := range missing {
			rows, err := db.Results(ctx, results.Filter{Experiment: b.refs[experiment], Cells: ids, Metrics: quality})
			if err != nil {
				return err
			}
			for _, id := range ids {
				b.scores[name{experiment, id}] = map[string]score{}
			}
			for i := range rows {
				r := &rows[i]
				b.scores[name{experiment, r.Cell}][r.Metric] = score{r.Value, r.Protocol}
			}
		}
		return nil
	})
}

// samplesOf are the grids of some of the chosen trainings, by step: of one seed of
// each setting before further seeds.
func samplesOf(b *base, chosen []chosenUnit) []strip {
	first, further := []strip{}, []strip{}
	shown := map[string]bool{}
	for i, u := range chosen {
		row := strip{Cell: i}
		for _, s := range u.stops {
			at, ok := b.sampleOf[b.keys[s.name][work.Sample.Name]]
			if !ok {
				continue
			}
			g := grid{URL: b.samples[at].address()}
			if u.along {
				g.Step = where.Show(s.step)
			}
			row.Grids = append(row.Grids, g)
		}
		row.Grids = spread(row.Grids, mostGrids)
		switch {
		case len(row.Grids) == 0:
		case shown[u.title]:
			further = append(further, row)
		default:
			shown[u.title] = true
			first = append(first, row)
		}
	}
	all := append(first, further...)
	return all[:min(len(all), mostTrainings)]
}

// spread leaves at most so many of a list, the last among them, evenly.
func spread[T any](list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	out := make([]T, most)
	for i := range out {
		out[i] = list[(i+1)*len(list)/most-1]
	}
	return out
}
