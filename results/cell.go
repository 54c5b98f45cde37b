package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"prabench/results/record"
	"prabench/results/view"
	"prabench/results/where"
)

// Cell is one line of the view cells, with what else is known about it.
type Cell = view.Cell

// label is that of a cell c in today's spelling, [where.Label]: earlier programs
// stored "depth" for train.rollout_depth. A step of a zip keeps the name that a file
// gives it.
const label = `CASE WHEN instr(' ' || c.label, ' depth=') > 0 AND json_type(c.params_json, '$."train.rollout_depth"') IS NOT NULL
	AND instr(coalesce(json_extract(c.params_json, '$.label'), ''), 'depth=') = 0
	THEN substr(replace(' ' || c.label, ' depth=', ' rollout_depth='), 2) ELSE c.label END`

// Cells gives the cells of an experiment, or of all when it is "", in the
// order of their plan.
func (db *DB) Cells(ctx context.Context, experiment string) ([]Cell, error) {
	return db.CellsOf(ctx, Filter{Experiment: experiment})
}

// CellsOf gives the cells that pass a filter, whose metrics are not looked at,
// experiment by experiment in the order of their plans.
func (db *DB) CellsOf(ctx context.Context, f Filter) ([]Cell, error) {
	cells, err := db.cells(ctx, f)
	return cells, explain(db.path, "reading cells", err)
}

func (db *DB) cells(ctx context.Context, f Filter) ([]Cell, error) {
	readers, end, err := db.readers(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	parts, err := parts(ctx, readers[0], f)
	if err != nil {
		return nil, err
	}
	found := make([]*cellSet, len(parts))
	err = each(readers, len(parts), func(tx *sql.Tx, i int) (err error) {
		if found[i], err = parts[i].cells(ctx, tx, f, true); err == nil && found[i].failed {
			err = parts[i].reasons(ctx, tx, f, found[i])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	n := 0
	for _, set := range found {
		n += len(set.cells)
	}
	all := make([]Cell, 0, n)
	for _, set := range found {
		all = append(all, set.cells...)
	}
	return all, nil
}

// cellSet is the cells of a part that a filter chose.
type cellSet struct {
	cells  []Cell
	at     []int // position − part.from → place in cells, −1 where it was not chosen
	failed bool  // a cell's outcome is worse than pending
}

// cells reads a part, with the cells' outcomes if they are wanted.
func (p part) cells(ctx context.Context, tx *sql.Tx, f Filter, outcomes bool) (*cellSet, error) {
	where, args := p.where(f)
	worst := "0"
	if outcomes {
		worst = "coalesce((SELECT max(s.severity) FROM cell_stage cs CROSS JOIN stage s ON s.n = cs.stage WHERE cs.cell = c.n), 1)"
	}
	found, err := tx.QueryContext(ctx,
		`SELECT c.position, c.id, c.seed, c.patch, c.block, c.rollout_depth, c.state, `+label+`, c.params_json, `+worst+`
		FROM cell c INDEXED BY cell_plan WHERE `+where+` ORDER BY c.position`, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	set := &cellSet{cells: make([]Cell, 0, p.to-p.from), at: make([]int, p.to-p.from)}
	for i := range set.at {
		set.at[i] = -1
	}
	var last Cell // seeds of one point follow each other and have the same texts
	lastText := ""
	for found.Next() {
		var position, grade int
		var seed int64
		var text string
		c := Cell{Experiment: p.experiment}
		if err := found.Scan(&position, &c.Cell, &seed, &c.Patch, &c.Block, &c.RolloutDepth, &c.State, &c.Label, &text, &grade); err != nil {
			return nil, err
		}
		c.Seed = uint64(seed)
		if outcomes {
			c.Outcome = record.Severities[grade]
		}
		if c.Label == last.Label {
			c.Label = last.Label
		}
		if text == lastText && last.Params != nil {
			c.Params = last.Params
		} else if c.Params, err = readParams(text); err != nil {
			return nil, err
		}
		last, lastText = c, text
		if f.matches(&c) {
			set.failed = set.failed || outcomes && grade > record.Severity(record.Pending)
			set.at[position-p.from] = len(set.cells)
			set.cells = append(set.cells, c)
		}
	}
	return set, found.Err()
}

// reasons tells for each failed cell which stage failed and why: of those with
// the cell's outcome, the first in the chain.
func (p part) reasons(ctx context.Context, tx *sql.Tx, f Filter, set *cellSet) error {
	where, args := p.where(f)
	found, err := tx.QueryContext(ctx, `SELECT c.position, s.key, s.kind, s.severity, a.id, a.reason
		FROM cell c INDEXED BY cell_plan CROSS JOIN cell_stage cs ON cs.cell = c.n
		CROSS JOIN stage s ON s.n = cs.stage CROSS JOIN attempt a ON a.n = s.latest
		WHERE s.severity > 1 AND `+where, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var position, grade int
		var key, kind, attempt, reason string
		if err := found.Scan(&position, &key, &kind, &grade, &attempt, &reason); err != nil {
			return err
		}
		i := set.at[position-p.from]
		if i < 0 {
			continue
		}
		c := &set.cells[i]
		if record.Severities[grade] == c.Outcome && (c.Stage == "" || p.kinds.compare(kind, c.Kind) < 0) {
			c.Stage, c.Kind, c.Attempt, c.Reason = key, kind, attempt, reason
		}
	}
	return found.Err()
}

func readParams(text string) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	params := map[string]any{}
	if err := d.Decode(&params); err != nil {
		return nil, err
	}
	for k, v := range params {
		params[k] = plain(v)
	}
	return params, nil
}

// plain replaces JSON numbers by int64 or float64, in lists as well.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		return where.Number(v)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}
