package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"prabench/results/record"
)

// Plan is an experiment, expanded: its cells and the stages they need.
type Plan struct {
	Experiment  string      `json:"experiment"`
	Description string      `json:"description,omitempty"`
	FileHash    string      `json:"file_hash,omitempty"` // of the experiment file
	Created     time.Time   `json:"created"`
	Cells       []PlanCell  `json:"cells"`
	Stages      []PlanStage `json:"stages"` // each key once
	// Kinds are the kinds of stages in the order of a chain, also those that no
	// cell of the plan has; the database remembers them for whoever reads.
	Kinds []PlanKind `json:"-"`
}

// PlanCell is one point with one seed.
type PlanCell struct {
	ID           string            `json:"id"`
	Seed         uint64            `json:"seed"` // below 2⁶³
	Label        string            `json:"label,omitempty"`
	Patch        *int              `json:"patch"`
	Block        *int              `json:"block"`
	RolloutDepth *int              `json:"rollout_depth"` // of training
	State        *int              `json:"state"`
	Params       map[string]any    `json:"params"` // dotted key → value
	Stages       map[string]string `json:"stages"` // kind → stage key
}

// PlanStage is content-addressed work that one or more cells need.
type PlanStage struct {
	Key    string          `json:"key"`
	Kind   string          `json:"kind"`
	Inputs []string        `json:"inputs,omitempty"` // keys of stages in the same plan
	Config json.RawMessage `json:"config,omitempty"` // what the key was made from
}

// Check says what is contradictory in a plan, or nil.
func (p Plan) Check() error {
	if p.Experiment == "" {
		return errors.New("the plan's experiment has no name")
	}
	for _, k := range p.Kinds {
		if !record.IsWord(k.Name) {
			return fmt.Errorf("plan of %s: kind of stage %q is not a word", p.Experiment, k.Name)
		}
	}
	kinds := make(map[string]string, len(p.Stages))
	for _, s := range p.Stages {
		if s.Key == "" || !record.IsWord(s.Kind) {
			return fmt.Errorf("plan of %s: stage %q of kind %q needs a key and a kind", p.Experiment, s.Key, s.Kind)
		}
		if _, twice := kinds[s.Key]; twice {
			return fmt.Errorf("plan of %s: stage %s is listed twice", p.Experiment, s.Key)
		}
		if len(s.Config) > 0 && !json.Valid(s.Config) {
			return fmt.Errorf("plan of %s: the configuration of stage %s is not JSON", p.Experiment, s.Key)
		}
		kinds[s.Key] = s.Kind
	}
	for _, s := range p.Stages {
		for _, in := range s.Inputs {
			if kinds[in] == "" {
				return fmt.Errorf("plan of %s: stage %s needs %s, which is not in the plan", p.Experiment, s.Key, in)
			}
		}
	}
	seen := make(map[string]bool, len(p.Cells))
	for _, c := range p.Cells {
		if c.ID == "" || seen[c.ID] {
			return fmt.Errorf("plan of %s: cell %q has no id or is listed twice", p.Experiment, c.ID)
		}
		seen[c.ID] = true
		if c.Seed > math.MaxInt64 {
			return fmt.Errorf("plan of %s: seed %d of cell %s is not below 2^63, the largest whole number of SQLite", p.Experiment, c.Seed, c.ID)
		}
		for kind, key := range c.Stages {
			if kinds[key] != kind {
				return fmt.Errorf("plan of %s: cell %s needs %s as its %s stage, which the plan does not list so", p.Experiment, c.ID, key, kind)
			}
		}
	}
	return nil
}

// RecordPlan makes the plan the experiment's current one: its cells are what
// the views show from now on. Recording the current plan again changes nothing.
// Cells of earlier plans and all attempts stay in the tables.
func (db *DB) RecordPlan(ctx context.Context, plan Plan) error {
	if err := plan.Check(); err != nil {
		return err
	}
	write, err := db.writer()
	if err != nil {
		return err
	}
	created := plan.Created
	if created.IsZero() {
		created = time.Now()
	}
	plan.Created = time.Time{}
	content, err := json.Marshal(plan)
	if err != nil {
		return fmt.Errorf("plan of %s: a parameter cannot be written as JSON: %w", plan.Experiment, err)
	}
	digest := record.Hash(json.RawMessage(content))

	// Most runs find their plan recorded: see without asking for the lock.
	if same, err := isRecorded(ctx, db.read, plan, digest); err != nil || same {
		return explain(db.path, "recording the plan", err)
	}
	tx, err := write.BeginTx(ctx, nil)
	if err != nil {
		return explain(db.path, "recording the plan", err)
	}
	defer tx.Rollback()
	if err := recordKinds(ctx, tx, plan.Kinds); err != nil {
		return explain(db.path, "recording the kinds of stages", err)
	}
	same, err := isCurrent(ctx, tx, plan.Experiment, digest)
	if err == nil && !same {
		err = recordPlan(ctx, tx, plan, digest, created)
	}
	if err != nil {
		return explain(db.path, "recording the plan of "+plan.Experiment, err)
	}
	return explain(db.path, "recording the plan of "+plan.Experiment, tx.Commit())
}

