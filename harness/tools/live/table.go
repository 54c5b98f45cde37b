package live

import (
	"cmp"
	"context"
	"math"
	"slices"

	"prabench/internal/numeral"
	"prabench/results"
)

// table is the cells that a question asks for.
type table struct {
	Columns         []heading // of metrics
	Rows            []tableRow
	First, Last, Of int    // which these are of all that were asked for, from 1
	Before, After   string // addresses of the neighbouring pages, or ""
	Mistake         string // what is wrong with the filter, or why there are no values
}

// heading is a column's name, and where it leads.
type heading struct {
	Name, Unit, About string
	Address           string
	Sorted            string // ascending, descending or none, as ARIA says it
}

// tableRow is a cell with its values, one a column.
type tableRow struct {
	cell
	Values []number
}

// Pick names the cell in addresses.
func (r tableRow) Pick() string { return name{r.Experiment, r.Cell}.String() }

// table answers a question about cells. Of the database it reads the values of
// the cells on the page, and of all cells what they are sorted by, once for each
// state of the database.
func (w *watcher) table(ctx context.Context, v *view, q question) table {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // what is read is for all
	b := v.base
	var t table
	wanted, err := conditionOf(q.Filter, func(key string) bool { return b.saysKey(v.Cells, key) })
	if err != nil {
		t.Mistake = err.Error()
	}
	columns := b.columns()
	by, down := q.sorted()
	chosen := make([]*cell, 0, len(v.Cells))
	for i := range v.Cells {
		c := &v.Cells[i]
		if (q.State == "" || c.State == q.State) && (q.Experiment == "" || c.Experiment == q.Experiment) &&
			wanted.accepts(c, b.params[name{c.Experiment, c.Cell}]) {
			chosen = append(chosen, c)
		}
	}
	known := func(name string) bool {
		return slices.ContainsFunc(columns, func(c column) bool { return c.Name == name })
	}
	var values map[name]float64
	if known(by) {
		if values, err = w.sortValues(ctx, b, by); err != nil {
			t.Mistake = "Values cannot be read: " + err.Error()
		}
	}
	sortCells(chosen, by, down, values)

	pages := max(1, (len(chosen)+cellsOnPage-1)/cellsOnPage)
	at := min(q.Page, pages)
	first := (at - 1) * cellsOnPage
	page := chosen[first:min(len(chosen), first+cellsOnPage)]
	t.First, t.Last, t.Of = first+1, first+len(page), len(chosen)
	other := q
	if at > 1 {
		other.Page = at - 1
		t.Before = other.address()
	}
	if at < pages {
		other.Page = at + 1
		t.After = other.address()
	}
	if err := w.pageValues(ctx, b, page, columns); err != nil {
		t.Mistake = "Values cannot be read: " + err.Error()
	}
	for _, c := range columns {
		h := heading{Name: c.Name, Unit: c.Unit, Address: q.next(c.Name).address(), Sorted: q.direction(c.Name)}
		h.About = c.About()
		t.Columns = append(t.Columns, h)
	}
	for _, c := range page {
		row := tableRow{cell: *c, Values: make([]number, len(columns))}
		for i, column := range columns {
			row.Values[i] = b.values[name{c.Experiment, c.Cell}][column.Name]
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// direction is how a column is sorted, in the words of ARIA.
func (q question) direction(column string) string {
	switch q.Sort {
	case column:
		return "ascending"
	case "-" + column:
		return "descending"
	}
	return "none"
}

// HeadingOf is the heading of a column that is no metric.
func (d pageData) HeadingOf(text, column string) heading {
	return heading{Name: text, Address: d.Ask.next(column).address(), Sorted: d.Ask.direction(column)}
}

// sortCells orders cells, those without a value last. Where nothing else is
// asked for, those come first that need attention.
func sortCells(cells []*cell, by string, down bool, values map[name]float64) {
	sign := 1
	if down {
		sign = -1
	}
	switch {
	case values != nil:
		slices.SortStableFunc(cells, func(a, b *cell) int {
			x, hasX := values[name{a.Experiment, a.Cell}]
			y, hasY := values[name{b.Experiment, b.Cell}]
			if !hasX || !hasY {
				return cmp.Compare(found(hasY), found(hasX))
			}
			return sign * cmp.Compare(x, y)
		})
	case by == byCell:
		if down {
			slices.Reverse(cells)
		}
	case by == bySeed:
		slices.SortStableFunc(cells, func(a, b *cell) int { return sign * cmp.Compare(a.Seed, b.Seed) })
	default:
		slices.SortStableFunc(cells, func(a, b *cell) int { return sign * (rank(a.State) - rank(b.State)) })
	}
}

func found(ok bool) int {
	if ok {
		return 1
	}
	return 0
}

// columns are the metrics that the experiments' numbers show.
func (b *base) columns() []column {
	var out []column
	for _, e := range b.experiments {
		for _, c := range e.Numbers.Columns {
			if !slices.ContainsFunc(out, func(have column) bool { return have.Name == c.Name }) {
				out = append(out, c)
			}
		}
	}
	return out
}

// pageValues reads what is not known yet of some cells.
func (w *watcher) pageValues(ctx context.Context, b *base, cells []*cell, columns []column) error {
	missing := map[string][]string{}
	for _, c := range cells {
		if n := (name{c.Experiment, c.Cell}); b.values[n] == nil && b.refs[c.Experiment] != "" {
			missing[c.Experiment] = append(missing[c.Experiment], c.Cell)
		}
	}
	if len(missing) == 0 || len(columns) == 0 {
		return nil
	}
	var metrics []string
	factors := map[string]float64{}
	for _, c := range columns {
		metrics, factors[c.Name] = append(metrics, c.Name), c.factor
	}
	return w.open(func(db *results.DB) error {
		for experiment, ids := range missing {
			rows, err := db.Results(ctx, results.Filter{Experiment: b.refs[experiment], Cells: ids, Metrics: metrics})
			if err != nil {
				return err
			}
			for _, id := range ids {
				b.values[name{experiment, id}] = map[string]number{}
			}
			for i := range rows {
				r := &rows[i]
				var v number
				v.Value, v.Interval = numeral.WithInterval(r.Value, r.Lo, r.Hi, factors[r.Metric])
				b.values[name{experiment, r.Cell}][r.Metric] = v
			}
		}
		return nil
	})
}

// sortValues reads one metric of all cells.
func (w *watcher) sortValues(ctx context.Context, b *base, metric string) (map[name]float64, error) {
	if known := b.sorts[metric]; known != nil {
		return known, nil
	}
	values := map[name]float64{}
	err := w.open(func(db *results.DB) error {
		for experiment, ref := range b.refs {
			rows, err := db.Results(ctx, results.Filter{Experiment: ref, Metrics: []string{metric}})
			if err != nil {
				return err
			}
			for i := range rows {
				if r := &rows[i]; !math.IsNaN(r.Value) {
					values[name{experiment, r.Cell}] = r.Value
				}
			}
		}
		return nil
	})
	if err == nil {
		b.sorts[metric] = values
	}
	return values, err
}

// open reads the database once more for what somebody asks for. What that takes
// counts as a part of a look, so that looks stay a small share of the time.
func (w *watcher) open(read func(*results.DB) error) error {
	begin := w.now()
	defer func() { w.baseTook += w.now().Sub(begin) }()
	db, err := results.OpenReadOnly(w.src.Places.DB)
	if err != nil {
		return err
	}
	defer db.Close()
	return read(db)
}

// choice is a link that restricts the cells, or lifts that.
type choice struct {
	State   string // "" stands for all
	Text    string
	Cells   int
	Chosen  bool
	Address string
}

// States are the links to cells of one state.
func (d pageData) States() []choice {
	at := func(state string) string {
		q := d.Ask
		q.State, q.Page = state, 1
		return q.address()
	}
	out := []choice{{Text: "all", Cells: len(d.Cells), Chosen: d.Ask.State == "", Address: at("")}}
	for _, c := range d.Counts {
		out = append(out, choice{c.State, c.State, c.Cells, d.Ask.State == c.State, at(c.State)})
	}
	return out
}

// ByExperiment are the links to cells of one experiment.
func (d pageData) ByExperiment() []choice {
	if !d.Several() {
		return nil
	}
	at := func(experiment string) string {
		q := d.Ask
		q.Experiment, q.Page = experiment, 1
		return q.address()
	}
	out := []choice{{Text: "all experiments", Chosen: d.Ask.Experiment == "", Address: at("")}}
	for _, e := range d.Experiments {
		out = append(out, choice{Text: e.Name, Chosen: d.Ask.Experiment == e.Name, Address: at(e.Name)})
	}
	return out
}
