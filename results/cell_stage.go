package results

import (
	"context"

	"prabench/results/record"
)

// CellStage is one stage in the chain of a cell, as the database knows it.
type CellStage struct {
	Experiment, Cell string
	Kind, Key        string
	Outcome          string // of the stage; pending when nothing was tried
}

// CellStages gives the stages of the cells of all experiments, in the order of
// experiments, plans and chains.
func (db *DB) CellStages(ctx context.Context) ([]CellStage, error) {
	found, err := db.read.QueryContext(ctx, `SELECT p.experiment, c.id, s.kind, s.key, s.severity
		FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n CROSS JOIN stage s ON s.n = cs.stage
		LEFT JOIN kind k ON k.name = s.kind
		WHERE p.current = 1 ORDER BY p.experiment, c.position, `+byChain)
	if err != nil {
		return nil, explain(db.path, "reading the stages of cells", err)
	}
	defer found.Close()
	var all []CellStage
	for found.Next() {
		var s CellStage
		var grade int
		if err := found.Scan(&s.Experiment, &s.Cell, &s.Kind, &s.Key, &grade); err != nil {
			return nil, explain(db.path, "reading the stages of cells", err)
		}
		s.Outcome = record.Severities[grade]
		all = append(all, s)
	}
	return all, explain(db.path, "reading the stages of cells", found.Err())
}
