package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"prabench/results/record"
)

// RecordPlan is [DB.RecordVersion] for who does not ask which one it is.
func (db *DB) RecordPlan(ctx context.Context, plan Plan) error {
	_, err := db.RecordVersion(ctx, plan)
	return err
}

// RecordVersion keeps the plan as a version of its experiment's name and gives that
// version. A plan whose cells and stages a version has already is that version
// again, with its labels and description brought up to date. No other version
// loses anything.
//
// The views show the newest plan of a whole file, and one that was narrowed only
// while there is no other.
func (db *DB) RecordVersion(ctx context.Context, plan Plan) (Version, error) {
	doing := "recording the plan of " + plan.Experiment
	if err := plan.Check(); err != nil {
		return Version{}, err
	}
	write, err := db.writer()
	if err != nil {
		return Version{}, err
	}
	r := recording{Plan: plan, created: plan.Created}
	if r.created.IsZero() {
		r.created = time.Now()
	}
	if err := r.sum(); err != nil {
		return Version{}, err
	}
	// Most runs find their plan recorded: see without asking for the lock.
	n, err := r.recorded(ctx, db.read)
	if err == nil && n == 0 {
		n, err = r.store(ctx, write)
	}
	if err != nil {
		return Version{}, explain(db.path, doing, err)
	}
	all, err := versions(ctx, db.read, "p.n = ?", n)
	if err != nil {
		return Version{}, explain(db.path, doing, err)
	}
	return all[0], nil
}

// recording is a plan on its way in, with what tells it from others.
type recording struct {
	Plan
	created time.Time
	digest  string // of everything but its time
	content string // of its cells and their stages
	ids     string // of its cells' ids
}

func (r *recording) sum() error {
	r.Created = time.Time{}
	text, err := json.Marshal(r.Plan)
	if err != nil {
		return fmt.Errorf("plan of %s: a parameter cannot be written as JSON: %w", r.Experiment, err)
	}
	r.digest = record.Hash(json.RawMessage(text))
	ids, content := make([]string, len(r.Cells)), make([]string, len(r.Cells))
	for i, c := range r.Cells {
		ids[i] = c.ID
		lines := make([]string, 0, 1+len(c.Stages))
		for kind, key := range c.Stages {
			lines = append(lines, kind+" "+key)
		}
		slices.Sort(lines)
		content[i] = c.ID + " " + strings.Join(lines, " ")
	}
	slices.Sort(content)
	r.ids, r.content = IDs(ids), record.Hash(content)
	return nil
}

// IDs is the hash by which versions of the same cells are found, whatever their
// order.
func IDs(cells []string) string {
	sorted := slices.Clone(cells)
	slices.Sort(sorted)
	return record.Hash(sorted)
}

// querier is a connection pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// recorded gives the version that the plan is, 0 when recording it would change
// something.
func (r *recording) recorded(ctx context.Context, q querier) (n int64, err error) {
	known, err := listKinds(ctx, q)
	if err != nil {
		return 0, err
	}
	if _, changed := kindsWith(known, r.Kinds); changed {
		return 0, nil
	}
	err = q.QueryRowContext(ctx, `SELECT n FROM plan WHERE experiment = ?1 AND hash = ?2 AND content = ?3 AND removed = ''
		AND (source = ?4 OR ?4 = '') AND (narrowed = ?5 OR narrowed = '')
		AND used = (SELECT max(used) FROM plan WHERE experiment = ?1)`, r.Experiment, r.digest, r.content, r.Source, r.Narrowed).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n, err
}

// store records the plan in one transaction.
func (r *recording) store(ctx context.Context, write *sql.DB) (n int64, err error) {
	tx, err := write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if err := recordKinds(ctx, tx, r.Kinds); err != nil {
		return 0, err
	}
	shown, err := planOf(ctx, tx, r.Experiment)
	if err != nil {
		return 0, err
	}
	var digest string
	err = tx.QueryRowContext(ctx, `SELECT n, hash FROM plan WHERE experiment = ? AND version > 0 AND partial = 0 AND (content = ? OR hash = ?)
		ORDER BY content = '', n DESC LIMIT 1`, r.Experiment, r.content, r.digest).Scan(&n, &digest)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		n, err = r.add(ctx, tx)
	case err == nil:
		err = r.renew(ctx, tx, n, digest != r.digest)
	}
	if err != nil {
		return 0, err
	}
	if err := showNewest(ctx, tx, r.Experiment); err != nil {
		return 0, err
	}
	if err := keepBeside(ctx, tx, shown, n); err != nil {
		return 0, err
	}
	return n, tx.Commit()
}

