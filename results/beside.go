package results

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"prabench/results/where"
)

// OutsideKey is the parameter of cells that stand for images of another program.
const OutsideKey = where.Outside

// Beside says that a cell stands beside its experiment's plan: images of another
// program that were scored by themselves.
func Beside(c Cell) bool {
	return c.Params[OutsideKey] != nil && !strings.HasPrefix(c.Cell, where.External)
}

// RecordBeside adds cells to a version of their experiment: they are shown behind
// its own ones and come along when the experiment is planned again. Each needs the
// parameter [OutsideKey]. One takes the place of another of the same label and seed: they were
// other images under that name, whose attempts stay in the database.
func (db *DB) RecordBeside(ctx context.Context, plan Plan) error {
	if err := plan.Check(); err != nil {
		return err
	}
	for _, c := range plan.Cells {
		if c.Params[OutsideKey] == nil {
			return fmt.Errorf("plan of %s: cell %s is beside the plan without the parameter %q", plan.Experiment, c.ID, OutsideKey)
		}
	}
	write, err := db.writer()
	if err != nil {
		return err
	}
	doing := "recording cells beside " + plan.Experiment
	tx, err := write.BeginTx(ctx, nil)
	if err != nil {
		return explain(db.path, doing, err)
	}
	defer tx.Rollback()
	if err := recordBeside(ctx, tx, plan); err != nil {
		return explain(db.path, doing, err)
	}
	return explain(db.path, doing, tx.Commit())
}

func recordBeside(ctx context.Context, tx *sql.Tx, plan Plan) error {
	var place int
	number, err := planOf(ctx, tx, cmp.Or(plan.At, plan.Experiment))
	if err != nil {
		return err
	}
	if number == 0 {
		return fmt.Errorf("experiment %q has no plan", plan.Experiment)
	}
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(position) + 1, 0) FROM cell WHERE plan=?", number).Scan(&place); err != nil {
		return err
	}
	stages, err := recordStages(ctx, tx, plan.Stages)
	if err != nil {
		return err
	}
	in := newInserter(ctx, tx)
	defer in.close()
	for _, c := range plan.Cells {
		at := place
		replaced, err := replace(ctx, tx, number, c)
		if err != nil {
			return err
		}
		// A cell that is there keeps its place.
		err = tx.QueryRowContext(ctx, "SELECT position FROM cell WHERE plan=? AND id=?", number, c.ID).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) && replaced >= 0 {
			at, err = replaced, nil
		}
		if errors.Is(err, sql.ErrNoRows) {
			place++
		} else if err != nil {
			return err
		}
		if err := recordCell(in, plan.Experiment, number, at, c, stages); err != nil {
			return fmt.Errorf("cell %s: %w", c.ID, err)
		}
	}
	return nil
}

// replace removes from a plan the cells beside it with the label and the seed of another, and gives
// the place of the last one, −1 where there is none.
func replace(ctx context.Context, tx *sql.Tx, plan int64, by PlanCell) (place int, err error) {
	const same = ` FROM cell WHERE plan=?1 AND label=?2 AND seed=?3 AND id<>?4 AND json_extract(params_json, '$.` + OutsideKey +
		`') IS NOT NULL AND id NOT LIKE '` + where.External + `%'`
	of := []any{plan, by.Label, by.Seed, by.ID}
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(position), -1)"+same, of...).Scan(&place); err != nil || place < 0 {
		return -1, err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM cell_stage WHERE cell IN (SELECT n"+same+")", of...); err != nil {
		return -1, err
	}
	_, err = tx.ExecContext(ctx, "DELETE"+same, of...)
	return place, err
}

// keepBeside copies the cells beside one plan behind those of another, but for
// those that it has.
func keepBeside(ctx context.Context, tx *sql.Tx, from, to int64) error {
	if from == 0 || from == to {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO cell(experiment, id, plan, position, seed, label, patch, block, rollout_depth, state,
			params_json)
		SELECT experiment, id, ?2, (SELECT coalesce(max(position) + 1, 0) FROM cell WHERE plan = ?2) + row_number() OVER (ORDER BY position) - 1,
			seed, label, patch, block, rollout_depth, state, params_json
		FROM cell c WHERE plan = ?1 AND json_extract(params_json, '$.`+OutsideKey+`') IS NOT NULL
		AND c.id NOT LIKE '`+where.External+`%' AND NOT EXISTS (SELECT 1 FROM cell d WHERE d.plan = ?2 AND d.id = c.id)`, from, to)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO cell_stage(cell, kind, stage) SELECT d.n, cs.kind, cs.stage
		FROM cell c CROSS JOIN cell d ON d.plan = ?2 AND d.id = c.id CROSS JOIN cell_stage cs ON cs.cell = c.n
		WHERE c.plan = ?1 AND json_extract(c.params_json, '$.`+OutsideKey+`') IS NOT NULL
		AND c.id NOT LIKE '`+where.External+`%' AND NOT EXISTS (SELECT 1 FROM cell_stage x WHERE x.cell = d.n)`, from, to)
	return err
}
