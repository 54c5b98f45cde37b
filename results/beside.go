package results

import (
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

// RecordBeside adds cells to the current plan of their experiment: they are shown
// behind its own ones and stay when the experiment is planned anew. Each needs the
// parameter [OutsideKey].
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
	var number int64
	var place int
	err := tx.QueryRowContext(ctx, `SELECT p.n, coalesce((SELECT max(position) + 1 FROM cell c WHERE c.plan = p.n), 0)
		FROM plan p WHERE p.experiment=? AND p.current=1`, plan.Experiment).Scan(&number, &place)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("experiment %q has no plan", plan.Experiment)
	}
	if err != nil {
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
		// A cell that is there keeps its place.
		err := tx.QueryRowContext(ctx, "SELECT position FROM cell WHERE experiment=? AND id=? AND plan=?", plan.Experiment, c.ID,
			number).Scan(&at)
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

// keepBeside moves the cells beside one plan behind those of the plan after it.
func keepBeside(ctx context.Context, tx *sql.Tx, before, after int64) error {
	var place int
	err := tx.QueryRowContext(ctx, "SELECT coalesce(max(position) + 1, 0) FROM cell WHERE plan=?", after).Scan(&place)
	if err != nil {
		return err
	}
	found, err := tx.QueryContext(ctx, "SELECT n FROM cell WHERE plan=? AND json_extract(params_json, '$."+OutsideKey+"') IS NOT NULL "+
		"AND id NOT LIKE '"+where.External+"%' ORDER BY position", before)
	if err != nil {
		return err
	}
	defer found.Close()
	var cells []int64
	for found.Next() {
		var n int64
		if err := found.Scan(&n); err != nil {
			return err
		}
		cells = append(cells, n)
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		return err
	}
	for i, n := range cells {
		if _, err := tx.ExecContext(ctx, "UPDATE cell SET plan=?, position=? WHERE n=?", after, place+i, n); err != nil {
			return err
		}
	}
	return nil
}
