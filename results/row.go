package results

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Row is one line of the view results, with what else is known about it.
type Row struct {
	Experiment string
	Cell       string
	Seed       uint64
	Metric     string
	Unit       string
	Value      float64
	Lo, Hi     *float64 // 95 % interval, nil when there is none
	N          int
	Protocol   string
	Attempt    string
	Outcome    string // always ok: what failed is told by [DB.Cells]
	CreatedAt  time.Time

	Label                             string
	Patch, Block, RolloutDepth, State int
	Params                            map[string]any // dotted key → int64, float64, string or bool; shared between rows, do not write
	Stage, Kind                       string         // the stage the value comes from
	Device                            string         // as asked for: cpu, cuda:0
	// DeviceClass and Code are the kinds of hardware and the program states
	// that the value depends on: those of its own attempt and, unless it is
	// a time, which a machine of its own measured, of all stages before it.
	// Several are joined by " + ".
	DeviceClass string
	Code        string
}

// Filter chooses rows; what is empty does not restrict.
type Filter struct {
	Experiment string
	Metrics    []string
	Cells      []string       // cell ids
	Params     map[string]any // swept keys, or model.patch, model.block, model.state, train.rollout_depth
}

// Results gives the rows that pass the filter, ordered by experiment, place of
// the cell in its plan, place of the stage in the cell's chain, and metric.
func (db *DB) Results(ctx context.Context, f Filter) ([]Row, error) {
	rows, err := db.results(ctx, f)
	return rows, explain(db.path, "reading results", err)
}

func (db *DB) results(ctx context.Context, f Filter) ([]Row, error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one state for all queries
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	cells, err := loadCells(ctx, tx, f)
	if err != nil || len(cells.cells) == 0 {
		return nil, err
	}
	sources, err := loadSources(ctx, tx)
	if err != nil {
		return nil, err
	}
	protocols, err := loadProtocols(ctx, tx)
	if err != nil {
		return nil, err
	}
	where, args := f.where()
	if len(f.Metrics) > 0 {
		where += " AND v.metric IN " + marks(len(f.Metrics))
		for _, m := range f.Metrics {
			args = append(args, m)
		}
	}
	found, err := tx.QueryContext(ctx, `SELECT c.n, s.n, v.metric, v.unit, v.value, v.lo, v.hi, v.n, v.protocol
		FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n
		CROSS JOIN stage s ON s.n = cs.stage CROSS JOIN value v ON v.attempt = s.attempt
		WHERE p.current = 1`+where, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var all []number
	for found.Next() {
		var cell, stage, protocol int64
		var metric, unit sql.RawBytes
		var x number
		if err := found.Scan(&cell, &stage, &metric, &unit, &x.value, &x.lo, &x.hi, &x.n, &protocol); err != nil {
			return nil, err
		}
		i, ok := cells.byNumber[cell]
		if !ok {
			continue
		}
		x.cell, x.stage, x.protocol = i, stage, protocols[protocol]
		x.metric, x.unit = cells.word(metric), cells.word(unit)
		all = append(all, x)
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	found.Close()
	need := map[int64]bool{}
	for i := range all {
		need[all[i].stage] = true
	}
	stages, err := sources.stages(ctx, tx, f, need)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].source = stages[all[i].stage]
	}
	slices.SortStableFunc(all, func(a, b number) int {
		return cmp.Or(a.cell-b.cell, kindOrder(a.source.kind)-kindOrder(b.source.kind), strings.Compare(a.metric, b.metric), strings.Compare(a.protocol, b.protocol))
	})
	rows := make([]Row, len(all))
	for i, x := range all {
		c, s := &cells.cells[x.cell], x.source
		rows[i] = Row{Experiment: c.Experiment, Cell: c.Cell, Seed: c.Seed, Metric: x.metric, Unit: x.unit,
			Value: x.value, Lo: pointer(x.lo), Hi: pointer(x.hi), N: x.n, Protocol: x.protocol, Attempt: s.attempt, Outcome: OK, CreatedAt: s.finished,
			Label: c.Label, Patch: c.Patch, Block: c.Block, RolloutDepth: c.RolloutDepth, State: c.State, Params: c.Params,
			Stage: s.key, Kind: s.kind, Device: s.device, DeviceClass: s.classes, Code: s.codes}
	}
	return rows, nil
}

// number is a value as it is read, before it becomes a Row: small, because
// there may be millions that are sorted.
type number struct {
	cell         int // place in the cellSet
	stage        int64
	source       *source
	metric, unit string
	protocol     string
	value        float64
	lo, hi       sql.NullFloat64
	n            int
}

// where is the part of a filter that the tables plan p and cell c can answer.
func (f Filter) where() (text string, args []any) {
	if f.Experiment != "" {
		text, args = " AND p.experiment = ?", append(args, f.Experiment)
	}
	if len(f.Cells) > 0 {
		text += " AND c.id IN " + marks(len(f.Cells))
		for _, c := range f.Cells {
			args = append(args, c)
		}
	}
	return text, args
}

func marks(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")" }

func pointer(x sql.NullFloat64) *float64 {
	if !x.Valid {
		return nil
	}
	return &x.Float64
}

// matches says whether a cell's parameters are those wanted.
func (f Filter) matches(c *Cell) bool {
	for key, want := range f.Params {
		have, ok := c.Param(key)
		if !ok || !sameValue(have, want) {
			return false
		}
	}
	return true
}

// sameValue compares parameters by what they say: 7, 7.0 and "7" are the same.
func sameValue(a, b any) bool { return valueText(a) == valueText(b) }

// valueText writes a parameter's value the one way that sameValue compares.
func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return fmt.Sprint(int64(v))
		}
	case json.Number:
		return valueText(numberOf(v))
	case []any:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = valueText(w)
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// numberOf reads whole numbers as int64 and others as float64.
func numberOf(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	x, _ := n.Float64()
	return x
}
