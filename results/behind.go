package results

import (
	"context"
	"encoding/json"

	"prabench/results/record"
)

// Behind is what a cell stands on: the attempt that counts of one of its
// stages, with where and by what program it was made.
type Behind struct {
	Cell, Label string
	Seed        uint64
	Kind, Stage string // of the stage, and its key
	Attempt     string
	Device      string // as it was asked for: cpu, cuda:0
	DeviceClass string // kind and model of the hardware
	Code        string // git revision, +dirty
	Environment string // id, see [DB.Environments]
}

// Behind gives the attempts that an experiment's results come from, in the
// order of its cells and of their chains. A stage that several cells share
// comes once for each. Stages without an attempt that ended well are left out.
func (db *DB) Behind(ctx context.Context, experiment string) ([]Behind, error) {
	n, err := planOf(ctx, db.read, experiment)
	if err != nil {
		return nil, explain(db.path, "reading what results stand on", err)
	}
	found, err := db.read.QueryContext(ctx, `SELECT c.id, `+label+`, c.seed, s.kind, s.key, a.id, o.device, o.class, o.code, e.id
		FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n CROSS JOIN stage s ON s.n = cs.stage
		CROSS JOIN attempt a ON a.n = s.attempt CROSS JOIN origin o ON o.n = a.origin CROSS JOIN environment e ON e.n = o.environment
		LEFT JOIN kind k ON k.name = s.kind
		WHERE p.n = ? ORDER BY c.position, `+byChain, n)
	if err != nil {
		return nil, explain(db.path, "reading what results stand on", err)
	}
	defer found.Close()
	var all []Behind
	for found.Next() {
		var b Behind
		var seed int64
		if err := found.Scan(&b.Cell, &b.Label, &seed, &b.Kind, &b.Stage, &b.Attempt, &b.Device, &b.DeviceClass, &b.Code,
			&b.Environment); err != nil {
			return nil, explain(db.path, "reading what results stand on", err)
		}
		b.Seed = uint64(seed)
		all = append(all, b)
	}
	return all, explain(db.path, "reading what results stand on", found.Err())
}

// Environments gives the environments of an experiment's results, by id.
func (db *DB) Environments(ctx context.Context, experiment string) ([]record.Environment, error) {
	n, err := planOf(ctx, db.read, experiment)
	if err != nil {
		return nil, explain(db.path, "reading environments", err)
	}
	found, err := db.read.QueryContext(ctx, `SELECT DISTINCT e.id, e.json
		FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n CROSS JOIN stage s ON s.n = cs.stage
		CROSS JOIN attempt a ON a.n = s.attempt CROSS JOIN origin o ON o.n = a.origin CROSS JOIN environment e ON e.n = o.environment
		WHERE p.n = ? ORDER BY e.id`, n)
	if err != nil {
		return nil, explain(db.path, "reading environments", err)
	}
	defer found.Close()
	var all []record.Environment
	for found.Next() {
		var id, text string
		if err := found.Scan(&id, &text); err != nil {
			return nil, explain(db.path, "reading environments", err)
		}
		var e record.Environment
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return nil, explain(db.path, "reading environment "+id, err)
		}
		e.ID = id
		all = append(all, e)
	}
	return all, explain(db.path, "reading environments", found.Err())
}
