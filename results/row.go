package results

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"prabench/metrics/stat"
	"prabench/results/record"
	"prabench/results/view"
	"prabench/results/where"
)

// Row is one line of the view results, with what else is known about it.
type Row = view.Row

// Filter chooses rows; what is empty does not restrict.
type Filter struct {
	Experiment string
	Metrics    []string
	Cells      []string     // cell ids
	First      int          // so many cells from the beginning of each plan; 0 is all
	Params     where.Filter // swept keys, model.patch, model.block, model.state, train.rollout_depth, seed or label
}

// Results gives the rows that pass the filter, ordered by experiment, place of
// the cell in its plan, place of the stage in the cell's chain, and metric.
func (db *DB) Results(ctx context.Context, f Filter) ([]Row, error) {
	rows, err := db.results(ctx, f)
	return rows, explain(db.path, "reading results", err)
}

func (db *DB) results(ctx context.Context, f Filter) ([]Row, error) {
	readers, end, err := db.readers(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	parts, err := parts(ctx, readers[0], f)
	if err != nil {
		return nil, err
	}
	origins, err := loadOrigins(ctx, readers[0])
	if err != nil {
		return nil, err
	}
	protocols, err := loadProtocols(ctx, readers[0])
	if err != nil {
		return nil, err
	}
	cells, found := make([]*cellSet, len(parts)), make([][]number, len(parts))
	err = each(readers, len(parts), func(tx *sql.Tx, i int) (err error) {
		if cells[i], err = parts[i].cells(ctx, tx, f, false); err != nil || len(cells[i].cells) == 0 {
			return err
		}
		found[i], err = parts[i].numbers(ctx, tx, f, cells[i], origins, protocols)
		return err
	})
	if err != nil {
		return nil, err
	}
	first := make([]int, len(parts)+1)
	for i := range parts {
		first[i+1] = first[i] + len(found[i])
	}
	if first[len(parts)] == 0 {
		return nil, nil
	}
	rows := make([]Row, first[len(parts)])
	return rows, each(readers, len(parts), func(_ *sql.Tx, i int) error {
		for k, x := range found[i] {
			rows[first[i]+k] = x.row(&cells[i].cells[x.cell])
		}
		found[i] = nil
		return nil
	})
}

// number is a value as it is read, before it becomes a Row: small, because
// there may be millions that are sorted.
type number struct {
	cell     int // place in the cellSet
	source   *source
	words    *words
	protocol string
	value    float64
	lo, hi   sql.NullFloat64
	n        int
}

// words come again in every cell.
type words struct {
	kind, metric, unit string
	method             stat.Method
}

func (x *number) row(c *Cell) Row {
	s := x.source
	return Row{Experiment: c.Experiment, Cell: c.Cell, Seed: c.Seed, Metric: x.words.metric, Unit: x.words.unit,
		Value: x.value, Lo: pointer(x.lo), Hi: pointer(x.hi), Method: x.words.method, N: x.n, Protocol: x.protocol, Attempt: s.attempt,
		Outcome: record.OK, CreatedAt: s.finished,
		Label: c.Label, Patch: c.Patch, Block: c.Block, RolloutDepth: c.RolloutDepth, State: c.State, Params: c.Params,
		Stage: s.key, Kind: x.words.kind, Device: s.device, DeviceClass: s.classes, Code: s.codes}
}

// numbers reads the values of a part's cells, in the order of [DB.Results].
// What a row repeats comes from SQLite as few texts: reading a column costs as
// much as looking up the row it stands in.
func (p part) numbers(ctx context.Context, tx *sql.Tx, f Filter, set *cellSet, origins origins,
	protocols map[int64]string) ([]number, error) {
	where, args := p.where(f)
	if len(f.Metrics) > 0 {
		where += " AND v.metric IN " + marks(len(f.Metrics))
		for _, m := range f.Metrics {
			args = append(args, m)
		}
	}
	found, err := tx.QueryContext(ctx,
		`SELECT c.position, s.n, cs.kind || ' ' || v.metric || ' ' || v.method || ' ' || v.unit, v.value, v.lo, v.hi, v.n, v.protocol,
			s.key || ' ' || a.id || ' ' || a.finished, a.origin
		FROM cell c INDEXED BY cell_plan CROSS JOIN cell_stage cs ON cs.cell = c.n
		CROSS JOIN stage s ON s.n = cs.stage CROSS JOIN value v ON v.attempt = s.attempt CROSS JOIN attempt a ON a.n = s.attempt
		WHERE `+where+` ORDER BY c.position`, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	known := map[string]*words{}
	sources := map[int64]*source{}
	var all []number
	for found.Next() {
		var position int
		var stage, protocol, origin int64
		var phrase, text string
		var x number
		if err := found.Scan(&position, &stage, &phrase, &x.value, &x.lo, &x.hi, &x.n, &protocol, &text, &origin); err != nil {
			return nil, err
		}
		if x.cell = set.at[position-p.from]; x.cell < 0 {
			continue
		}
		if x.words = known[phrase]; x.words == nil {
			kind, rest, _ := strings.Cut(phrase, " ")
			metric, rest, _ := strings.Cut(rest, " ")
			method, unit, _ := strings.Cut(rest, " ")
			x.words = &words{kind, metric, unit, stat.Method(method)}
			known[phrase] = x.words
		}
		if x.source = sources[stage]; x.source == nil {
			x.source = origins.source(text, origin)
			sources[stage] = x.source
		}
		x.protocol = protocols[protocol]
		all = append(all, x)
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	found.Close()
	if !origins.uniform() {
		if err := p.trace(ctx, tx, f, origins, sources); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b number) int {
		if a.cell != b.cell {
			return a.cell - b.cell
		}
		return cmp.Or(p.kinds.compare(a.words.kind, b.words.kind), strings.Compare(a.words.metric, b.words.metric),
			strings.Compare(a.protocol, b.protocol))
	})
	return all, nil
}

func pointer(x sql.NullFloat64) *float64 {
	if !x.Valid {
		return nil
	}
	return &x.Float64
}

// matches says whether a cell's parameters are those wanted.
func (f Filter) matches(c *Cell) bool {
	return f.Params.Accepts(func(key string) (any, bool) {
		v, ok := c.Param(key)
		switch key {
		case "train.rollout_depth", "rollout_depth":
			if ok && c.RolloutDepth != nil { // "exact" and its number
				return where.Names{v, *c.RolloutDepth}, true
			}
		case "seed":
			return c.Seed, true
		case "label":
			if ok { // the whole one, and that of the axis
				return where.Names{c.Label, v}, true
			}
			return c.Label, true
		}
		return v, ok
	})
}
