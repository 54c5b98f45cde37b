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
	key, attempt, device string
	finished             time.Time
	origin               int64
	classes, codes       string
}

// origin is a device in an environment.
type origin struct{ device, class, code string }

// origins are few: one for each device and machine and commit.
type origins map[int64]origin

func loadOrigins(ctx context.Context, tx *sql.Tx) (origins, error) {
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

// source reads "key attempt time", of which only the time has a fixed form.
func (all origins) source(text string, origin int64) *source {
	key, rest, _ := strings.Cut(text, " ") // neither keys nor ids have blanks
	attempt, finished, _ := strings.Cut(rest, " ")
	o := all[origin]
	return &source{key: key, attempt: attempt, finished: unstamp(finished), origin: origin, device: o.device, classes: o.class, codes: o.code}
}

// trace replaces the class and code of the sources needed by those of all the
// stages they stand on. Only times stand on themselves alone.
func (p part) trace(ctx context.Context, tx *sql.Tx, f Filter, all origins, need map[int64]*source) error {
	where, args := p.where(f)
	const from = ` FROM cell c INDEXED BY cell_plan CROSS JOIN cell_stage cs ON cs.cell = c.n CROSS JOIN stage s ON s.n = cs.stage `
	found, err := tx.QueryContext(ctx, `SELECT s.n, s.kind, a.origin`+from+`CROSS JOIN attempt a ON a.n = s.attempt WHERE `+where, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	made, kinds := map[int64]origin{}, map[int64]string{}
	for found.Next() {
		var n, origin int64
		var kind string
		if err := found.Scan(&n, &kind, &origin); err != nil {
			return err
		}
		made[n], kinds[n] = all[origin], kind
	}
	if err := found.Err(); err != nil {
		return err
	}
	found.Close()
	inputs := map[int64][]int64{}
	links, err := tx.QueryContext(ctx, `SELECT DISTINCT si.stage, si.input`+from+`CROSS JOIN stage_input si ON si.stage = s.n WHERE `+where,
		args...)
	if err != nil {
		return err
	}
	defer links.Close()
	for links.Next() {
		var stage, input int64
		if err := links.Scan(&stage, &input); err != nil {
			return err
		}
		inputs[stage] = append(inputs[stage], input)
	}
	for n, s := range need {
		if !p.kinds[kinds[n]].own {
			classes, codes := map[string]bool{}, map[string]bool{}
			collect(n, made, inputs, map[int64]bool{}, classes, codes)
			s.classes, s.codes = joined(classes), joined(codes)
		}
	}
	return links.Err()
}

// collect gathers the classes and codes of a stage and of all before it. An
// input that is not known here (its attempts were not merged) adds nothing.
func collect(n int64, made map[int64]origin, inputs map[int64][]int64, seen map[int64]bool, classes, codes map[string]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if o, ok := made[n]; ok {
		classes[o.class], codes[o.code] = true, true
	}
	for _, in := range inputs[n] {
		collect(in, made, inputs, seen, classes, codes)
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