// nextUse is the place of a run after all others of the name.
const nextUse = "(SELECT coalesce(max(used), 0) + 1 FROM plan WHERE experiment = ?1)"

// add makes the plan a new version.
func (r *recording) add(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO plan(experiment, description, file_hash, hash, created, current, source, narrowed, content, ids,
			version, used)
		VALUES (?1,?2,?3,?4,?5,0,?6,?7,?8,?9, (SELECT coalesce(max(version), 0) + 1 FROM plan WHERE experiment = ?1), `+nextUse+`) RETURNING n`,
		r.Experiment, r.Description, r.FileHash, r.digest, stamp(r.created), r.Source, r.Narrowed, r.content, r.ids).Scan(&n)
	if err != nil {
		return 0, err
	}
	stages, err := recordStages(ctx, tx, r.Stages)
	if err != nil {
		return 0, err
	}
	in := newInserter(ctx, tx)
	defer in.close()
	for i, c := range r.Cells {
		if err := recordCell(in, r.Experiment, n, i, c, stages); err != nil {
			return 0, fmt.Errorf("cell %s: %w", c.ID, err)
		}
	}
	return n, nil
}

// renew makes version n, which has the plan's cells and stages, the last one that
// was run, and brings the words about them up to date where they changed. What
// was once planned as the whole file stays that.
func (r *recording) renew(ctx context.Context, tx *sql.Tx, n int64, changed bool) error {
	_, err := tx.ExecContext(ctx, `UPDATE plan SET description = ?3, file_hash = ?4, hash = ?5, content = ?6, ids = ?7, removed = '',
			source = CASE ?8 WHEN '' THEN source ELSE ?8 END, narrowed = CASE narrowed WHEN '' THEN '' ELSE ?9 END, used = `+nextUse+`
		WHERE n = ?2`, r.Experiment, n, r.Description, r.FileHash, r.digest, r.content, r.ids, r.Source, r.Narrowed)
	if err != nil || !changed {
		return err
	}
	in := newInserter(ctx, tx)
	defer in.close()
	for i, c := range r.Cells {
		if _, err := upsertCell(in, r.Experiment, n, i, c); err != nil {
			return fmt.Errorf("cell %s: %w", c.ID, err)
		}
	}
	return nil
}

// showNewest lets the views show the newest version of a name that is of a whole
// file or, where there is none, the newest of any.
func showNewest(ctx context.Context, tx *sql.Tx, experiment string) error {
	if _, err := tx.ExecContext(ctx, "UPDATE plan SET current = 0 WHERE experiment = ? AND current = 1", experiment); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE plan SET current = 1 WHERE n = (SELECT n FROM plan
		WHERE experiment = ? AND version > 0 AND removed = '' ORDER BY partial, narrowed <> '', used DESC LIMIT 1)`, experiment)
	return err
}

// recordCell stores a cell of a version, or brings a known one up to date.
func recordCell(in *inserter, experiment string, plan int64, position int, c PlanCell, stages map[string]int64) error {
	n, err := upsertCell(in, experiment, plan, position, c)
	if err != nil {
		return err
	}
	if err := in.exec("DELETE FROM cell_stage WHERE cell=?", n); err != nil {
		return err
	}
	if len(c.Stages) == 0 {
		return nil
	}
	args := make([]any, 0, 3*len(c.Stages)) // one statement for all: there are half a million of these in a large plan
	for kind, key := range c.Stages {
		args = append(args, n, kind, stages[key])
	}
	return in.exec("INSERT INTO cell_stage(cell, kind, stage) VALUES (?,?,?)"+strings.Repeat(",(?,?,?)", len(c.Stages)-1), args...)
}

// upsertCell stores what is said of a cell and gives its number.
func upsertCell(in *inserter, experiment string, plan int64, position int, c PlanCell) (int64, error) {
	params := []byte("{}")
	if len(c.Params) > 0 {
		var err error
		if params, err = json.Marshal(c.Params); err != nil {
			return 0, err
		}
	}
	return in.number(`INSERT INTO cell(experiment, id, plan, position, seed, label, patch, block, rollout_depth, state, params_json)
		VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) ON CONFLICT (plan, id) DO UPDATE SET position=?4, seed=?5, label=?6, patch=?7, block=?8,
		rollout_depth=?9, state=?10, params_json=?11 RETURNING n`,
		experiment, c.ID, plan, position, int64(c.Seed), c.Label, c.Patch, c.Block, c.RolloutDepth, c.State, string(params))
}