// querier is a connection pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// isRecorded says whether recording the plan would change nothing.
func isRecorded(ctx context.Context, q querier, plan Plan, digest string) (bool, error) {
	known, err := listKinds(ctx, q)
	if err != nil {
		return false, err
	}
	if _, changed := kindsWith(known, plan.Kinds); changed {
		return false, nil
	}
	return isCurrent(ctx, q, plan.Experiment, digest)
}

func isCurrent(ctx context.Context, q querier, experiment, digest string) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM plan WHERE experiment=? AND current=1 AND hash=?", experiment, digest).Scan(&n)
	return n > 0, err
}

func recordPlan(ctx context.Context, tx *sql.Tx, plan Plan, digest string, created time.Time) error {
	var before int64
	err := tx.QueryRowContext(ctx, "UPDATE plan SET current=0 WHERE experiment=? AND current=1 RETURNING n", plan.Experiment).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var number int64
	err = tx.QueryRowContext(ctx, `INSERT INTO plan(experiment, description, file_hash, hash, created, current)
		VALUES (?,?,?,?,?,1) RETURNING n`, plan.Experiment, plan.Description, plan.FileHash, digest, stamp(created)).Scan(&number)
	if err != nil {
		return err
	}
	stages, err := recordStages(ctx, tx, plan.Stages)
	if err != nil {
		return err
	}
	in := newInserter(ctx, tx)
	defer in.close()
	for i, c := range plan.Cells {
		if err := recordCell(in, plan.Experiment, number, i, c, stages); err != nil {
			return fmt.Errorf("cell %s: %w", c.ID, err)
		}
	}
	return keepBeside(ctx, tx, before, number)
}

// recordCell stores a cell or brings a known one up to date.
func recordCell(in *inserter, experiment string, plan int64, position int, c PlanCell, stages map[string]int64) error {
	params := []byte("{}")
	if len(c.Params) > 0 {
		var err error
		if params, err = json.Marshal(c.Params); err != nil {
			return err
		}
	}
	n, added, err := in.add(`INSERT INTO cell(experiment, id, plan, position, seed, label, patch, block, rollout_depth, state, params_json)
		VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (experiment, id) DO NOTHING`,
		experiment, c.ID, plan, position, int64(c.Seed), c.Label, c.Patch, c.Block, c.RolloutDepth, c.State, string(params))
	if err != nil {
		return err
	}
	if !added {
		n, err = in.number(`UPDATE cell SET plan=?3, position=?4, seed=?5, label=?6, patch=?7, block=?8, rollout_depth=?9, state=?10,
			params_json=?11 WHERE experiment=?1 AND id=?2 RETURNING n`,
			experiment, c.ID, plan, position, int64(c.Seed), c.Label, c.Patch, c.Block, c.RolloutDepth, c.State, string(params))
		if err != nil {
			return err
		}
		if err := in.exec("DELETE FROM cell_stage WHERE cell=?", n); err != nil {
			return err
		}
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

// recordStages makes the stages known and gives their numbers. What a stage is
// made of never changes, so a known configuration stays.
func recordStages(ctx context.Context, tx *sql.Tx, stages []PlanStage) (map[string]int64, error) {
	in := newInserter(ctx, tx)
	defer in.close()
	find, err := in.prepared("SELECT n, kind FROM stage WHERE key=?")
	if err != nil {
		return nil, err
	}
	numbers := make(map[string]int64, len(stages))
	for _, s := range stages {
		n, added, err := in.add("INSERT INTO stage(key, kind) VALUES (?,?) ON CONFLICT (key) DO NOTHING", s.Key, s.Kind)
		if err == nil && !added {
			var kind string
			if err = find.QueryRowContext(ctx, s.Key).Scan(&n, &kind); err == nil && kind != s.Kind {
				return nil, &KindError{s.Key, kind, s.Kind}
			}
		}
		if err == nil && len(s.Config) > 0 {
			err = in.exec("INSERT INTO stage_config(stage, config) VALUES (?,?) ON CONFLICT DO NOTHING", n, string(s.Config))
		}
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", s.Key, err)
		}
		numbers[s.Key] = n
	}
	for _, s := range stages {
		for _, input := range s.Inputs {
			if err := in.exec("INSERT INTO stage_input(stage, input) VALUES (?,?) ON CONFLICT DO NOTHING", numbers[s.Key],
				numbers[input]); err != nil {
				return nil, fmt.Errorf("stage %s: %w", s.Key, err)
			}
		}
	}
	return numbers, nil
}

// timeLayout has a fixed width, so that times sort as text.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }

func unstamp(s string) time.Time {
	t, _ := time.Parse(timeLayout, s) // only stamp writes them
	return t
}
