package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
)

// Cell is one line of the view cells, with what else is known about it.
type Cell struct {
	Experiment                        string
	Cell                              string
	Seed                              uint64
	Label                             string
	Patch, Block, RolloutDepth, State int
	Params                            map[string]any // see [Row]
	Outcome                           string         // the worst of its stages; ok when all are, pending while some are not
	// Of the stage that decided an outcome other than ok and pending:
	Stage, Kind, Attempt, Reason string
}

// Param gives a parameter by its dotted key: a swept one, or one of the four
// that every cell has.
func (c *Cell) Param(key string) (any, bool) {
	return param(c.Params, key, c.Patch, c.Block, c.RolloutDepth, c.State)
}

// Param gives a parameter of the row's cell, see [Cell.Param].
func (r *Row) Param(key string) (any, bool) {
	return param(r.Params, key, r.Patch, r.Block, r.RolloutDepth, r.State)
}

func param(params map[string]any, key string, patch, block, depth, state int) (any, bool) {
	if v, ok := params[key]; ok {
		return v, true
	}
	switch key {
	case "model.patch", "patch":
		return int64(patch), true
	case "model.block", "block":
		return int64(block), true
	case "train.rollout_depth", "rollout_depth":
		return int64(depth), true
	case "model.state", "state":
		return int64(state), true
	}
	return nil, false
}

// Cells gives the cells of an experiment, or of all when it is "", in the
// order of their plan.
func (db *DB) Cells(ctx context.Context, experiment string) ([]Cell, error) {
	cells, err := db.cells(ctx, Filter{Experiment: experiment})
	return cells, explain(db.path, "reading cells", err)
}

func (db *DB) cells(ctx context.Context, f Filter) ([]Cell, error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	set, err := loadCells(ctx, tx, f)
	if err != nil {
		return nil, err
	}
	where, args := f.where()
	found, err := tx.QueryContext(ctx, `SELECT c.n, coalesce((SELECT max(s.severity) FROM cell_stage cs JOIN stage s ON s.n = cs.stage WHERE cs.cell = c.n), 1)
		FROM plan p CROSS JOIN cell c ON c.plan = p.n WHERE p.current = 1`+where, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	failed := false
	for found.Next() {
		var n int64
		var worst int
		if err := found.Scan(&n, &worst); err != nil {
			return nil, err
		}
		if i, ok := set.byNumber[n]; ok {
			set.cells[i].Outcome = severities[worst]
			failed = failed || worst > severity(Pending)
		}
	}
	if err := found.Err(); err != nil || !failed {
		return set.cells, err
	}
	found.Close()
	return set.cells, set.reasons(ctx, tx, where, args)
}

// reasons tells for each failed cell which stage failed and why: of those with
// the cell's outcome, the first in the chain.
func (set *cellSet) reasons(ctx context.Context, tx *sql.Tx, where string, args []any) error {
	found, err := tx.QueryContext(ctx, `SELECT c.n, s.key, s.kind, s.severity, a.id, a.reason
		FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n
		CROSS JOIN stage s ON s.n = cs.stage CROSS JOIN attempt a ON a.n = s.latest
		WHERE p.current = 1 AND s.severity > 1`+where, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var n int64
		var key, kind, attempt, reason string
		var grade int
		if err := found.Scan(&n, &key, &kind, &grade, &attempt, &reason); err != nil {
			return err
		}
		i, ok := set.byNumber[n]
		if !ok {
			continue
		}
		c := &set.cells[i]
		if severities[grade] == c.Outcome && (c.Stage == "" || kindOrder(kind) < kindOrder(c.Kind)) {
			c.Stage, c.Kind, c.Attempt, c.Reason = key, kind, attempt, reason
		}
	}
	return found.Err()
}

// cellSet is the cells that a filter chose.
type cellSet struct {
	cells    []Cell
	byNumber map[int64]int // row id → place in cells
	words    map[string]string
}

// word keeps one copy of a text that comes again and again.
func (set *cellSet) word(b []byte) string {
	if s, ok := set.words[string(b)]; ok {
		return s
	}
	s := string(b)
	set.words[s] = s
	return s
}

func loadCells(ctx context.Context, tx *sql.Tx, f Filter) (*cellSet, error) {
	where, args := f.where()
	found, err := tx.QueryContext(ctx, `SELECT c.n, c.experiment, c.id, c.seed, c.label, c.patch, c.block, c.rollout_depth, c.state, c.params_json
		FROM plan p CROSS JOIN cell c ON c.plan = p.n WHERE p.current = 1`+where+` ORDER BY p.experiment, c.position`, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	set := &cellSet{byNumber: map[int64]int{}, words: map[string]string{}}
	params := map[string]map[string]any{} // seeds of one point have the same text
	for found.Next() {
		var n, seed int64
		var experiment, label, text sql.RawBytes
		var c Cell
		if err := found.Scan(&n, &experiment, &c.Cell, &seed, &label, &c.Patch, &c.Block, &c.RolloutDepth, &c.State, &text); err != nil {
			return nil, err
		}
		c.Experiment, c.Seed, c.Label = set.word(experiment), uint64(seed), set.word(label)
		if c.Params = params[string(text)]; c.Params == nil {
			if c.Params, err = readParams(string(text)); err != nil {
				return nil, err
			}
			params[string(text)] = c.Params
		}
		if f.matches(&c) {
			set.byNumber[n] = len(set.cells)
			set.cells = append(set.cells, c)
		}
	}
	return set, found.Err()
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
		return numberOf(v)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}
