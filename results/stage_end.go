package results

import (
	"context"
	"encoding/json"
	"time"
)

// StageEnd is how a stage ended: its newest attempt that ended well or, where
// none did, its newest attempt.
type StageEnd struct {
	Attempt, Outcome, Reason string
	Log                      string // of an attempt that did not end well
	Took                     time.Duration
}

// StageEnds gives the ends of stages by their keys, in one query; a stage that
// was never tried is absent.
func (db *DB) StageEnds(ctx context.Context, keys []string) (map[string]StageEnd, error) {
	ends := make(map[string]StageEnd, len(keys))
	if len(keys) == 0 {
		return ends, nil
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	rows, err := db.read.QueryContext(ctx, `SELECT s.key, a.id, a.outcome, a.reason, a.started, a.finished,
			CASE WHEN s.attempt IS NULL THEN coalesce((SELECT log FROM attempt_log l WHERE l.attempt = a.n), '') ELSE '' END
		FROM json_each(?) k CROSS JOIN stage s ON s.key = k.value CROSS JOIN attempt a ON a.n = coalesce(s.attempt, s.latest)`, string(list))
	if err != nil {
		return nil, explain(db.path, "reading how stages ended", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, started, finished string
		var e StageEnd
		if err := rows.Scan(&key, &e.Attempt, &e.Outcome, &e.Reason, &started, &finished, &e.Log); err != nil {
			return nil, explain(db.path, "reading how stages ended", err)
		}
		e.Took = max(0, unstamp(finished).Sub(unstamp(started))) // a clock set back gives no negative time
		ends[key] = e
	}
	return ends, explain(db.path, "reading how stages ended", rows.Err())
}
