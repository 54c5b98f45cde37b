package results

import (
	"context"
	"database/sql"
	"sort"
	"strings"
	"time"
)

// source is where a stage's values come from: its newest attempt that ended
// well, and the hardware and code of all that it stands on.
type source struct {
	key, kind, attempt, device string
	finished                   time.Time
	origin                     int64
	classes, codes             string
}

// origin is a device in an environment.
type origin struct{ device, class, code string }

// origins are few: one for each device and machine and commit.
type origins map[int64]origin

func loadSources(ctx context.Context, tx *sql.Tx) (origins, error) {
	found, err := tx.QueryContext(ctx, "SELECT n, device, class, code FROM origin")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	all := origins{}
	for found.Next() {
		var n int64
		var o origin
		if err := found.Scan(&n, &o.device, &o.class, &o.code); err != nil {
			return nil, err
		}
		all[n] = o
	}
	return all, found.Err()
}

func loadProtocols(ctx context.Context, tx *sql.Tx) (map[int64]string, error) {
	found, err := tx.QueryContext(ctx, "SELECT n, text FROM protocol")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	all := map[int64]string{}
	for found.Next() {
		var n int64
		var text string
		if err := found.Scan(&n, &text); err != nil {
			return nil, err
		}
		all[n] = text
	}
	return all, found.Err()
}

// uniform says whether everything was made by one device class and one code:
// then nothing has to be traced.
func (all origins) uniform() bool {
	var first origin
	for _, o := range all {
		if first == (origin{}) {
			first = o
		}
		if o.class != first.class || o.code != first.code {
			return false
		}
	}
	return true
}

// stages tells the sources of the stages needed, all of them part of cells
// that the filter chose.
func (all origins) stages(ctx context.Context, tx *sql.Tx, f Filter, need map[int64]bool) (map[int64]*source, error) {
	where, args := f.where()
	const from = ` FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n
		CROSS JOIN stage s ON s.n = cs.stage `
	found, err := tx.QueryContext(ctx, `SELECT s.n, s.key, s.kind, a.id, a.finished, a.origin`+from+`
		CROSS JOIN attempt a ON a.n = s.attempt WHERE p.current = 1`+where, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	uniform := all.uniform()
	known := map[int64]*source{}
	for found.Next() {
		var n int64
		var key, kind, attempt, finished sql.RawBytes
		s := &source{}
		if err := found.Scan(&n, &key, &kind, &attempt, &finished, &s.origin); err != nil {
			return nil, err
		}
		if known[n] != nil || uniform && !need[n] {
			continue
		}
		s.key, s.kind, s.attempt, s.finished = string(key), string(kind), string(attempt), unstamp(string(finished))
		o := all[s.origin]
		s.device, s.classes, s.codes = o.device, o.class, o.code
		known[n] = s
	}
	if err := found.Err(); err != nil || uniform {
		return known, err
	}
	found.Close()
	inputs := map[int64][]int64{}
	links, err := tx.QueryContext(ctx, `SELECT DISTINCT si.stage, si.input`+from+`
		CROSS JOIN stage_input si ON si.stage = s.n WHERE p.current = 1`+where, args...)
	if err != nil {
		return nil, err
	}
	defer links.Close()
	for links.Next() {
		var stage, input int64
		if err := links.Scan(&stage, &input); err != nil {
			return nil, err
		}
		inputs[stage] = append(inputs[stage], input)
	}
	for n := range need {
		if s := known[n]; s != nil && s.kind != Time {
			classes, codes := map[string]bool{}, map[string]bool{}
			all.trace(n, known, inputs, map[int64]bool{}, classes, codes)
			s.classes, s.codes = joined(classes), joined(codes)
		}
	}
	return known, links.Err()
}

// trace collects the classes and codes of a stage and of all before it. An
// input that is not known here (its attempts were not merged) adds nothing.
func (all origins) trace(n int64, known map[int64]*source, inputs map[int64][]int64, seen map[int64]bool, classes, codes map[string]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if s := known[n]; s != nil {
		o := all[s.origin]
		classes[o.class], codes[o.code] = true, true
	}
	for _, in := range inputs[n] {
		all.trace(in, known, inputs, seen, classes, codes)
	}
}

func joined(set map[string]bool) string {
	words := make([]string, 0, len(set))
	for w := range set {
		words = append(words, w)
	}
	sort.Strings(words)
	return strings.Join(words, " + ")
}
