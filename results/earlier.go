package results

import (
	"context"
	"encoding/json"
)

// EarlierStage is a stage that a cell of some plan of an experiment needed.
type EarlierStage struct {
	Cell, Label string
	Seed        uint64
	Kind, Key   string
	Done        bool            // it ended well
	Config      json.RawMessage // what its key was made from; nil when not known
}

// EarlierStages gives the stages of all cells that plans of the experiment have
// ever had, those of the newest plan first. Of a cell that was planned again
// under the same id only the newest stages are known.
func (db *DB) EarlierStages(ctx context.Context, experiment string) ([]EarlierStage, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT c.id, c.label, c.seed, s.kind, s.key, s.attempt IS NOT NULL, coalesce(g.config, '')
		FROM cell c JOIN cell_stage cs ON cs.cell = c.n JOIN stage s ON s.n = cs.stage LEFT JOIN stage_config g ON g.stage = s.n
		WHERE c.experiment = ? ORDER BY c.plan DESC, c.position`, experiment)
	if err != nil {
		return nil, explain(db.path, "reading earlier plans", err)
	}
	defer rows.Close()
	var all []EarlierStage
	for rows.Next() {
		var s EarlierStage
		var config string
		if err := rows.Scan(&s.Cell, &s.Label, &s.Seed, &s.Kind, &s.Key, &s.Done, &config); err != nil {
			return nil, explain(db.path, "reading earlier plans", err)
		}
		if config != "" {
			s.Config = json.RawMessage(config)
		}
		all = append(all, s)
	}
	return all, explain(db.path, "reading earlier plans", rows.Err())
}
