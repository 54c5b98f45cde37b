package results

import (
	"context"
	"encoding/json"
)

// EarlierStage is a stage that ended well and that a cell of some version of an
// experiment needs.
type EarlierStage struct {
	Cell, Label string
	Seed        uint64
	Kind, Key   string
	Config      json.RawMessage // what its key was made from; nil when not known
}

// EarlierStages gives of each label, seed and kind of stage in any version of the
// experiment the stage that was done last, removed versions among them.
func (db *DB) EarlierStages(ctx context.Context, experiment string) ([]EarlierStage, error) {
	// The row of the greatest used gives the other columns.
	rows, err := db.read.QueryContext(ctx, `SELECT d.id, d.label, d.seed, s.kind, s.key, coalesce(g.config, '') FROM (
		  SELECT c.id, `+label+` AS label, c.seed, cs.stage, max(p.used), c.position
		  FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n CROSS JOIN stage s ON s.n = cs.stage
		  WHERE p.experiment = ? AND s.attempt IS NOT NULL GROUP BY 2, c.seed, cs.kind) d
		JOIN stage s ON s.n = d.stage LEFT JOIN stage_config g ON g.stage = s.n ORDER BY d.position`, experiment)
	if err != nil {
		return nil, explain(db.path, "reading earlier plans", err)
	}
	defer rows.Close()
	var all []EarlierStage
	for rows.Next() {
		var s EarlierStage
		var config string
		if err := rows.Scan(&s.Cell, &s.Label, &s.Seed, &s.Kind, &s.Key, &config); err != nil {
			return nil, explain(db.path, "reading earlier plans", err)
		}
		if config != "" {
			s.Config = json.RawMessage(config)
		}
		all = append(all, s)
	}
	return all, explain(db.path, "reading earlier plans", rows.Err())
}
